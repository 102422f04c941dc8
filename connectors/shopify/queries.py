"""The GraphQL documents we send to read a shop and set its stock; those of what comes after a sale
are in :mod:`connectors.shopify.postsale_queries`. A test validates each against the published
schemas from our version on.

Page sizes keep every query well below the 1,000 points one query may cost. ``cost`` is what we
expect to be asked, for the limiter before the call; the answer tells the true figure.
"""

from __future__ import annotations

from dataclasses import dataclass

API_VERSION = "2026-07"

ORDERS_PAGE = 50
LISTINGS_PAGE = 100
LINES_PAGE = 100
STOCK_PAGE = 250  # no input list may be longer, of any API of Shopify


@dataclass(frozen=True, slots=True)
class Operation:
    """``scope``: what the app must be allowed besides reading orders, products and stock. Where it
    is not, the account is good for all else."""

    name: str
    document: str
    cost: float
    write: bool = False
    scope: str = ""


_LINE = """
  id sku name quantity currentQuantity unfulfilledQuantity
  variant { id }
  originalUnitPriceSet { shopMoney { amount } }
  discountAllocations { allocatedAmountSet { shopMoney { amount } } }
  taxLines { priceSet { shopMoney { amount } } }
"""

_LINES = "pageInfo { hasNextPage endCursor } nodes {" + _LINE + "}"

_HEAD = """
  id name createdAt processedAt updatedAt cancelledAt cancelReason test
  displayFinancialStatus displayFulfillmentStatus returnStatus
  currencyCode presentmentCurrencyCode taxesIncluded
  totalPriceSet { shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }
  currentTotalPriceSet { shopMoney { amount } }
  totalShippingPriceSet { shopMoney { amount } }
  totalTaxSet { shopMoney { amount } }
  totalDiscountsSet { shopMoney { amount } }
  totalRefundedSet { shopMoney { amount } }
  customer { id }
  email phone
  shippingAddress { name address1 address2 city provinceCode zip countryCodeV2 phone }
  fulfillments(first: 20) { id displayStatus }
"""

_ORDER = "fragment Order on Order {" + _HEAD + "lineItems(first: 20) {" + _LINES + "} }"

SHOP = Operation(
    "Shop",
    """query Shop {
  shop { id name currencyCode ianaTimezone myshopifyDomain }
  locations(first: 100) { nodes { id name isActive } }
}""",
    cost=12,
)

LISTINGS = Operation(
    "Listings",
    f"""query Listings($filter: String!, $location: ID!) {{
  shop {{ currencyCode }}
  productVariants(first: {LISTINGS_PAGE}, sortKey: ID, query: $filter) {{
    pageInfo {{ hasNextPage }}
    nodes {{
      id sku displayName barcode price updatedAt
      product {{ id status }}
      inventoryItem {{
        id tracked
        inventoryLevel(locationId: $location) {{
          quantities(names: ["available"]) {{ name quantity }}
        }}
      }}
    }}
  }}
}}""",
    cost=60,
)

ORDERS = Operation(
    "Orders",
    f"""query Orders($filter: String!, $after: String) {{
  orders(first: {ORDERS_PAGE}, after: $after, query: $filter, sortKey: UPDATED_AT) {{
    pageInfo {{ hasNextPage endCursor }}
    nodes {{ ...Order }}
  }}
}}"""
    + _ORDER,
    cost=350,
)

ORDERS_BY_ID = Operation(
    "OrdersById",
    "query OrdersById($ids: [ID!]!) { nodes(ids: $ids) { __typename ...Order } }" + _ORDER,
    cost=350,
)

ORDER_LINES = Operation(
    "OrderLines",
    f"""query OrderLines($id: ID!, $after: String!) {{
  order(id: $id) {{ id updatedAt lineItems(first: {LINES_PAGE}, after: $after) {{{_LINES}}} }}
}}""",
    cost=100,
)

#: Of orders that units were taken off after some were sent: which lines were sent.
SENT = Operation(
    "Sent",
    """query Sent($ids: [ID!]!) {
  nodes(ids: $ids) {
    __typename
    ... on Order {
      id
      fulfillments(first: 20) {
        id status
        fulfillmentLineItems(first: 50) {
          pageInfo { hasNextPage endCursor } nodes { quantity lineItem { id } }
        }
      }
    }
  }
}""",
    cost=150,
)

#: The lines of one parcel beyond its first page.
SENT_LINES = Operation(
    "SentLines",
    f"""query SentLines($id: ID!, $after: String) {{
  node(id: $id) {{
    __typename
    ... on Fulfillment {{
      fulfillmentLineItems(first: {LINES_PAGE}, after: $after) {{
        pageInfo {{ hasNextPage endCursor }} nodes {{ quantity lineItem {{ id }} }}
      }}
    }}
  }}
}}""",
    cost=25,
)

#: How many orders a walk would meet, counted no further than to ``limit``.
ORDERS_COUNT = Operation(
    "OrdersCount",
    """query OrdersCount($filter: String!, $limit: Int!) {
  ordersCount(query: $filter, limit: $limit) { count precision }
}""",
    cost=10,
    scope="read_orders",
)

#: Grouped: an order's lines follow it in the file, so that it can be read piece by piece.
EXPORT = Operation(
    "Export",
    """mutation Export($query: String!) {
  bulkOperationRunQuery(query: $query, groupObjects: true) {
    bulkOperation { id status }
    userErrors { code field message }
  }
}""",
    cost=10,
    write=True,
    scope="read_orders",
)

EXPORTED = Operation(
    "Exported",
    """query Exported($id: ID!) {
  bulkOperation(id: $id) { id status errorCode createdAt fileSize url }
}""",
    cost=2,
    scope="read_orders",
)

#: The newest first.
EXPORTS = Operation(
    "Exports",
    """query Exports {
  bulkOperations(first: 10, query: "operation_type:query") { nodes { id status createdAt query } }
}""",
    cost=8,
    scope="read_orders",
)

STOCK = Operation(
    "Stock",
    """query Stock($ids: [ID!]!, $location: ID!) {
  nodes(ids: $ids) {
    __typename
    ... on InventoryItem {
      id tracked
      inventoryLevel(locationId: $location) { quantities(names: ["available"]) { name quantity } }
    }
  }
}""",
    cost=50,
)

#: ``changeFromQuantity`` in the input is the compare of compare-and-set; without ``@idempotent``
#: versions from 2026-04 on refuse the call at run time.
SET_STOCK = Operation(
    "SetStock",
    """mutation SetStock($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { createdAt reason referenceDocumentUri }
    userErrors { code field message }
  }
}""",
    cost=10,
    write=True,
)

SUBSCRIPTIONS = Operation(
    "Subscriptions",
    """query Subscriptions($after: String) {
  webhookSubscriptions(first: 100, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes { id topic uri }
  }
}""",
    cost=12,
)

SUBSCRIBE = Operation(
    "Subscribe",
    """mutation Subscribe($topic: WebhookSubscriptionTopic!, $uri: String!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: {uri: $uri, format: JSON}) {
    webhookSubscription { id topic uri }
    userErrors { field message }
  }
}""",
    cost=10,
    write=True,
)

ALL = (
    SHOP,
    LISTINGS,
    ORDERS,
    ORDERS_BY_ID,
    ORDER_LINES,
    SENT,
    SENT_LINES,
    ORDERS_COUNT,
    EXPORT,
    EXPORTED,
    EXPORTS,
    STOCK,
    SET_STOCK,
    SUBSCRIPTIONS,
    SUBSCRIBE,
)


def exported_orders(search: str) -> str:
    """The query of a bulk operation over orders: no fragments, pages or lists inside lists."""
    lines = "lineItems { edges { node {" + _LINE + "} } }"
    return f'{{ orders(query: "{search}") {{ edges {{ node {{{_HEAD}{lines}}} }} }} }}'
