"""The GraphQL documents we send; valid from Saleor 3.20 on, checked against 3.24.0-a.0.

Left out on purpose, as Saleor is about to remove them: pre-orders, and everywhere but in
:data:`MONEY` the payments of before the Transactions API. A list may be asked for 100 at most. Each
question stays far below the 50,000 points that Saleor allows one to cost.
"""

from __future__ import annotations

from dataclasses import dataclass

ORDERS_PAGE = 50
LISTINGS_PAGE = 100
STOCK_PAGE = 100
REFUNDS_PAGE = 50
PLACES_PAGE = 100


@dataclass(frozen=True, slots=True)
class Operation:
    name: str
    document: str
    write: bool = False


_ADDRESS = """
firstName lastName companyName streetAddress1 streetAddress2 city cityArea postalCode countryArea
country { code } phone
"""

_ORDER = f"""
fragment Order on Order {{
  id number status created updatedAt isPaid chargeStatus authorizeStatus
  channel {{ slug }}
  total {{ currency gross {{ amount }} tax {{ amount }} }}
  undiscountedTotal {{ gross {{ amount }} }}
  shippingPrice {{ gross {{ amount }} }}
  totalCharged {{ amount }}
  totalAuthorized {{ amount }}
  totalRefunded {{ amount }}
  userEmail
  shippingAddress {{ {_ADDRESS} }}
  billingAddress {{ {_ADDRESS} }}
  events {{ type date }}
  fulfillments {{
    id status created
    warehouse {{ id }}
    lines {{ quantity orderLine {{ id }} }}
  }}
  lines {{
    id productName variantName productSku productVariantId quantity quantityFulfilled
    variant {{ id }}
    undiscountedUnitPrice {{ gross {{ amount }} }}
    totalPrice {{ gross {{ amount }} tax {{ amount }} }}
  }}
}}"""

_STOCKS = "stocks { warehouse { id } quantity quantityAllocated }"

_MONEY = """
fragment Money on Order {
  id status updatedAt
  total { currency gross { amount } }
  shippingPrice { gross { amount } }
  transactions {
    id actions
    chargedAmount { amount }
    events { id type createdAt message amount { amount } }
  }
  grantedRefunds {
    id status reason createdAt updatedAt shippingCostsIncluded
    amount { amount }
    lines { quantity orderLine { id } }
    transactionEvents { id type createdAt }
  }
  payments {
    id isActive
    capturedAmount { amount }
    transactions { id kind isSuccess created amount { amount } }
  }
}"""

SHOP = Operation(
    "Shop",
    f"""query Shop {{
  shop {{ name domain {{ host }} }}
  app {{ id name permissions {{ code }} }}
  channels {{ id slug name isActive currencyCode }}
  warehouses(first: {PLACES_PAGE}) {{ edges {{ node {{ id name slug }} }} }}
}}""",
)

#: Sorted, as otherwise variants without a SKU have no place in the list. One that is edited during
#: the walk comes again at its end.
LISTINGS = Operation(
    "Listings",
    f"""query Listings($after: String) {{
  productVariants(
    first: {LISTINGS_PAGE}, after: $after, sortBy: {{field: LAST_MODIFIED_AT, direction: ASC}}
  ) {{
    pageInfo {{ hasNextPage endCursor }}
    edges {{
      node {{
        id sku name trackInventory updatedAt
        product {{
          id name
          channelListings {{ isPublished isAvailableForPurchase channel {{ slug }} }}
        }}
        channelListings {{ price {{ amount currency }} channel {{ slug }} }}
        {_STOCKS}
      }}
    }}
  }}
}}""",
)

#: Drafts are never among them.
ORDERS = Operation(
    "Orders",
    f"""query Orders($filter: OrderFilterInput!, $channel: String, $after: String) {{
  orders(
    first: {ORDERS_PAGE}, after: $after, channel: $channel, filter: $filter
    sortBy: {{field: LAST_MODIFIED_AT, direction: ASC}}
  ) {{
    pageInfo {{ hasNextPage endCursor }}
    edges {{ node {{ ...Order }} }}
  }}
}}"""
    + _ORDER,
)

REFUNDS = Operation(
    "Refunds",
    f"""query Refunds($filter: OrderFilterInput!, $channel: String, $after: String) {{
  orders(
    first: {REFUNDS_PAGE}, after: $after, channel: $channel, filter: $filter
    sortBy: {{field: LAST_MODIFIED_AT, direction: ASC}}
  ) {{
    pageInfo {{ hasNextPage endCursor }}
    edges {{ node {{ ...Money }} }}
  }}
}}"""
    + _MONEY,
)

STOCK = Operation(
    "Stock",
    f"""query Stock($ids: [ID!]!) {{
  productVariants(first: {STOCK_PAGE}, ids: $ids) {{
    edges {{ node {{ id trackInventory {_STOCKS} }} }}
  }}
}}""",
)

SET_STOCK = Operation(
    "SetStock",
    """mutation SetStock($stocks: [StockBulkUpdateInput!]!) {
  stockBulkUpdate(stocks: $stocks, errorPolicy: REJECT_FAILED_ROWS) {
    count
    results {
      stock { id quantity quantityAllocated }
      errors { field message code }
    }
    errors { field message code }
  }
}""",
    write=True,
)

DESK = Operation(
    "Desk",
    """query Desk($id: ID!, $note: String!) {
  order(id: $id) {
    id status
    lines { id quantity quantityFulfilled }
    fulfillments {
      id status trackingNumber
      lines { quantity orderLine { id } }
    }
    privateMetafield(key: $note)
  }
}""",
)

NOTE = Operation(
    "Note",
    """mutation Note($id: ID!, $input: [MetadataInput!]!) {
  updatePrivateMetadata(id: $id, input: $input) { errors { field message code } }
}""",
    write=True,
)

FULFILL = Operation(
    "Fulfill",
    """mutation Fulfill($order: ID!, $input: OrderFulfillInput!) {
  orderFulfill(order: $order, input: $input) {
    fulfillments { id status trackingNumber }
    errors { field message code }
  }
}""",
    write=True,
)

TRACK = Operation(
    "Track",
    """mutation Track($id: ID!, $input: FulfillmentUpdateTrackingInput!) {
  orderFulfillmentUpdateTracking(id: $id, input: $input) {
    fulfillment { id trackingNumber }
    errors { field message code }
  }
}""",
    write=True,
)

CANCEL = Operation(
    "Cancel",
    """mutation Cancel($id: ID!) {
  orderCancel(id: $id) {
    order { id status }
    errors { field message code }
  }
}""",
    write=True,
)

MONEY = Operation(
    "Money",
    """query Money($id: ID!, $note: String!) {
  order(id: $id) { ...Money privateMetafield(key: $note) }
}"""
    + _MONEY,
)

GRANT = Operation(
    "Grant",
    """mutation Grant($id: ID!, $input: OrderGrantRefundCreateInput!) {
  orderGrantRefundCreate(id: $id, input: $input) {
    grantedRefund { id }
    errors { field message code }
  }
}""",
    write=True,
)

REQUEST = Operation(
    "Request",
    """mutation Request($id: ID!) {
  transactionRequestRefundForGrantedRefund(grantedRefundId: $id) {
    transaction { id }
    errors { field message code }
  }
}""",
    write=True,
)

PAY_BACK = Operation(
    "PayBack",
    """mutation PayBack($id: ID!, $amount: PositiveDecimal!) {
  orderRefund(id: $id, amount: $amount) {
    order { id }
    errors { field message code }
  }
}""",
    write=True,
)

WEBHOOKS = Operation(
    "Webhooks",
    """query Webhooks {
  app {
    id
    webhooks { id targetUrl isActive subscriptionQuery asyncEvents { eventType } }
  }
}""",
)

SUBSCRIBE = Operation(
    "Subscribe",
    """mutation Subscribe($input: WebhookCreateInput!) {
  webhookCreate(input: $input) {
    webhook { id }
    errors { field message code }
  }
}""",
    write=True,
)

RESUBSCRIBE = Operation(
    "Resubscribe",
    """mutation Resubscribe($id: ID!, $input: WebhookUpdateInput!) {
  webhookUpdate(id: $id, input: $input) {
    webhook { id }
    errors { field message code }
  }
}""",
    write=True,
)

ALL = (
    SHOP,
    LISTINGS,
    ORDERS,
    REFUNDS,
    STOCK,
    SET_STOCK,
    DESK,
    NOTE,
    FULFILL,
    TRACK,
    CANCEL,
    MONEY,
    GRANT,
    REQUEST,
    PAY_BACK,
    WEBHOOKS,
    SUBSCRIBE,
    RESUBSCRIBE,
)
