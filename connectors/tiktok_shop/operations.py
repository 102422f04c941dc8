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


@dataclass(frozen=True, slots=True)
class Operation:
    """``path`` may hold ``{product_id}``. ``shop`` false: about the seller, and refused with a
    shop's cipher."""

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

ALL = (
    SHOPS, WAREHOUSES, PRODUCTS, INVENTORY, SET_STOCK, ACTIVATE, DEACTIVATE, ORDERS, ORDERS_BY_ID,
    WEBHOOKS, SET_WEBHOOK,
)  # fmt: skip
