"""The GraphQL documents of what comes after a sale: parcels, cancellations, refunds, returns,
payouts. Built and checked as those of :mod:`connectors.shopify.queries`.
"""

from __future__ import annotations

from connectors.shopify.queries import LINES_PAGE, Operation

#: Access scopes.
READ_SENDING = "read_merchant_managed_fulfillment_orders"
WRITE_SENDING = "write_merchant_managed_fulfillment_orders"
WRITE_ORDERS = "write_orders"
READ_RETURNS = "read_returns"
READ_PAYOUTS = "read_shopify_payments_payouts"

REFUNDS_PAGE = 20
RETURNS_PAGE = 20
PAYOUTS_PAGE = 10
#: Refunds of one order read with its page; an order that has as many is asked for all of them.
REFUNDS_SEEN = 10
TRANSACTIONS_PAGE = 100

_INFO = "pageInfo { hasNextPage endCursor }"
_SENT = f"fulfillmentLineItems(first: 50) {{ {_INFO} nodes {{ quantity lineItem {{ id }} }} }}"
_OPEN = f"{_INFO} nodes {{ id remainingQuantity lineItem {{ id }} }}"

SENDING = Operation(
    "Sending",
    f"""query Sending($id: ID!, $after: String) {{
  order(id: $id) {{
    id cancelledAt displayFulfillmentStatus
    fulfillments(first: 50) {{
      id status createdAt
      trackingInfo(first: 10) {{ number company url }}
      {_SENT}
    }}
    fulfillmentOrders(first: 20, after: $after) {{
      {_INFO}
      nodes {{
        id status
        assignedLocation {{ location {{ id }} }}
        lineItems(first: 50) {{ {_OPEN} }}
      }}
    }}
  }}
}}""",
    cost=150,
    scope=READ_SENDING,
)

#: The lines of one fulfilment order beyond its first page.
OPEN_LINES = Operation(
    "OpenLines",
    f"""query OpenLines($id: ID!, $after: String) {{
  node(id: $id) {{
    __typename
    ... on FulfillmentOrder {{ lineItems(first: {LINES_PAGE}, after: $after) {{ {_OPEN} }} }}
  }}
}}""",
    cost=25,
    scope=READ_SENDING,
)

SHIP = Operation(
    "Ship",
    """mutation Ship($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) {
    fulfillment { id status }
    userErrors { field message }
  }
}""",
    cost=10,
    write=True,
    scope=WRITE_SENDING,
)

CORRECT_TRACKING = Operation(
    "CorrectTracking",
    """mutation CorrectTracking($id: ID!, $tracking: FulfillmentTrackingInput!, $notify: Boolean) {
  fulfillmentTrackingInfoUpdate(
    fulfillmentId: $id, trackingInfoInput: $tracking, notifyCustomer: $notify
  ) {
    fulfillment { id status }
    userErrors { field message }
  }
}""",
    cost=10,
    write=True,
    scope=WRITE_SENDING,
)

CANCELLED = Operation(
    "Cancelled",
    "query Cancelled($id: ID!) { order(id: $id) { id cancelledAt } }",
    cost=2,
)

#: Units are counted and money is given back by the hub's own commands, so neither happens here.
CANCEL = Operation(
    "Cancel",
    """mutation Cancel(
  $id: ID!, $reason: OrderCancelReason!, $note: String, $notify: Boolean
) {
  orderCancel(
    orderId: $id, reason: $reason, restock: false, notifyCustomer: $notify, staffNote: $note,
    refundMethod: { originalPaymentMethodsRefund: false }
  ) {
    job { id done }
    orderCancelUserErrors { code field message }
  }
}""",
    cost=10,
    write=True,
    scope=WRITE_ORDERS,
)

JOB = Operation("Job", "query Job($id: ID!) { job(id: $id) { id done } }", cost=2)

_REFUND_LINES = f"{_INFO} nodes {{ quantity restockType lineItem {{ id }} }}"

_REFUND = f"""
fragment Refund on Refund {{
  id note createdAt processedAt
  totalRefundedSet {{ shopMoney {{ amount currencyCode }} }}
  refundLineItems(first: 10) {{ {_REFUND_LINES} }}
  refundShippingLines(first: 3) {{
    nodes {{
      subtotalAmountSet {{ shopMoney {{ amount }} }}
      taxAmountSet {{ shopMoney {{ amount }} }}
    }}
  }}
}}"""

REFUNDS = Operation(
    "Refunds",
    f"""query Refunds($filter: String!, $after: String) {{
  orders(first: {REFUNDS_PAGE}, after: $after, query: $filter, sortKey: UPDATED_AT) {{
    {_INFO}
    nodes {{ id updatedAt currencyCode refunds(first: {REFUNDS_SEEN}) {{ ...Refund }} }}
  }}
}}{_REFUND}""",
    cost=300,
)

#: All refunds of one order; Shopify gives no list of more than 250.
ORDER_REFUNDS = Operation(
    "OrderRefunds",
    "query OrderRefunds($id: ID!) "
    "{ order(id: $id) { id updatedAt currencyCode refunds(first: 250) { ...Refund } } }" + _REFUND,
    cost=150,
)

#: The lines of one refund beyond its first page.
REFUND_LINES = Operation(
    "RefundLines",
    f"""query RefundLines($id: ID!, $after: String) {{
  node(id: $id) {{
    __typename
    ... on Refund {{ refundLineItems(first: {LINES_PAGE}, after: $after) {{ {_REFUND_LINES} }} }}
  }}
}}""",
    cost=25,
)

#: What a refund is worked out from: what was paid and how, given back already, and sent.
PAYMENTS = Operation(
    "Payments",
    f"""query Payments($id: ID!) {{
  order(id: $id) {{
    id currencyCode presentmentCurrencyCode
    totalPriceSet {{
      shopMoney {{ amount currencyCode }} presentmentMoney {{ amount currencyCode }}
    }}
    transactions(first: 100) {{
      id kind status gateway
      amountSet {{ presentmentMoney {{ amount currencyCode }} }}
      parentTransaction {{ id }}
    }}
    refunds(first: 100) {{ ...Refund }}
    fulfillments(first: 20) {{ id status {_SENT} }}
  }}
}}{_REFUND}""",
    cost=200,
)

GIVE_BACK = Operation(
    "GiveBack",
    """mutation GiveBack($input: RefundInput!, $key: String!) {
  refundCreate(input: $input) @idempotent(key: $key) {
    refund { ...Refund }
    userErrors { field message }
  }
}"""
    + _REFUND,
    cost=30,
    write=True,
    scope=WRITE_ORDERS,
)

_RETURN_LINES = f"""
{_INFO}
nodes {{
  __typename id quantity returnReasonNote customerNote
  returnReasonDefinition {{ handle name }}
  ... on ReturnLineItem {{ fulfillmentLineItem {{ lineItem {{ id }} }} }}
}}"""

_RETURNS = f"""
{_INFO}
nodes {{
  id name status createdAt requestApprovedAt closedAt
  decline {{ reason }}
  returnLineItems(first: 10) {{ {_RETURN_LINES} }}
}}"""

RETURNS = Operation(
    "Returns",
    f"""query Returns($filter: String!, $after: String) {{
  orders(first: {RETURNS_PAGE}, after: $after, query: $filter, sortKey: UPDATED_AT) {{
    {_INFO}
    nodes {{ id updatedAt returns(first: 5) {{ {_RETURNS} }} }}
  }}
}}""",
    cost=300,
    scope=READ_RETURNS,
)

#: The returns of one order beyond the first page of them.
ORDER_RETURNS = Operation(
    "OrderReturns",
    f"""query OrderReturns($id: ID!, $after: String) {{
  node(id: $id) {{
    __typename ... on Order {{ returns(first: 20, after: $after) {{ {_RETURNS} }} }}
  }}
}}""",
    cost=150,
    scope=READ_RETURNS,
)

#: The lines of one return beyond its first page.
RETURN_LINES = Operation(
    "ReturnLines",
    f"""query ReturnLines($id: ID!, $after: String) {{
  node(id: $id) {{
    __typename
    ... on Return {{ returnLineItems(first: {LINES_PAGE}, after: $after) {{ {_RETURN_LINES} }} }}
  }}
}}""",
    cost=50,
    scope=READ_RETURNS,
)

PAYOUTS = Operation(
    "Payouts",
    f"""query Payouts($filter: String!, $after: String) {{
  shopifyPaymentsAccount {{
    id
    payouts(first: {PAYOUTS_PAGE}, after: $after, query: $filter, sortKey: ISSUED_AT) {{
      {_INFO}
      nodes {{
        id legacyResourceId issuedAt status transactionType
        net {{ amount currencyCode }}
      }}
    }}
  }}
}}""",
    cost=20,
    scope=READ_PAYOUTS,
)

#: The entries of one payout, without the payout itself.
PAYOUT_ENTRIES = Operation(
    "PayoutEntries",
    f"""query PayoutEntries($filter: String!, $after: String) {{
  shopifyPaymentsAccount {{
    id
    balanceTransactions(
      first: {TRANSACTIONS_PAGE}, after: $after, query: $filter, hideTransfers: true
    ) {{
      {_INFO}
      nodes {{
        id type test
        amount {{ amount currencyCode }} fee {{ amount currencyCode }} net {{ amount currencyCode }}
        associatedOrder {{ id }}
        associatedPayout {{ id }}
      }}
    }}
  }}
}}""",
    cost=60,
    scope=READ_PAYOUTS,
)

ALL = (
    SENDING,
    OPEN_LINES,
    SHIP,
    CORRECT_TRACKING,
    CANCELLED,
    CANCEL,
    JOB,
    REFUNDS,
    ORDER_REFUNDS,
    REFUND_LINES,
    PAYMENTS,
    GIVE_BACK,
    RETURNS,
    ORDER_RETURNS,
    RETURN_LINES,
    PAYOUTS,
    PAYOUT_ENTRIES,
)
