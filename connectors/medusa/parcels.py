"""Telling Medusa that goods leave, or never will.

Goods leave in two steps: a fulfilment (packed: it takes the units off the stock), then its shipment
with the labels. Neither has an idempotency key, so the order is read first. A fulfilment of ours
carries the parcel's key in its metadata; 2.0 drops that, and there the tracking number, or the very
same units packed and not yet sent, stand for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from connectors.errors import ProtocolError, RejectedError, UnknownOutcome
from connectors.fields import Unreadable
from connectors.medusa.calls import CANCEL, DETAIL_FIELDS, FULFIL, ORDER, SHIP
from connectors.medusa.client import Client
from connectors.medusa.fields import Record
from connectors.postsale import Cancellation, Parcel

KEY = "parcel_key"
ASK = (("fields", DETAIL_FIELDS),)


class Packed(NamedTuple):
    """A fulfilment that was not cancelled. ``units`` by order line."""

    key: str
    ours: str
    shipped: bool
    numbers: frozenset[str]
    units: Mapping[str, int]


class State(NamedTuple):
    """An order as far as sending goes: ``open`` are the units of each line not packed yet."""

    cancelled: bool
    open: Mapping[str, int]
    packed: tuple[Packed, ...]


def ship(client: Client, parcel: Parcel, location: str) -> str:
    state = _state(client.run(ORDER, ASK, order=parcel.order_key).get("order"))
    units = _wanted(parcel, state)
    known = find(state, parcel, units)
    if parcel.external_id:
        _uncorrected(known, parcel)
        return parcel.external_id
    if known is None:
        _possible(state, units)
        known = _pack(client, parcel, units, location)
    if not known.shipped:
        client.run(
            SHIP, ASK, _shipment(parcel, units), order=parcel.order_key, fulfillment=known.key
        )
    return known.key


def cancel(client: Client, given: Cancellation) -> None:
    if given.lines:
        raise RejectedError("Medusa cancels whole orders only", code="lines", field="lines")
    order = client.run(ORDER, ASK, order=given.order_key).get("order")
    if not _state(order).cancelled:
        client.run(CANCEL, ASK, {}, order=given.order_key)


def find(state: State, parcel: Parcel, units: Mapping[str, int]) -> Packed | None:
    """The fulfilment that is this parcel, or may become it: one packed with the very same units by
    somebody who has not sent it yet."""
    if parcel.external_id:
        return next((one for one in state.packed if one.key == parcel.external_id), None)
    for one in state.packed:
        if one.ours and one.ours == parcel.parcel_key:
            return one
    for one in state.packed:
        if not one.ours and parcel.tracking_number in one.numbers:
            return one
    alike = (one for one in state.packed if not one.ours and not one.shipped)
    return next((one for one in alike if one.units == units), None)


def _wanted(parcel: Parcel, state: State) -> dict[str, int]:
    """The parcel's units by line; all that is open where it names none."""
    units: Counter[str] = Counter()
    for line in parcel.lines:
        units[line.line_key] += line.quantity
    return dict(units) or {key: count for key, count in state.open.items() if count}


def _possible(state: State, units: Mapping[str, int]) -> None:
    if state.cancelled:
        raise RejectedError("the order is cancelled", code="cancelled")
    if not units:
        raise RejectedError("nothing is left to send", code="nothing_open")
    for key, count in units.items():
        left = state.open.get(key)
        if left is None:
            raise RejectedError("the order has no such line", code="unknown_line", field=key)
        if not 0 < count <= left:
            raise RejectedError(f"{count} wanted, {left} open", code="too_many", field=key)


def _uncorrected(known: Packed | None, parcel: Parcel) -> None:
    """What was told stays as it is; to tell the same again is no correction."""
    if known is None:
        raise RejectedError("the order has no such fulfilment", code="unknown_parcel")
    if parcel.tracking_number not in known.numbers:
        raise RejectedError("Medusa takes no other tracking number later", code="not_correctable")


def _pack(client: Client, parcel: Parcel, units: Mapping[str, int], location: str) -> Packed:
    body = {
        "items": _items(units),
        "location_id": location,
        "metadata": {KEY: parcel.parcel_key},
    }
    told = client.run(FULFIL, ASK, body, order=parcel.order_key)
    try:
        known = find(_state(told.get("order")), parcel, units)
    except (ProtocolError, RejectedError) as error:
        raise UnknownOutcome(f"the answer to a fulfilment is not one: {error}") from error
    if known is None:
        raise UnknownOutcome("the fulfilment is not in the answer", code="not_told")
    return known


def _shipment(parcel: Parcel, units: Mapping[str, int]) -> dict[str, Any]:
    """Of a label all three are wanted; empty ones are taken."""
    body: dict[str, Any] = {"items": _items(units), "metadata": {KEY: parcel.parcel_key}}
    if parcel.tracking_number:
        web = parcel.tracking_url.startswith(("https://", "http://"))
        label = {
            "tracking_number": parcel.tracking_number,
            "tracking_url": parcel.tracking_url if web else "",
            "label_url": "",
        }
        body["labels"] = [label]
    return body


def _items(units: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"id": key, "quantity": count} for key, count in units.items()]


def _state(order: object) -> State:
    try:
        record = Record(order)
        packed = [_packed(one) for one in record.parts_if_any("fulfillments")]
        cancelled = record.words("status") == "canceled" or record.has("canceled_at")
        return State(
            cancelled,
            {one.key("id"): _open(one) for one in record.parts("items")},
            tuple(one for one in packed if one is not None),
        )
    except Unreadable as error:
        raise ProtocolError(f"the order cannot be read: {error}", code="bad_record") from error


def _open(item: Record) -> int:
    packed = item.part_or_empty("detail").count("fulfilled_quantity", otherwise=0)
    return max(item.count("quantity") - packed, 0)


def _packed(record: Record) -> Packed | None:
    if record.has("canceled_at"):
        return None
    units: Counter[str] = Counter()
    for one in record.parts_if_any("items"):
        units[one.words("line_item_id")] += one.count("quantity")
    labels = [one.words("tracking_number") for one in record.parts_if_any("labels")]
    return Packed(
        key=record.key("id"),
        ours=str(record.part_or_empty("metadata").data.get(KEY) or ""),
        shipped=record.has("shipped_at") or record.has("delivered_at"),
        numbers=frozenset(filter(None, labels)),
        units=dict(units),
    )
