"""The calls of the Admin API that the connector makes, and the fields it asks for.

https://docs.medusajs.com/api/admin. ``+name`` adds a field to the default ones and ``*name`` all
of a relation; by default an order comes without its currency.
"""

from __future__ import annotations

from dataclasses import dataclass

#: The version whose answers were recorded; 2.0 answers alike where nothing else is said.
API_VERSION = "2.21"

ORDERS_PAGE = 50
PAYMENTS_PAGE = 100
LISTINGS_PAGE = 100
#: Ids in one question. The server's reader of queries turns a longer list into something that is
#: no list, and the filter is then ignored: everything comes.
IDS = 20
FETCH = IDS
STOCK_BATCH = 3 * IDS


@dataclass(frozen=True, slots=True)
class Call:
    """``holds`` is the field that an answer cannot be without."""

    name: str
    method: str
    path: str
    holds: str

    @property
    def write(self) -> bool:
        return self.method != "GET"


LOGIN = Call("Login", "POST", "/auth/user/emailpass", "token")
STORES = Call("Stores", "GET", "/admin/stores", "stores")
LOCATIONS = Call("Locations", "GET", "/admin/stock-locations", "stock_locations")
VARIANTS = Call("Variants", "GET", "/admin/product-variants", "variants")
ORDERS = Call("Orders", "GET", "/admin/orders", "orders")
ORDER = Call("Order", "GET", "/admin/orders/{order}", "order")
PAYMENTS = Call("Payments", "GET", "/admin/payments", "payments")
LEVELS = Call("Levels", "POST", "/admin/inventory-items/location-levels/batch", "updated")
ADD_LEVEL = Call(
    "AddLevel", "POST", "/admin/inventory-items/{item}/location-levels", "inventory_item"
)
SET_LEVEL = Call(
    "SetLevel",
    "POST",
    "/admin/inventory-items/{item}/location-levels/{location}",
    "inventory_item",
)
FULFIL = Call("Fulfil", "POST", "/admin/orders/{order}/fulfillments", "order")
SHIP = Call("Ship", "POST", "/admin/orders/{order}/fulfillments/{fulfillment}/shipments", "order")
CANCEL = Call("Cancel", "POST", "/admin/orders/{order}/cancel", "order")
REFUND = Call("Refund", "POST", "/admin/payments/{payment}/refund", "payment")

ALL = (
    LOGIN, STORES, LOCATIONS, VARIANTS, ORDERS, ORDER, PAYMENTS, LEVELS, ADD_LEVEL, SET_LEVEL,
    FULFIL, SHIP, CANCEL, REFUND,
)  # fmt: skip

_PAYMENT_FIELDS = (
    "*payment_collections",
    "*payment_collections.payments",
    "*payment_collections.payments.refunds",
)
ORDER_FIELDS = ",".join(
    (
        "+currency_code",
        "+email",
        "+canceled_at",
        "+total",
        "+item_total",
        "+tax_total",
        "+discount_total",
        "+shipping_total",
        "+shipping_tax_total",
        "*items",
        "*items.detail",
        "*shipping_address",
        "*billing_address",
        "*customer",
        "*fulfillments",
        "*fulfillments.labels",
        "*fulfillments.items",
        *_PAYMENT_FIELDS,
    )
)
#: Of one order that is to be shipped, cancelled or paid back.
DETAIL_FIELDS = f"{ORDER_FIELDS},*payment_collections.payments.captures"
REFUND_FIELDS = ",".join(("+currency_code", *_PAYMENT_FIELDS))
#: Of a payment that changed: only which order it is for.
PAID_FIELDS = "id,updated_at,payment_collection.order.id,payment_collection.order.updated_at"
REFUNDED_FIELDS = "*refunds"
_LEVEL_FIELDS = (
    "*inventory_items",
    "*inventory_items.inventory",
    "*inventory_items.inventory.location_levels",
)
LISTING_FIELDS = ",".join(("+manage_inventory", "*product", "*prices", *_LEVEL_FIELDS))
STOCK_FIELDS = ",".join(("id", "sku", "manage_inventory", *_LEVEL_FIELDS))
