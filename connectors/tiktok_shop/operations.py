"""The calls this channel makes of TikTok Shop's API, each in the version it is asked for.

Versions are per call: https://partner.tiktokshop.com/docv2/page/tts-api-versioning
"""

from __future__ import annotations

from dataclasses import dataclass

#: The version most calls are in.
API_VERSION = "202309"

PRODUCTS_PAGE = 100
ORDERS_PAGE = 50
#: Ids in one question for inventory, for products, and in one switch on or off.
STOCK_PAGE = 600
SKUS_ASKED = 10
PRODUCTS_SWITCHED = 20
#: Of one product, in one write.
SKUS_WRITTEN = 100
#: Returns and cancellations.
CASES_PAGE = 50
#: Each statement is read with all that is in it.
STATEMENTS_PAGE = 10
TRANSACTIONS_PAGE = 100


@dataclass(frozen=True, slots=True)
class Operation:
    """``path`` may hold names to fill in, ``{product_id}``. ``shop`` false: about the seller, and
    refused with a shop's cipher."""

    name: str
    method: str
    path: str
    write: bool = False
    shop: bool = True


SHOPS = Operation("Shops", "GET", "/authorization/202309/shops", shop=False)
WAREHOUSES = Operation("Warehouses", "GET", "/logistics/202309/warehouses")
PRODUCTS = Operation("Products", "POST", "/product/202502/products/search")
INVENTORY = Operation("Inventory", "POST", "/product/202309/inventory/search")
SET_STOCK = Operation(
    "SetStock", "POST", "/product/202309/products/{product_id}/inventory/update", write=True
)
ACTIVATE = Operation("Activate", "POST", "/product/202309/products/activate", write=True)
DEACTIVATE = Operation("Deactivate", "POST", "/product/202309/products/deactivate", write=True)
ORDERS = Operation("Orders", "POST", "/order/202309/orders/search")
ORDERS_BY_ID = Operation("OrdersById", "GET", "/order/202507/orders")
WEBHOOKS = Operation("Webhooks", "GET", "/event/202309/webhooks")
SET_WEBHOOK = Operation("SetWebhook", "PUT", "/event/202309/webhooks", write=True)
PROVIDERS = Operation(
    "Providers", "GET", "/logistics/202309/delivery_options/{delivery_option_id}/shipping_providers"
)
MARK_SHIPPED = Operation(
    "MarkShipped", "POST", "/fulfillment/202610/orders/{order_id}/packages", write=True
)
SHIP_PACKAGE = Operation(
    "ShipPackage", "POST", "/fulfillment/202309/packages/{package_id}/ship", write=True
)
SPLIT = Operation("Split", "POST", "/fulfillment/202309/orders/{order_id}/split", write=True)
CORRECT = Operation(
    "Correct", "POST", "/fulfillment/202610/packages/{package_id}/shipping_info/update", write=True
)
ELIGIBILITY = Operation(
    "Eligibility", "GET", "/return_refund/202602/orders/{order_id}/aftersale_eligibility"
)
CANCEL = Operation("Cancel", "POST", "/return_refund/202602/cancellations", write=True)
CANCELLATIONS = Operation("Cancellations", "POST", "/return_refund/202602/cancellations/search")
RETURNS = Operation("Returns", "POST", "/return_refund/202602/returns/search")
STATEMENTS = Operation("Statements", "GET", "/finance/202309/statements")
TRANSACTIONS = Operation(
    "Transactions", "GET", "/finance/202501/statements/{statement_id}/statement_transactions"
)

ALL = (
    SHOPS, WAREHOUSES, PRODUCTS, INVENTORY, SET_STOCK, ACTIVATE, DEACTIVATE, ORDERS, ORDERS_BY_ID,
    WEBHOOKS, SET_WEBHOOK, PROVIDERS, MARK_SHIPPED, SHIP_PACKAGE, SPLIT, CORRECT, ELIGIBILITY,
    CANCEL, CANCELLATIONS, RETURNS, STATEMENTS, TRANSACTIONS,
)  # fmt: skip
