"""The GraphQL documents we send; a test validates each against the published schema.

They keep to fields that 3.5 and 3.7 both have. Lists take one sort key: the server orders several
keys as its schema lists them, not as they were sent.
"""

from __future__ import annotations

from dataclasses import dataclass

API_VERSION = "3"

#: No list answers more than 1,000 rows; whole orders are dear, so fewer of them.
ORDERS_PAGE = 50
LISTINGS_PAGE = 100
STOCK_PAGE = 100
#: Rows of a scan that only says what has changed.
SCAN_PAGE = 200
REFUNDS_PAGE = 100
LOCATIONS_PAGE = 100
#: Entries of one order's history that are searched for what we did to it.
HISTORY_PAGE = 100


@dataclass(frozen=True, slots=True)
class Operation:
    name: str
    document: str
    write: bool = False


#: Vendure counts money in units of its own precision, whatever the currency: see money.py.
_MONEY = "globalSettings { serverConfig { moneyStrategyPrecision } }"

_LATEST = "latest: history(options: {take: 1, sort: {createdAt: DESC}}) { items { createdAt } }"

_REFUND = """
id createdAt updatedAt total shipping state reason transactionId
lines { orderLineId quantity }
"""

_ORDER = (
    """
fragment Whole on Order {
  id code state active type aggregateOrderId createdAt updatedAt orderPlacedAt currencyCode
  totalWithTax shippingWithTax
  taxSummary { taxTotal }
  discounts { type amountWithTax }
  surcharges { sku description priceWithTax }
  customer { id firstName lastName emailAddress phoneNumber }
  shippingAddress {
    fullName company streetLine1 streetLine2 city province postalCode country countryCode
    phoneNumber
  }
  lines {
    id quantity orderPlacedQuantity
    productVariant { id sku name }
    unitPriceWithTax proratedUnitPrice proratedUnitPriceWithTax
    proratedLinePrice proratedLinePriceWithTax
  }
  payments { id method state amount createdAt updatedAt refunds { """
    + _REFUND
    + """ } }
  fulfillments {
    id state method trackingCode createdAt updatedAt
    lines { orderLineId quantity }
  }
  """
    + _LATEST
    + """
}"""
)

LOGIN = Operation(
    "Login",
    """mutation Login($username: String!, $password: String!) {
  login(username: $username, password: $password) {
    __typename
    ... on CurrentUser { id }
    ... on ErrorResult { errorCode message }
  }
}""",
)

SHOP = Operation(
    "Shop",
    f"""query Shop {{
  activeChannel {{ id code defaultCurrencyCode }}
  stockLocations(options: {{take: {LOCATIONS_PAGE}, sort: {{createdAt: ASC}}}}) {{
    items {{ id name }}
  }}
}}""",
)

LISTINGS = Operation(
    "Listings",
    f"""query Listings($skip: Int!) {{
  globalSettings {{ trackInventory serverConfig {{ moneyStrategyPrecision }} }}
  productVariants(options: {{skip: $skip, take: {LISTINGS_PAGE}, sort: {{id: ASC}}}}) {{
    totalItems
    items {{
      id sku name enabled updatedAt trackInventory priceWithTax currencyCode
      product {{ id enabled }}
      stockLevels {{ stockLocationId stockOnHand stockAllocated }}
    }}
  }}
}}""",
)

STOCK = Operation(
    "Stock",
    f"""query Stock($ids: [String!]!) {{
  globalSettings {{ trackInventory }}
  productVariants(options: {{take: {STOCK_PAGE}, filter: {{id: {{in: $ids}}}}}}) {{
    items {{
      id trackInventory
      stockLevels {{ stockLocationId stockOnHand stockAllocated }}
    }}
  }}
}}""",
)

SET_STOCK = Operation(
    "SetStock",
    """mutation SetStock($input: [UpdateProductVariantInput!]!) {
  updateProductVariants(input: $input) {
    id
    stockLevels { stockLocationId stockOnHand stockAllocated }
  }
}""",
    write=True,
)

ORDERS = Operation(
    "Orders",
    f"query Orders($options: OrderListOptions!) {{ {_MONEY}\n"
    "  orders(options: $options) { totalItems items { ...Whole } }\n}" + _ORDER,
)

#: What has changed of orders whose own time of change tells nothing; whole ones are read then.
SCAN = Operation(
    "Scan",
    f"""query Scan($options: OrderListOptions!) {{
  orders(options: $options) {{
    totalItems
    items {{
      id updatedAt orderPlacedAt
      payments {{ createdAt updatedAt refunds {{ createdAt updatedAt }} }}
      fulfillments {{ createdAt updatedAt }}
      {_LATEST}
    }}
  }}
}}""",
)

#: The same without the history, which costs the shop one more look-up per order.
SCAN_CLOSED = Operation(
    "ScanClosed", SCAN.document.replace("query Scan", "query ScanClosed").replace(_LATEST, "")
)

REFUNDS = Operation(
    "Refunds",
    f"""query Refunds($options: OrderListOptions!) {{ {_MONEY}
  orders(options: $options) {{
    totalItems
    items {{
      id orderPlacedAt currencyCode type
      payments {{ refunds {{ {_REFUND} }} }}
    }}
  }}
}}""",
)

#: One order, as far as what is done after the sale must know it.
STANDING = Operation(
    "Standing",
    f"""query Standing($id: ID!) {{ {_MONEY}
  order(id: $id) {{
    id state currencyCode
    lines {{ id quantity }}
    fulfillments {{ id state method trackingCode lines {{ orderLineId quantity }} }}
    payments {{ id state amount refunds {{ {_REFUND} }} }}
    history(options: {{take: {HISTORY_PAGE}, sort: {{createdAt: DESC}}}}) {{
      items {{ type data }}
    }}
  }}
}}""",
)

FULFIL = Operation(
    "Fulfil",
    """mutation Fulfil($input: FulfillOrderInput!) {
  addFulfillmentToOrder(input: $input) {
    __typename
    ... on Fulfillment { id state }
    ... on ErrorResult { errorCode message }
  }
}""",
    write=True,
)

SEND = Operation(
    "Send",
    """mutation Send($id: ID!) {
  transitionFulfillmentToState(id: $id, state: "Shipped") {
    __typename
    ... on Fulfillment { id state }
    ... on FulfillmentStateTransitionError { errorCode message transitionError }
  }
}""",
    write=True,
)

CANCEL = Operation(
    "Cancel",
    """mutation Cancel($input: CancelOrderInput!) {
  cancelOrder(input: $input) {
    __typename
    ... on Order { id state }
    ... on ErrorResult { errorCode message }
  }
}""",
    write=True,
)

REFUND = Operation(
    "Refund",
    f"""mutation Refund($input: RefundOrderInput!) {{
  refundOrder(input: $input) {{
    __typename
    ... on Refund {{ {_REFUND} }}
    ... on ErrorResult {{ errorCode message }}
  }}
}}""",
    write=True,
)

SETTLE = Operation(
    "Settle",
    f"""mutation Settle($input: SettleRefundInput!) {{
  settleRefund(input: $input) {{
    __typename
    ... on Refund {{ {_REFUND} }}
    ... on RefundStateTransitionError {{ errorCode message }}
  }}
}}""",
    write=True,
)

ALL = (
    LOGIN,
    SHOP,
    LISTINGS,
    STOCK,
    SET_STOCK,
    ORDERS,
    SCAN,
    SCAN_CLOSED,
    REFUNDS,
    STANDING,
    FULFIL,
    SEND,
    CANCEL,
    REFUND,
    SETTLE,
)
