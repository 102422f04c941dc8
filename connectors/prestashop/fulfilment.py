"""Telling the shop that an order has left, or never will: its tracking number, and its state.

https://devdocs.prestashop-project.org/8/webservice/resources/order_histories/. A state belongs to
a whole order, and so does the row that holds the tracking number: there is one parcel per order.
The webservice refuses nothing that makes no sense, so what is there is read first; that is also
how a repeat is known, for the webservice has no key for it.
"""

from __future__ import annotations

import re
from collections import Counter

from connectors.errors import ProtocolError, RejectedError
from connectors.fields import Unreadable
from connectors.postsale import Cancellation, Parcel
from connectors.prestashop.client import Client
from connectors.prestashop.fields import Row
from connectors.prestashop.office import Office
from connectors.prestashop.orders import Reader
from connectors.prestashop.resources import ORDER_CARRIERS, ORDER_HISTORIES, ORDERS
from connectors.prestashop.states import SENT
from connectors.records import ChannelOrder, OrderStatus

#: What the shop takes for a tracking number.
TRACKING = re.compile(r"[~:#,%&_=()\[\].? +\-@/a-zA-Z0-9]{0,64}")


def ship(client: Client, office: Office, parcel: Parcel) -> str:
    """The id of the row with the tracking number, "" for an order that has none: what is
    downloaded is not carried."""
    if not TRACKING.fullmatch(parcel.tracking_number):
        message = "the shop does not take this tracking number"
        raise RejectedError(message, code="tracking_number", field="tracking_number")
    order = _order(client, office, parcel.order_key)
    if order.status is OrderStatus.CANCELLED:
        raise RejectedError("the order is cancelled", code="cancelled")
    row = _carrier(client, order.external_id)
    key = row.key("id") if row else ""
    if parcel.external_id:
        if parcel.external_id != key:
            raise RejectedError("no such parcel", code="unknown_parcel", field="external_id")
        _number(client, row, parcel)
        return key
    if order.status not in SENT:
        _check_whole(order, parcel)
    elif row and parcel.tracking_number and _told(row) not in ("", parcel.tracking_number):
        raise RejectedError("the order was sent under another number", code="already_shipped")
    _number(client, row, parcel)
    if order.status not in SENT:
        _step(client, office, order, office.states().to_ship())
    return key


def cancel(client: Client, office: Office, given: Cancellation) -> None:
    if given.lines:
        raise RejectedError("the shop cancels whole orders only", code="whole_only", field="lines")
    order = _order(client, office, given.order_key)
    if order.status is OrderStatus.CANCELLED:
        return
    if order.status in SENT:
        raise RejectedError("the order has been sent", code="already_shipped")
    _step(client, office, order, office.states().to_cancel())


def _order(client: Client, office: Office, key: str) -> ChannelOrder:
    found = client.among(ORDERS, "id", [key]) if key.isdecimal() else []
    orders, bad = Reader(client, office, office.clock(), buyers=False).orders(found)
    if bad:
        raise ProtocolError(f"the order: {bad[0].field}: {bad[0].reason}", code="bad_record")
    if not orders:
        raise RejectedError("no such order", code="unknown_order", field="order_key")
    return orders[0]


def _carrier(client: Client, order: str) -> Row | None:
    """The first, as the shop itself takes it."""
    try:
        found = [Row(one) for one in client.among(ORDER_CARRIERS, "id_order", [order])]
        return min(found, key=lambda one: one.number("id"), default=None)
    except Unreadable as error:
        raise ProtocolError(f"the order's carrier: {error}", code="bad_record") from error


def _check_whole(order: ChannelOrder, parcel: Parcel) -> None:
    """All that is open, or nothing: the shop has no word for an order half sent."""
    if not parcel.lines:
        return
    sent: Counter[str] = Counter()
    for line in parcel.lines:
        sent[line.line_key] += line.quantity
    still = {one.external_id: one.quantity - one.cancelled for one in order.lines}
    if {key: count for key, count in sent.items() if count} != {
        key: count for key, count in still.items() if count
    }:
        message = "the shop sends whole orders only, and this is not all that is open"
        raise RejectedError(message, code="whole_only", field="lines")


def _number(client: Client, row: Row | None, parcel: Parcel) -> None:
    if row is None or parcel.tracking_number in ("", _told(row)):
        return
    client.change(ORDER_CARRIERS, row.key("id"), {"tracking_number": parcel.tracking_number})


def _told(row: Row) -> str:
    try:
        return row.words("tracking_number")
    except Unreadable as error:
        raise ProtocolError(f"the order's carrier: {error}", code="bad_record") from error


def _step(client: Client, office: Office, order: ChannelOrder, state: str) -> None:
    fields = {"id_order_state": state, "id_order": order.external_id}
    query = {"sendemail": "1"} if office.tells_buyers else {}
    client.add(ORDER_HISTORIES, fields, query)
