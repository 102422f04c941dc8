"""The simulated shop's cases: cancellations, what buyers send back, money given back with either.

Every refund the shop gives is a case of its own, as at TikTok, where money comes back with a return
or a cancellation only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from connectors.postsale import Refund
from connectors.simulators.shop import Sale, Shop
from connectors.tiktok_shop import storefront as words
from connectors.tiktok_shop.dispatch import Dispatch, Unit
from connectors.tiktok_shop.gate import Refused

Query = Mapping[str, str]
Body = Mapping[str, Any]

REASONS = (
    "seller_cancel_reason_wrong_price",
    "seller_cancel_reason_out_of_stock",
    "seller_cancel_paid_reason_buyer_requested_cancellation",
)
FIRST_CASE = 4_035_000_000_000_000_001


@dataclass(frozen=True, slots=True)
class Case:
    """A return, or a cancellation. ``amount`` is what the buyer gets."""

    key: str
    order_key: str
    kind: str
    status: str
    role: str
    reason: str
    units: tuple[Unit, ...]
    amount: int
    opened_at: datetime
    changed_at: datetime


class Casebook:
    """``partial``: single units are cancelled too, as in the United States and the United Kingdom.
    ``decides``: TikTok cancels at once; otherwise what a seller asks for waits. ``names_units``:
    a case says which units it is about."""

    def __init__(self, shop: Shop, dispatch: Dispatch) -> None:
        self.shop = shop
        self.dispatch = dispatch
        self.partial = True
        self.decides = True
        self.names_units = True
        self._returns: dict[str, Case] = {}
        self._cancellations: dict[str, Case] = {}
        self._made = 0

    # -- cancellations -------------------------------------------------------------------------

    def eligibility(self, order_key: str) -> dict[str, Any]:
        sale = self._sale(order_key)
        by_sku: dict[str, list[Unit]] = {}
        for one in self.dispatch.units(sale):
            by_sku.setdefault(one.line.variant_key, []).append(one)
        found = [
            {"sku_id": sku, "line_item_eligibility": list(_entries(units))}
            for sku, units in by_sku.items()
        ]
        return {"sku_eligibility": found}

    def cancel(self, body: Body) -> dict[str, Any]:
        with self.shop.lock:
            sale = self._sale(body["order_id"])
            if body["cancel_reason"] not in REASONS:
                raise Refused(25001014, "Unknown return reason.")
            if sale.cancelled_at is not None:
                raise Refused(25001051, "Not allowed to cancel since order is cancelled")
            units = self._wanted(sale, body)
            case = self._open(sale, "CANCEL", "SELLER", body["cancel_reason"], units)
            if self.decides:
                case = replace(case, status="CANCELLATION_REQUEST_SUCCESS")
                self._take_off(sale, units)
            self._cancellations[case.key] = case
        return {"cancel_id": case.key, "cancel_status": case.status}

    def ask(self, order_key: str) -> str:
        """The buyer asks to have the order cancelled."""
        sale = self._sale(order_key)
        units = [one for one in self.dispatch.units(sale) if not one.gone]
        case = self._open(sale, "BUYER_CANCEL", "BUYER", REASONS[2], units)
        self._cancellations[case.key] = case
        return case.key

    def _wanted(self, sale: Sale, body: Body) -> list[Unit]:
        left = [one for one in self.dispatch.units(sale) if not one.gone]
        named = {one["order_line_item_id"] for one in body.get("order_line_list", ())}
        if named and not self.partial:
            raise Refused(25005010, "Unable to cancel individual line items within this request.")
        if named - {one.key for one in left}:
            raise Refused(25005011, "The requested line item(s) exceed the allowable limit.")
        units = [one for one in left if not named or one.key in named]
        if any(one.sent for one in units):
            raise Refused(25001045, "The order has already been shipped.")
        waiting = [one for one in self._cancellations.values() if one.order_key == sale.key]
        if any(one.status == "CANCELLATION_REQUEST_PENDING" for one in waiting):
            raise Refused(25001011, "A return request is already in process.")
        return units

    def _take_off(self, sale: Sale, units: Sequence[Unit]) -> None:
        left = [one for one in self.dispatch.units(sale) if not one.gone]
        if len(units) == len(left):
            self.shop.cancel(sale.key)
        else:
            self.dispatch.take_off(sale, units)

    # -- returns -------------------------------------------------------------------------------

    def send_back(
        self, order_key: str, units: int = 1, kind: str = "RETURN_AND_REFUND", status: str = ""
    ) -> str:
        """A buyer wants to send back the first units of an order."""
        sale = self._sale(order_key)
        some = self.dispatch.units(sale)[:units]
        case = self._open(sale, kind, "BUYER", "ecom_order_delivered_reason_defective", some)
        status = status or "RETURN_OR_REFUND_REQUEST_PENDING"
        self._returns[case.key] = replace(case, status=status)
        return case.key

    def move(self, key: str, status: str) -> None:
        """A case goes on."""
        for cases in (self._returns, self._cancellations):
            if key in cases:
                cases[key] = replace(cases[key], status=status, changed_at=self.shop.now())

    # -- the lists -----------------------------------------------------------------------------

    def returns(self, query: Query, body: Body) -> dict[str, Any]:
        given = [
            _refunded(one, sale, self.dispatch) for sale in self.shop.orders for one in sale.refunds
        ]
        return self._page(
            [*self._returns.values(), *given], "return_orders", self._return, query, body
        )

    def cancellations(self, query: Query, body: Body) -> dict[str, Any]:
        told = {one.order_key for one in self._cancellations.values()}
        own = [
            self._by_buyer(sale)
            for sale in self.shop.orders
            if sale.cancelled_at is not None and sale.key not in told
        ]
        cases = [*self._cancellations.values(), *own]
        return self._page(cases, "cancellations", self._cancellation, query, body)

    def _page(
        self,
        cases: Sequence[Case],
        name: str,
        told: Callable[[Case], dict[str, Any]],
        query: Query,
        body: Body,
    ) -> dict[str, Any]:
        size = int(query.get("page_size", 10))
        start, key = words.unpack(query["page_token"]) if "page_token" in query else (0, "")
        found = sorted(
            (one for one in cases if _fits(one, body)),
            key=lambda one: (words.seconds(one.changed_at), one.key),
        )
        after = [one for one in found if (words.seconds(one.changed_at), one.key) > (start, key)]
        shown = after[:size]
        answer: dict[str, Any] = {"total_count": len(found)}
        if shown:
            answer[name] = [told(one) for one in shown]
        if len(after) > size:
            answer["next_page_token"] = words.pack(
                words.seconds(shown[-1].changed_at), shown[-1].key
            )
        return answer

    def _return(self, case: Case) -> dict[str, Any]:
        return {
            "return_id": case.key,
            "return_type": case.kind,
            "return_status": case.status,
            "return_reason": case.reason,
            "return_reason_text": case.reason.replace("_", " "),
            "can_buyer_keep_item": case.kind == "REFUND",
            "return_line_items": [
                {**self._item(one), "return_line_item_id": f"9{one.key}"} for one in case.units
            ],
            **self._case(case),
        }

    def _cancellation(self, case: Case) -> dict[str, Any]:
        return {
            "cancel_id": case.key,
            "cancel_type": case.kind,
            "cancel_status": case.status,
            "cancel_reason": case.reason,
            "cancel_reason_text": case.reason.replace("_", " "),
            "cancel_line_items": [
                {**self._item(one), "cancel_line_item_id": f"8{one.key}"}
                for one in (case.units if self.names_units else ())
            ],
            **self._case(case),
        }

    def _case(self, case: Case) -> dict[str, Any]:
        total = words.amount(case.amount, self.shop.currency)
        return {
            "order_id": case.order_key,
            "role": case.role,
            "create_time": words.seconds(case.opened_at),
            "update_time": words.seconds(case.changed_at),
            "refund_amount": {
                "currency": self.shop.currency,
                "refund_total": total,
                "refund_subtotal": total,
                "refund_shipping_fee": words.amount(0, self.shop.currency),
            },
        }

    def _item(self, unit: Unit) -> dict[str, Any]:
        return {
            "order_line_item_id": unit.key,
            "sku_id": unit.line.variant_key,
            "seller_sku": unit.line.sku,
            "product_name": unit.line.title,
        }

    def _open(self, sale: Sale, kind: str, role: str, reason: str, units: Sequence[Unit]) -> Case:
        self._made += 1
        now = self.shop.now()
        return Case(
            key=str(FIRST_CASE + self._made),
            order_key=sale.key,
            kind=kind,
            status="CANCELLATION_REQUEST_PENDING",
            role=role,
            reason=reason,
            units=tuple(units),
            amount=sum(one.line.unit_price for one in units),
            opened_at=now,
            changed_at=now,
        )

    def _by_buyer(self, sale: Sale) -> Case:
        """The shop cancelled it, or its buyer did."""
        units = self.dispatch.units(sale)
        case = self._open(sale, "BUYER_CANCEL", "BUYER", REASONS[2], units)
        at = sale.cancelled_at or sale.updated_at
        done = "CANCELLATION_REQUEST_SUCCESS"
        return replace(case, key=f"4{sale.key}", status=done, opened_at=at, changed_at=at)

    def _sale(self, order_key: str) -> Sale:
        sale = self.shop.order(order_key)
        if sale is None:
            raise Refused(25020005, "No permission to process this order")
        return sale


def _refunded(refund: Refund, sale: Sale, dispatch: Dispatch) -> Case:
    counts = {one.line_key: one.quantity for one in refund.lines}
    units: list[Unit] = []
    for one in dispatch.units(sale):
        if counts.get(one.line.key, 0) > 0:
            counts[one.line.key] -= 1
            units.append(one)
    return Case(
        key=refund.external_id,
        order_key=sale.key,
        kind="REFUND",
        status="RETURN_OR_REFUND_REQUEST_COMPLETE",
        role="BUYER",
        reason=refund.reason or "ecom_order_delivered_refund_reason_other",
        units=tuple(units),
        amount=refund.amount,
        opened_at=refund.refunded_at,
        changed_at=refund.refunded_at,
    )


def _entries(units: Sequence[Unit]) -> Iterable[dict[str, Any]]:
    """What may be cancelled of one SKU, and what may not."""
    for eligible in (True, False):
        some = [one for one in units if one.open is eligible]
        if not some:
            continue
        entry: dict[str, Any] = {
            "request_type": "CANCEL",
            "order_line_items_ids": [one.key for one in some],
            "order_line_list": [{"order_line_item_id": one.key} for one in some],
            "eligible": eligible,
        }
        if eligible:
            entry["available_reason_names"] = list(REASONS)
        else:
            entry |= {"ineligible_code": 25001003, "ineligible_reason": "invalid order status"}
        yield entry


def _fits(case: Case, body: Body) -> bool:
    at = words.seconds(case.changed_at)
    return (
        body.get("update_time_ge", at) <= at
        and at < body.get("update_time_lt", at + 1)
        and case.order_key in body.get("order_ids", [case.order_key])
        and case.status in body.get("cancel_status", [case.status])
    )
