"""What the simulated Vendure does when told: stock, fulfilments, cancellations, refunds, as it does
them. Errors of a union are answers; others are :class:`Refusal`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.postsale import Parcel, ParcelLine, Refund
from connectors.simulators.shop import Event, EventKind, Refused, Sale, Shop
from connectors.vendure import storefront as words
from connectors.vendure.money import Scale
from connectors.vendure.sending import HANDLER
from connectors.vendure.storefront import Dossier, Entry, Fulfilment

Answer = dict[str, Any]

KINDS = {
    EventKind.ORDER_CREATED: "ORDER_STATE_TRANSITION",
    EventKind.ORDER_UPDATED: "ORDER_STATE_TRANSITION",
    EventKind.ORDER_CANCELLED: "ORDER_STATE_TRANSITION",
    EventKind.ORDER_SHIPPED: "ORDER_FULFILLMENT_TRANSITION",
    EventKind.ORDER_REFUNDED: "ORDER_REFUND_TRANSITION",
}


class Refusal(Exception):
    """A top-level GraphQL error: nothing of the mutation is done."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class Backoffice:
    """``untracked`` are variants whose stock is not counted. ``pays_back`` false: its payments are
    made by hand, and refunds stay pending until somebody settles them."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.precision = 2
        self.tracks = True
        self.untracked: set[str] = set()
        self.pays_back = True
        self._changed: dict[str, datetime] = {}
        self._lines: dict[str, Any] = {}
        self._history: dict[str, list[Entry]] = {}
        self._waiting: dict[str, tuple[str, Parcel, datetime]] = {}
        self._named: dict[str, tuple[str, datetime]] = {}
        self._refunds: dict[str, tuple[str, str, datetime]] = {}
        self._made = 0

    @property
    def scale(self) -> Scale:
        return Scale(self.shop.currency, self.precision)

    def note(self, event: Event) -> None:
        """An order's own time moves when it is placed, edited or cancelled, and at nothing else."""
        sale = event.sale
        if sale is None:
            return
        shape = [(one.key, one.quantity, one.cancelled) for one in sale.lines]
        if shape != self._lines.get(sale.key) or event.kind is EventKind.ORDER_CANCELLED:
            self._changed[sale.key] = event.at
        self._lines[sale.key] = shape
        self._enter(sale.key, KINDS[event.kind], event.at, {})

    def changed_at(self, sale: Sale) -> datetime:
        """The order's own time of change."""
        return self._changed.get(sale.key, sale.updated_at)

    def dossier(self, sale: Sale) -> Dossier:
        waiting = [
            Fulfilment(key, "Pending", parcel, at, at)
            for key, (order, parcel, at) in self._waiting.items()
            if order == sale.key
        ]
        sent = []
        for parcel in sale.parcels:
            key, at = self._named.get(parcel.external_id, (parcel.external_id, parcel.shipped_at))
            sent.append(Fulfilment(key, "Shipped", parcel, at, at))
        return Dossier(
            sale,
            self.changed_at(sale),
            [*sent, *waiting],
            self._history.get(sale.key, [])[::-1],
            self._refunds,
            self.scale,
        )

    def track(self, variant_key: str) -> str:
        return "FALSE" if variant_key in self.untracked else "INHERIT"

    # -- stock ---------------------------------------------------------------------------------

    def allocated(self) -> Counter[str]:
        """Units sold and in no fulfilment yet, by variant."""
        found: Counter[str] = Counter()
        waiting = self._fulfilled_not_sent()
        for sale in self.shop.orders:
            if sale.cancelled_at is None:
                for line in sale.lines:
                    found[line.variant_key] += line.open - waiting[line.key]
        return found

    def set_stock(self, entries: Sequence[Mapping[str, Any]]) -> Answer:
        """All or nothing."""
        with self.shop.lock:
            here = {one.key: one for one in self.shop.variants}
            for entry in entries:
                if entry["id"] not in here:
                    name = f'No ProductVariant with the id "{entry["id"]}" could be found'
                    raise Refusal(name, "ENTITY_NOT_FOUND")
                for level in entry["stockLevels"]:
                    if level["stockOnHand"] < 0:
                        raise Refusal("stockOnHand cannot be negative", "USER_INPUT_ERROR")
                    if level["stockLocationId"] not in (words.LOCATION, words.OTHER_LOCATION):
                        raise Refusal("FOREIGN KEY constraint failed", "INTERNAL_SERVER_ERROR")
            allocated = self.allocated()
            for entry in entries:
                for level in entry["stockLevels"]:
                    if level["stockLocationId"] == words.LOCATION:
                        free = level["stockOnHand"] - allocated[entry["id"]]
                        self.shop.set_quantity(here[entry["id"]].inventory_key, free)
            told = [self.shop.variant(entry["id"]) for entry in entries]
            return {
                "updateProductVariants": [
                    {"id": one.key, "stockLevels": words.levels(one, allocated[one.key])}
                    for one in told
                ]
            }

    # -- fulfilments ---------------------------------------------------------------------------

    def fulfil(self, given: Mapping[str, Any]) -> Answer:
        wanted = Counter({one["orderLineId"]: one["quantity"] for one in given["lines"]})
        name = "addFulfillmentToOrder"
        if given["handler"]["code"] != HANDLER:
            return _error(name, "InvalidFulfillmentHandlerError", "INVALID_FULFILLMENT_HANDLER")
        if not sum(wanted.values()):
            return _error(name, "EmptyOrderLineSelectionError", "EMPTY_ORDER_LINE_SELECTION")
        with self.shop.lock:
            sale = self._sold(wanted)
            waiting = self._fulfilled_not_sent()
            for line in sale.lines:
                if wanted[line.key] > line.open - waiting[line.key]:
                    return _error(name, "ItemsAlreadyFulfilledError", "ITEMS_ALREADY_FULFILLED")
            told = {one["name"]: one["value"] for one in given["handler"]["arguments"]}
            lines = tuple(ParcelLine(key, count) for key, count in wanted.items())
            number, now = told.get("trackingCode", ""), self.shop.now()
            self._made += 1
            key = str(self._made)
            parcel = Parcel(sale.key, "", told.get("method", ""), number, now, lines)
            self._waiting[key] = (sale.key, parcel, now)
            self._enter(sale.key, "ORDER_FULFILLMENT", now, {"fulfillmentId": key})
            return {name: {"__typename": "Fulfillment", "id": key, "state": "Pending"}}

    def send(self, key: str) -> Answer:
        name = "transitionFulfillmentToState"
        with self.shop.lock:
            if key not in self._waiting:
                answer = _error(
                    name, "FulfillmentStateTransitionError", "FULFILLMENT_STATE_TRANSITION"
                )
                answer[name]["transitionError"] = "Cannot transition Fulfillment to Shipped"
                return answer
            order, parcel, at = self._waiting.pop(key)
            made = self.shop.ship(order, parcel)
            self._named[made.external_id] = (key, at)
            return {name: {"__typename": "Fulfillment", "id": key, "state": "Shipped"}}

    # -- cancellations -------------------------------------------------------------------------

    def cancel(self, given: Mapping[str, Any]) -> Answer:
        name = "cancelOrder"
        with self.shop.lock:
            sale = self._order(given["orderId"])
            asked = given.get("lines")
            units = (
                {one["orderLineId"]: one["quantity"] for one in asked}
                if asked is not None
                else {one.key: one.quantity - one.cancelled for one in sale.lines}
            )
            if not sum(units.values()):
                return _error(name, "EmptyOrderLineSelectionError", "EMPTY_ORDER_LINE_SELECTION")
            try:
                if asked is None:
                    self.shop.cancel(sale.key)
                else:
                    self.shop.take_off(sale.key, units)
            except Refused:
                return _error(name, "QuantityTooGreatError", "QUANTITY_TOO_GREAT")
            left = self._order(sale.key)
            if all(one.quantity == one.cancelled for one in left.lines):
                left = self.shop.cancel(sale.key)
            data: dict[str, Any] = {"lines": [], "reason": given.get("reason")}
            self._enter(sale.key, "ORDER_CANCELLATION", self.shop.now(), data)
            state = words.STATES[left.status]
            return {name: {"__typename": "Order", "id": sale.key, "state": state}}

    # -- refunds -------------------------------------------------------------------------------

    def refund(self, given: Mapping[str, Any]) -> Answer:
        name = "refundOrder"
        if not given.get("amount"):
            return _error(name, "NothingToRefundError", "NOTHING_TO_REFUND")
        if given.get("shipping") is None or given.get("adjustment") is None:
            raise Refusal("NOT NULL constraint failed: refund.shipping", "")
        with self.shop.lock:
            sale = self._order(given["paymentId"].removeprefix("9"))
            amount, now = self.scale.minor(given["amount"]), self.shop.now()
            reason = str(given.get("reason") or "")
            asked = Refund("", sale.key, amount, self.shop.currency, now, reason=reason)
            try:
                made = self.shop.refund(sale.key, asked)
            except Refused:
                return _error(name, "RefundAmountError", "REFUND_AMOUNT")
            state = ("Settled", "auto") if self.pays_back else ("Pending", "")
            self._refunds[made.external_id] = (*state, made.refunded_at)
            told = words.refund(made, self.dossier(sale))
            return {name: {"__typename": "Refund", **told}}

    def settle(self, given: Mapping[str, Any]) -> Answer:
        name = "settleRefund"
        with self.shop.lock:
            for sale in self.shop.orders:
                for one in sale.refunds:
                    if one.external_id == given["id"]:
                        if self._refunds.get(given["id"], ("Settled",))[0] != "Pending":
                            return _error(
                                name, "RefundStateTransitionError", "REFUND_STATE_TRANSITION"
                            )
                        now = self.shop.now()
                        self._refunds[given["id"]] = ("Settled", given["transactionId"], now)
                        told = words.refund(one, self.dossier(sale))
                        return {name: {"__typename": "Refund", **told}}
        raise Refusal("No Refund with that id could be found", "ENTITY_NOT_FOUND")

    # -- how -----------------------------------------------------------------------------------

    def _order(self, key: str) -> Sale:
        sale = self.shop.order(key)
        if sale is None:
            raise Refusal(f'No Order with the id "{key}" could be found', "ENTITY_NOT_FOUND")
        return sale

    def _sold(self, wanted: Mapping[str, int]) -> Sale:
        for sale in self.shop.orders:
            if wanted.keys() <= {line.key for line in sale.lines}:
                return sale
        raise Refusal("No OrderLine with that id could be found", "ENTITY_NOT_FOUND")

    def _fulfilled_not_sent(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for _, parcel, _ in self._waiting.values():
            for line in parcel.lines:
                found[line.line_key] += line.quantity
        return found

    def _enter(self, order: str, kind: str, at: datetime, data: Mapping[str, Any]) -> None:
        self._history.setdefault(order, []).append(Entry(kind, at, data))


def _error(name: str, kind: str, code: str) -> Answer:
    return {name: {"__typename": kind, "errorCode": f"{code}_ERROR", "message": kind}}
