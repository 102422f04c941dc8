"""What the admin of the simulated shop lets one do: pack, send, cancel, pay back, set stock.

Goods are packed first, which takes them off what lies there, and sent after that. What the shop
itself does not keep, because other channels have no such step, is kept here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from connectors.medusa import catalogue
from connectors.medusa.spelling import LOCATION
from connectors.medusa.storefront import Box, Trail, line_key
from connectors.postsale import Parcel, ParcelLine, Refund
from connectors.records import OrderStatus
from connectors.simulators.shop import Refused, Sale, Shop, Variant

Body = Mapping[str, Any]


class Refusal(Exception):
    """An error in Medusa's words."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


def invalid(message: str) -> Refusal:
    return Refusal(400, "invalid_data", message)


def not_allowed(message: str) -> Refusal:
    return Refusal(400, "not_allowed", message)


def not_found(what: str, key: str) -> Refusal:
    return Refusal(404, "not_found", f"{what} id not found: {key}")


class Office:
    """``bare`` are inventory items that have no level at the location."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.bare: set[str] = set()
        self._boxes: dict[str, list[Box]] = {}
        self._captured: dict[str, datetime] = {}
        self._made = 0

    # -- orders --------------------------------------------------------------------------------

    def sale(self, key: str) -> Sale:
        found = self.shop.order(key)
        if found is None:
            raise not_found("Order", key)
        return found

    def trail(self, sale: Sale) -> Trail:
        boxes = tuple(self._boxes.get(sale.key, ()))
        packed: Counter[str] = Counter()
        for box in boxes:
            packed.update({} if box.parcel else box.units)
        return Trail(boxes, self._captured.get(sale.key), packed)

    def capture(self, order_key: str) -> None:
        """Take the money of an order that was not paid: the order's own time does not move."""
        with self.shop.lock:
            self._captured[self.sale(order_key).key] = self.shop.now()

    def fulfil(self, order_key: str, body: Body) -> None:
        _strict(body, {"items", "location_id", "no_notification", "metadata"})
        with self.shop.lock:
            sale = self._alive(order_key)
            units = self._units(sale, body)
            packed = self.trail(sale).packed
            for line in sale.lines:
                if units.get(line.key, 0) > line.open - packed.get(line.key, 0):
                    raise invalid(f"Quantity to fulfill exceeds the reserved one: {line.key}")
            if body.get("location_id") not in (None, LOCATION):
                raise not_found("Stock location", str(body.get("location_id")))
            self._made += 1
            key = f"ful_01KAW{self._made:021d}"
            box = Box(key, units, body.get("metadata"), self.shop.now())
            self._boxes.setdefault(sale.key, []).append(box)
            self.shop.set_status(sale.key, sale.status)

    def ship(self, order_key: str, fulfilment: str, body: Body) -> None:
        _strict(body, {"items", "labels", "no_notification", "metadata"})
        with self.shop.lock:
            sale = self._alive(order_key)
            self._units(sale, body)
            boxes = [one for one in self._boxes.get(sale.key, ()) if one.key == fulfilment]
            if not boxes:
                raise Refusal(500, "unknown_error", "An unknown error occurred.")
            if boxes[0].parcel:
                raise not_allowed("Shipment has already been created")
            boxes[0].parcel = self._send(sale, boxes[0], body.get("labels") or [])

    def _send(self, sale: Sale, box: Box, labels: Sequence[Body]) -> str:
        for label in labels:
            if set(label) != {"tracking_number", "tracking_url", "label_url"}:
                raise invalid("Invalid request: Field 'labels, 0, tracking_url' is required")
            for name in ("tracking_url", "label_url"):
                if label[name] and not label[name].startswith(("http://", "https://")):
                    raise invalid("Invalid request: URL must use http: or https: scheme")
        first = labels[0] if labels else {"tracking_number": "", "tracking_url": ""}
        lines = tuple(ParcelLine(key, count) for key, count in box.units.items())
        parcel = Parcel(
            sale.key, box.key, "", first["tracking_number"], self.shop.now(), lines,
            first["tracking_url"],
        )  # fmt: skip
        return self.shop.ship(sale.key, parcel).external_id

    def cancel(self, order_key: str) -> None:
        """Captured money is given back in the same step."""
        with self.shop.lock:
            sale = self._alive(order_key)
            if sale.parcels or self._boxes.get(sale.key):
                raise not_allowed("All fulfillments must be canceled before canceling an order")
            left = sale.total - sale.refunded
            self.shop.cancel(sale.key)
            if sale.status is not OrderStatus.UNPAID and left:
                given = Refund("", sale.key, left, self.shop.currency, self.shop.now())
                self.shop.refund(sale.key, given)

    def refund(self, payment: str, body: Body) -> Sale:
        _strict(body, {"amount", "refund_reason_id", "note"})
        with self.shop.lock:
            sale = self.sale(f"order_{payment.removeprefix('pay_')}")
            amount = round(float(body["amount"]) * 100)
            if amount <= 0:
                raise invalid("Invalid request: Value for field 'amount' too small")
            given = Refund("", sale.key, amount, self.shop.currency, self.shop.now())
            try:
                self.shop.refund(sale.key, replace(given, reason=str(body.get("note") or "")))
            except Refused as error:
                message = "You are not allowed to refund more than the captured amount"
                raise invalid(message) from error
            return self.sale(sale.key)

    def _alive(self, order_key: str) -> Sale:
        sale = self.sale(order_key)
        if sale.cancelled_at is not None:
            raise invalid(f"Order with id {sale.key} has been canceled.")
        return sale

    def _units(self, sale: Sale, body: Body) -> dict[str, int]:
        units = {line_key(str(one["id"])): int(one["quantity"]) for one in body["items"]}
        if not units:
            raise invalid("No items to fulfill")
        if units.keys() - {one.key for one in sale.lines}:
            raise invalid(f"Items with ids {', '.join(units)} does not exist in order")
        return units

    # -- stock ---------------------------------------------------------------------------------

    def levels(self, of: Iterable[Variant] | None = None) -> dict[str, dict[str, Any]]:
        """By inventory item, of all that have one."""
        reserved = self._reserved()
        return {
            catalogue.item_key(one): self._level(one, reserved[one.key])
            for one in (self.shop.variants if of is None else of)
            if one.inventory_key not in self.bare
        }

    def batch(self, body: Body) -> dict[str, Any]:
        _strict(body, {"create", "update", "delete", "force"})
        return self.write(body.get("create", ()), body.get("update", ()))

    def write(self, created: Sequence[Body], updated: Sequence[Body]) -> dict[str, Any]:
        """All or nothing. A level may be made where there is no location; it counts nowhere."""
        with self.shop.lock:
            for one in [*created, *updated]:
                self._check(one)
            there = self.levels()
            for one in created:
                if one["inventory_item_id"] in there and one["location_id"] == LOCATION:
                    raise invalid("Inventory level already exists at the location")
            missing = [
                one
                for one in updated
                if one["inventory_item_id"] not in there or one["location_id"] != LOCATION
            ]
            if missing:
                raise Refusal(404, "not_found", "Inventory level for item and location not found")
            reserved = self._reserved()
            for one in [*created, *updated]:
                self._set(one, reserved)
            now = self.levels()
            return {
                "created": [_told(one, now) for one in created],
                "updated": [_told(one, now) for one in updated],
                "deleted": [],
            }

    def _check(self, one: Body) -> None:
        _strict(one, {"inventory_item_id", "location_id", "stocked_quantity", "incoming_quantity"})
        if self._variant(one) is None:
            raise not_found("InventoryItem", str(one["inventory_item_id"]))
        if not isinstance(one["stocked_quantity"], int) or one["stocked_quantity"] < 0:
            raise invalid("Invalid request: Value for field 'stocked_quantity' too small")

    def _set(self, one: Body, reserved: Mapping[str, int]) -> None:
        variant = self._variant(one)
        if variant is not None and one["location_id"] == LOCATION:
            self.bare.discard(variant.inventory_key)
            free = one["stocked_quantity"] - reserved[variant.key]
            self.shop.set_quantity(variant.inventory_key, free)

    def _variant(self, one: Body) -> Variant | None:
        return self.shop.by_inventory(str(one["inventory_item_id"]).removeprefix("iitem_"))

    def _level(self, variant: Variant, reserved: int) -> dict[str, Any]:
        stocked = variant.quantity + reserved
        item = catalogue.item_key(variant)
        return catalogue.level(item, stocked, reserved, variant.updated_at)

    def _reserved(self) -> Counter[str]:
        """By variant: sold, and not yet packed."""
        found: Counter[str] = Counter()
        for sale in self.shop.orders:
            packed = self.trail(sale).packed
            for line in sale.lines:
                found[line.variant_key] += max(line.open - packed.get(line.key, 0), 0)
        return found


def _told(one: Body, now: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    if one["location_id"] == LOCATION:
        return now[one["inventory_item_id"]]
    return {**one, "reserved_quantity": 0}


def _strict(body: Body, known: set[str]) -> None:
    unknown = body.keys() - known
    if unknown:
        names = ", ".join(sorted(unknown))
        raise invalid(f"Invalid request: Unrecognized fields: '{names}'")
