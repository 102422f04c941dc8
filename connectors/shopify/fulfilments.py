"""Parcels told to Shopify: an order's open "fulfillment orders" are filled with what was sent.

An order has one fulfilment order or more for each place its goods leave from, and a fulfilment
takes of one place only; a parcel of goods from two places is told as two with one number. Nothing
at Shopify carries our key: a parcel that was told is known again by its number and its lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.errors import ProtocolError, RejectedError, UnknownOutcome
from connectors.fields import Unreadable
from connectors.postsale import Parcel
from connectors.shopify import answers, sending
from connectors.shopify.carriers import company
from connectors.shopify.client import Client
from connectors.shopify.lists import whole
from connectors.shopify.nodes import Node
from connectors.shopify.postsale_queries import CORRECT_TRACKING, OPEN_LINES, SENDING, SHIP

#: FulfillmentOrderStatus from which goods may leave.
READY = {"OPEN", "IN_PROGRESS"}
#: No list of lines in one call may be longer.
MOST_LINES = 512
#: More pages of fulfilment orders than an order can have.
MOST_PAGES = 20


@dataclass(frozen=True, slots=True)
class OpenLine:
    """Units of an order line that wait in a fulfilment order, in which state and where."""

    fulfilment_order: str
    status: str
    location: str
    key: str
    line_key: str
    left: int


@dataclass(frozen=True, slots=True)
class Taken:
    """Units taken from an open line for the parcel."""

    line: OpenLine
    quantity: int


def ship(client: Client, parcel: Parcel, *, notify: bool, location: str = "") -> str:
    """The id of the fulfilment that is this parcel, or of all that are. ``location``: where goods
    are taken from first, if they wait in several places."""
    if parcel.external_id:
        return _correct(client, parcel, notify=notify)
    wanted: Counter[str] = Counter()
    for one in parcel.lines:
        wanted[one.line_key] += one.quantity
    if not +wanted:
        raise RejectedError("a parcel without goods", code="no_lines", field="lines")
    try:
        order, waiting = _sending(client, parcel.order_key)
        told = _told(client, order.parts("fulfillments"), parcel, wanted)
        gone = order.has("cancelledAt")
    except Unreadable as error:
        raise ProtocolError(f"the order cannot be read: {error}", code="bad_record") from error
    for lines in told.values():
        wanted -= lines
    if wanted and gone:
        raise RejectedError("the order is cancelled", code="CANCELLED", field="order")
    shares = list(by_place(planned(waiting, wanted, location)))
    made = [_create(client, parcel, share, notify=notify) for share in shares]
    return joined([*told, *made])


def planned(
    waiting: Sequence[OpenLine], wanted: Mapping[str, int], location: str = ""
) -> list[Taken]:
    """Which open lines the wanted units come from. Raises RejectedError where there are not so
    many, with Shopify's word for why where it has one."""
    taken: list[Taken] = []
    nearest = sorted(waiting, key=lambda one: one.location != location)
    for line_key, units in wanted.items():
        for one in nearest:
            if one.line_key == line_key and one.status in READY and units and one.left:
                taken.append(Taken(one, min(one.left, units)))
                units -= taken[-1].quantity
        if units > 0:
            raise _lacking(waiting, line_key, units)
    return taken


def by_place(taken: Iterable[Taken]) -> Iterator[list[Taken]]:
    """What one call may tell: of one place, and not too much."""
    places: dict[str, list[Taken]] = {}
    for one in taken:
        places.setdefault(one.line.location, []).append(one)
    for found in places.values():
        for start in range(0, len(found), MOST_LINES):
            yield found[start : start + MOST_LINES]


def joined(keys: Sequence[str]) -> str:
    """Several ids as one: ``gid://shopify/Fulfillment/1,2``."""
    first, *others = keys
    return ",".join([first, *(one.rpartition("/")[2] for one in others)])


def parted(key: str) -> list[str]:
    kind, _, numbers = key.rpartition("/")
    return [f"{kind}/{number}" for number in numbers.split(",")]


def tracking(parcel: Parcel) -> dict[str, str]:
    told = {
        "company": company(parcel.carrier),
        "number": parcel.tracking_number,
        "url": parcel.tracking_url,
    }
    return {name: value for name, value in told.items() if value}


def _lacking(waiting: Sequence[OpenLine], line_key: str, units: int) -> RejectedError:
    held = [one for one in waiting if one.line_key == line_key and one.left]
    stuck = sorted({one.status for one in held if one.status not in READY})
    if stuck:
        said = ", ".join(word.lower().replace("_", " ") for word in stuck)
        return RejectedError(f"{units} units are {said} at Shopify", code=stuck[0], field=line_key)
    if not waiting:
        return RejectedError(
            "Shopify shows nothing to send: all is sent, or the app lacks "
            "write_merchant_managed_fulfillment_orders",
            code="no_fulfillment_orders",
            field=line_key,
        )
    return RejectedError(f"{units} units more than are left", code="not_left", field=line_key)


def _sending(client: Client, order_key: str) -> tuple[Node, list[OpenLine]]:
    """The order, and what of it waits to be sent. Raises RejectedError where there is no such
    order, and Unreadable."""
    waiting: list[OpenLine] = []
    after = ""
    for _ in range(MOST_PAGES):
        data = client.run(SENDING, {"id": order_key, "after": after or None})
        if data.get("order") is None:
            raise RejectedError("Shopify has no such order", code="not_found", field="order")
        order = Node(data).part("order")
        orders = order.part("fulfillmentOrders")
        for one in orders.parts("nodes"):
            waiting += _open_lines(client, one)
        info = orders.part("pageInfo")
        after = info.words("endCursor")
        if not info.truth("hasNextPage"):
            return order, waiting
    raise ProtocolError("the list of fulfilment orders does not end", code="page_repeated")


def _open_lines(client: Client, order: Node) -> list[OpenLine]:
    place = order.part("assignedLocation").optional("location")
    return [
        OpenLine(
            fulfilment_order=order.text("id"),
            status=order.text("status"),
            location=place.text("id") if place else "",
            key=one.text("id"),
            line_key=one.part("lineItem").text("id"),
            left=one.units("remainingQuantity"),
        )
        for one in whole(client, order, "lineItems", OPEN_LINES)
    ]


def _told(
    client: Client, fulfilments: Sequence[Node], parcel: Parcel, wanted: Counter[str]
) -> dict[str, Counter[str]]:
    """The fulfilments that are this parcel, with their units. One without a number is known by its
    lines, if it was told after the parcel left."""
    found: dict[str, Counter[str]] = {}
    for one in fulfilments:
        numbers = {info.words("number") for info in one.parts("trackingInfo")} - {""}
        if one.words("status") in sending.VOID:
            continue
        if parcel.tracking_number:
            if parcel.tracking_number in numbers:
                found[one.text("id")] = sending.lines(client, one)
        elif not numbers and one.time("createdAt") >= parcel.shipped_at.replace(microsecond=0):
            lines = sending.lines(client, one)
            if lines == wanted:
                return {one.text("id"): lines}
    return {key: lines for key, lines in found.items() if lines & wanted}


def _create(client: Client, parcel: Parcel, share: Sequence[Taken], *, notify: bool) -> str:
    orders: dict[str, list[dict[str, Any]]] = {}
    for one in share:
        entry = {"id": one.line.key, "quantity": one.quantity}
        orders.setdefault(one.line.fulfilment_order, []).append(entry)
    told = tracking(parcel)
    given = {
        "lineItemsByFulfillmentOrder": [
            {"fulfillmentOrderId": key, "fulfillmentOrderLineItems": lines}
            for key, lines in orders.items()
        ],
        "notifyCustomer": notify,
        **({"trackingInfo": told} if told else {}),
    }
    answer = answers.payload(client.run(SHIP, {"fulfillment": given}), "fulfillmentCreate")
    return _made(answer)


def _correct(client: Client, parcel: Parcel, *, notify: bool) -> str:
    for key in parted(parcel.external_id):
        given = {"id": key, "tracking": tracking(parcel), "notify": notify}
        data = client.run(CORRECT_TRACKING, given)
        _made(answers.payload(data, "fulfillmentTrackingInfoUpdate"))
    return parcel.external_id


def _made(answer: Node) -> str:
    """The id of the fulfilment that a mutation answered. Raises RejectedError."""
    for refusal in answers.refusals(answer):
        raise refusal
    try:
        return answer.part("fulfillment").text("id")
    except Unreadable as error:
        raise UnknownOutcome(f"the answer to a write is not one: {error}") from error
