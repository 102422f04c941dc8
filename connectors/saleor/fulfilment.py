"""Parcels told to Saleor, and orders cancelled there; each once for one key.

``orderFulfill`` takes the units out of the allocated and off the stock at hand. Goods that a hub
says have left have left: Saleor is let go below nothing rather than kept from knowing.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from connectors.errors import ProtocolError, RejectedError, UnknownOutcome
from connectors.fields import Unreadable
from connectors.postsale import Cancellation, Parcel
from connectors.saleor import notes
from connectors.saleor.client import Client
from connectors.saleor.ids import is_order, key_of
from connectors.saleor.nodes import Node
from connectors.saleor.queries import CANCEL, DESK, FULFILL, TRACK

#: Saleor itself would send what is left of a cancelled order.
NEVER_SENT = {"CANCELED", "EXPIRED", "DRAFT"}
#: Words of fulfilments that are no parcel on its way.
NO_PARCEL = {"CANCELED"}


def ship(client: Client, parcel: Parcel, warehouse: str) -> str:
    if parcel.external_id:
        return _correct(client, parcel)
    note = notes.name("parcel", parcel.parcel_key)
    order = _order(client, parcel.order_key, note)
    try:
        before = notes.read(order.words("privateMetafield"))
        there = [one for one in order.parts("fulfillments") if one.text("status") not in NO_PARCEL]
        told = _told(there, parcel, before) if before is not None else ""
        if told:
            return told
        _check(order, parcel)
        known = {one.text("id") for one in there}
    except Unreadable as error:
        raise ProtocolError(f"the order cannot be read: {error}", code="bad_record") from error
    if before is None:
        notes.write(client, parcel.order_key, note, known)
    return _fulfill(client, parcel, warehouse)


def cancel(client: Client, given: Cancellation) -> None:
    if given.lines:
        raise RejectedError("Saleor cancels whole orders only", code="whole_orders_only")
    order = _order(client, given.order_key, notes.name("cancel", given.cancel_key))
    if order.words("status") in ("CANCELED", "EXPIRED"):
        return
    client.change(CANCEL, "orderCancel", {"id": given.order_key})


def _order(client: Client, key: str, note: str) -> Node:
    found = client.run(DESK, {"id": key, "note": note}).get("order") if is_order(key) else None
    if found is None:
        raise RejectedError("no such order", code="NOT_FOUND", field="order")
    try:
        return Node(found)
    except Unreadable as error:
        raise ProtocolError(f"the order cannot be read: {error}", code="bad_record") from error


def _told(there: list[Node], parcel: Parcel, before: frozenset[str]) -> str:
    """The id of this parcel where an answer got lost: new since we asked, of the same number and
    units. Two without a number and with the same units are not told apart."""
    wanted = _wanted(parcel)
    for one in there:
        same = one.words("trackingNumber") == parcel.tracking_number and _units(one) == wanted
        if same and one.text("id") not in before:
            return one.text("id")
    return ""


def _wanted(parcel: Parcel) -> Counter[str]:
    """Saleor takes each line once."""
    units: Counter[str] = Counter()
    for line in parcel.lines:
        units[line.line_key] += line.quantity
    return units


def _units(fulfillment: Node) -> Counter[str]:
    units: Counter[str] = Counter()
    for line in fulfillment.parts_if_any("lines"):
        of = line.optional("orderLine")
        if of is not None:
            units[of.text("id")] += line.units("quantity")
    return units


def _check(order: Node, parcel: Parcel) -> None:
    """What would be refused is not noted as asked for."""
    if order.text("status") in NEVER_SENT:
        raise RejectedError("the order is cancelled", code=order.text("status"), field="order")
    left = {
        line.text("id"): line.units("quantity") - line.units("quantityFulfilled", otherwise=0)
        for line in order.parts("lines")
    }
    for key, units in _wanted(parcel).items():
        if units > left.get(key, 0):
            raise RejectedError(
                f"{left.get(key, 0)} left to send", code="FULFILL_ORDER_LINE", field="lines"
            )


def _fulfill(client: Client, parcel: Parcel, warehouse: str) -> str:
    lines: list[dict[str, Any]] = [
        {"orderLineId": key, "stocks": [{"quantity": units, "warehouse": warehouse}]}
        for key, units in _wanted(parcel).items()
    ]
    given = {
        "lines": lines,
        "notifyCustomer": True,
        "allowStockToBeExceeded": True,
        "trackingNumber": parcel.tracking_number,
    }
    answer = client.change(FULFILL, "orderFulfill", {"order": parcel.order_key, "input": given})
    try:
        made = answer.parts("fulfillments")
        if not made:
            raise Unreadable("fulfillments", "none was made")
        return made[0].text("id")
    except Unreadable as error:
        raise UnknownOutcome(f"no answer to a parcel: {error}", code="bad_answer") from error


def _correct(client: Client, parcel: Parcel) -> str:
    if not key_of(parcel.external_id, "Fulfillment"):
        raise RejectedError("no such fulfilment", code="NOT_FOUND", field="id")
    given = {"trackingNumber": parcel.tracking_number, "notifyCustomer": True}
    variables = {"id": parcel.external_id, "input": given}
    client.change(TRACK, "orderFulfillmentUpdateTracking", variables)
    return parcel.external_id
