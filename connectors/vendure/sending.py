"""Telling Vendure that goods leave, or never will: each once, known again by what is there.

A fulfilment is made, then set to Shipped: a retry finds the first done. Its tracking number cannot
be changed afterwards.
"""

from __future__ import annotations

from typing import Any

from connectors.errors import ProtocolError, RejectedError, UnknownOutcome
from connectors.fields import Unreadable
from connectors.postsale import Cancellation, Parcel
from connectors.vendure import answers, mapping
from connectors.vendure.client import Client
from connectors.vendure.money import Node
from connectors.vendure.queries import CANCEL, FULFIL, SEND
from connectors.vendure.standing import Standing, look, marked, units, wanted

#: The fulfilment handler that every Vendure has.
HANDLER = "manual-fulfillment"


def ship(client: Client, parcel: Parcel) -> str:
    order = look(client, parcel.order_key)
    try:
        if parcel.external_id:
            return _corrected(order, parcel)
        known = _known(order, parcel)
        if known is None:
            if order.is_cancelled:
                raise RejectedError("the order is cancelled", code="order_cancelled")
            known = _fulfil(client, parcel)
        key = known.key("id")
        if known.words("state") in mapping.WAITING:
            answers.result(
                client.run(SEND, {"id": key}), "transitionFulfillmentToState", "Fulfillment"
            )
        return key
    except Unreadable as error:
        raise ProtocolError(f"a fulfilment cannot be read: {error}", code="bad_record") from error


def cancel(client: Client, given: Cancellation) -> None:
    order = look(client, given.order_key)
    try:
        if order.is_cancelled or order.cancelled_for(given.cancel_key):
            return
        asked = _cancellation(order, given)
    except Unreadable as error:
        raise ProtocolError(f"the order cannot be read: {error}", code="bad_record") from error
    answers.result(client.run(CANCEL, {"input": asked}), "cancelOrder", "Order")


def _cancellation(order: Standing, given: Cancellation) -> dict[str, Any]:
    """Vendure would cancel units that were sent, too, and put them back on its shelf."""
    left, reason = order.open(), marked(given.reason, given.cancel_key)
    asked: dict[str, Any] = {"orderId": order.key, "reason": reason}
    if not given.lines:
        if order.fulfilments:
            raise RejectedError("some of the order was sent", code="already_sent")
        return {**asked, "cancelShipping": True}
    units_off = wanted(given.lines)
    if units_off - left:
        raise RejectedError("not so many units are open", code="QUANTITY_TOO_GREAT_ERROR")
    lines = [{"orderLineId": key, "quantity": count} for key, count in units_off.items()]
    is_all = units_off == left and not order.fulfilments
    return {**asked, "lines": lines, "cancelShipping": is_all}


def _known(order: Standing, parcel: Parcel) -> Node | None:
    """The fulfilment that this parcel was told as: the same number, or carrier where there is none,
    and the same units."""
    for one in order.fulfilments:
        number = one.words("trackingCode")
        same = number == parcel.tracking_number and (
            number or one.words("method") == parcel.carrier
        )
        if same and units(one) == wanted(parcel.lines):
            return one
    return None


def _corrected(order: Standing, parcel: Parcel) -> str:
    for one in order.fulfilments:
        told = (one.words("trackingCode"), one.words("method"))
        if one.key("id") == parcel.external_id and told == (parcel.tracking_number, parcel.carrier):
            return parcel.external_id
    raise RejectedError("Vendure cannot change a fulfilment's number", code="not_corrected")


def _fulfil(client: Client, parcel: Parcel) -> Node:
    told = {"method": parcel.carrier, "trackingCode": parcel.tracking_number}
    asked = {
        "lines": [
            {"orderLineId": key, "quantity": count} for key, count in wanted(parcel.lines).items()
        ],
        "handler": {
            "code": HANDLER,
            "arguments": [{"name": name, "value": value} for name, value in told.items()],
        },
    }
    made = answers.result(
        client.run(FULFIL, {"input": asked}), "addFulfillmentToOrder", "Fulfillment"
    )
    if not made.has("id"):
        raise UnknownOutcome("a fulfilment without an id", code="bad_record")
    return made
