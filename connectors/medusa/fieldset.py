"""Which fields of a record an answer holds, by the question's ``fields``. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Relations come only where they are asked for, at whatever depth.
RELATIONS = {
    "items",
    "items.detail",
    "items.variant",
    "shipping_address",
    "billing_address",
    "customer",
    "fulfillments",
    "fulfillments.labels",
    "fulfillments.items",
    "payment_collections",
    "payment_collections.payments",
    "payment_collections.payments.refunds",
    "payment_collections.payments.captures",
    "payment_collection",
    "payment_collection.order",
    "refunds",
    "product",
    "prices",
    "inventory_items",
    "inventory_items.inventory",
    "inventory_items.inventory.location_levels",
}
ORDER_DEFAULTS = (
    "id,display_id,custom_display_id,status,version,summary,total,metadata,locale,created_at,"
    "updated_at,payment_status,fulfillment_status,*items"
)
PAYMENT_DEFAULTS = "id,currency_code,amount,captured_at,payment_collection_id,*refunds"
VARIANT_DEFAULTS = (
    "id,title,sku,barcode,ean,upc,allow_backorder,manage_inventory,product_id,created_at,"
    "updated_at,*product,*prices"
)


def chosen(record: Mapping[str, Any], fields: str, defaults: str) -> dict[str, Any]:
    """``+x`` and ``*x`` are added to the defaults; a bare name takes their place."""
    asked = [one for one in fields.split(",") if one]
    added = all(one[0] in "+* -" for one in asked)
    every = [*(defaults.split(",") if added else ["id"]), *asked]
    stars = {one[1:] for one in every if one.startswith("*")}
    names = {one.lstrip("+ ") for one in every if not one.startswith("*")}
    found: dict[str, Any] = _cut(record, "", stars, names)
    return found


def _cut(value: Any, path: str, stars: set[str], names: set[str]) -> Any:
    if isinstance(value, list):
        return [_cut(one, path, stars, names) for one in value]
    if not isinstance(value, Mapping):
        return value
    kept = {}
    for name, one in value.items():
        at = f"{path}.{name}" if path else name
        if at in RELATIONS:
            if any(known == at or known.startswith(f"{at}.") for known in stars | names):
                kept[name] = _cut(one, at, stars, names)
        elif path in stars or at in names:
            kept[name] = one
    return kept
