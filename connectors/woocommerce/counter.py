"""What WooCommerce is told of goods: parcels, and orders that will not be sent. Each once.

The order is read first, with the marks of what it was told before. A parcel is one write: its mark,
and the order's completion if nothing is left. The tracking number follows as a note, which is how
a shop without plug-ins tells its buyer; a note is looked for before it is written again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from typing import Any

from connectors.errors import ProtocolError, RejectedError
from connectors.fields import Unreadable
from connectors.postsale import Cancellation, Parcel
from connectors.records import ChannelOrder, OrderStatus
from connectors.woocommerce import mapping, marks, orders, paths
from connectors.woocommerce.client import Client
from connectors.woocommerce.fields import Record


def order(client: Client, key: str) -> Record:
    """Raises RejectedError where it is unknown."""
    found = client.one(paths.order(key)) if key.isascii() and key.isdecimal() else None
    if found is None:
        raise RejectedError("the shop does not know this order", code="unknown_order")
    return Record(found)


def ship(client: Client, parcel: Parcel, *, to_buyer: bool) -> str:
    """Answers the key of the parcel's mark, which is what the shop knows it by."""
    found = order(client, parcel.order_key)
    told = marks.parcels(found)
    key = parcel.external_id.removeprefix(marks.PARCEL) or parcel.parcel_key
    if parcel.external_id and key not in told:
        raise RejectedError("the shop does not know this parcel", code="unknown_parcel")
    body = {} if key in told else _closing(_read(client, found), parcel)
    mark = marks.parcel(parcel, key)
    if key not in told or (parcel.external_id and told[key] != marks.opened(mark["value"])):
        client.write("PUT", paths.order(parcel.order_key), {**body, "meta_data": [mark]})
    _note(client, parcel, to_buyer=to_buyer, again=key in told)
    return marks.PARCEL + key


def cancel(client: Client, given: Cancellation) -> None:
    found = order(client, given.order_key)
    state = _read(client, found)
    if given.lines:
        raise RejectedError("WooCommerce cancels whole orders only", code="lines", field="lines")
    if state.status is OrderStatus.CANCELLED and state.channel_status != "failed":
        return
    if any(line.shipped for line in state.lines):
        raise RejectedError("it has been sent, in part at least", code="sent")
    body = {"status": "cancelled", "meta_data": [marks.cancellation(given)]}
    client.write("PUT", paths.order(given.order_key), body)


def note(parcel: Parcel) -> str:
    """For people: "Sent by DHL, tracking number JD014, https://…"."""
    number = f"tracking number {parcel.tracking_number}" if parcel.tracking_number else ""
    by = f"Sent by {parcel.carrier}" if parcel.carrier else "Sent"
    return ", ".join(filter(None, (by, number, parcel.tracking_url)))


def _read(client: Client, found: Record) -> ChannelOrder:
    try:
        return mapping.order(found.data, orders.refunds_of(client, found.data))
    except Unreadable as error:
        raise ProtocolError(f"the order cannot be read: {error}", code="bad_record") from error


def _closing(state: ChannelOrder, parcel: Parcel) -> dict[str, Any]:
    """What the order's status becomes with this parcel. Raises RejectedError."""
    if state.status is OrderStatus.CANCELLED:
        raise RejectedError(f"the order is {state.channel_status}", code="cancelled")
    left = {one.external_id: one.quantity - one.cancelled - one.shipped for one in state.lines}
    for one in parcel.lines:
        if one.line_key not in left:
            raise RejectedError(f"no such line: {one.line_key}", code="unknown_line")
        if not 0 < one.quantity <= left[one.line_key]:
            said = f"{one.quantity} units of a line of which {left[one.line_key]} are left"
            raise RejectedError(said, code="too_many_units", field="lines")
        left[one.line_key] -= one.quantity
    return {} if any(left.values()) else {"status": "completed"}


def _note(client: Client, parcel: Parcel, *, to_buyer: bool, again: bool) -> None:
    if not parcel.tracking_number and not parcel.tracking_url:
        return
    if again and any(
        _says(one, parcel) for one in client.listed(paths.notes(parcel.order_key), {})
    ):
        return
    body = {"note": note(parcel), "customer_note": to_buyer}
    client.write("POST", paths.notes(parcel.order_key), body)


def _says(found: object, parcel: Parcel) -> bool:
    """Whoever wrote it: the number in a note is what the buyer needs."""
    text = found.get("note") if isinstance(found, Mapping) else None
    if not isinstance(text, str):
        return False
    if not parcel.tracking_number:
        return unescape(text) == note(parcel)
    number = re.escape(parcel.tracking_number)
    return re.search(rf"(?<![\w-]){number}(?![\w-])", unescape(text)) is not None
