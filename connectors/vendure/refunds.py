"""Money given back at Vendure: made once for one key of ours, and listed whoever made it.

A refund belongs to one payment. Only the form with an amount says exactly how much; versions up to
3.7 fail to store it unless the older ``shipping`` and ``adjustment`` are sent beside it. Where a
payment's method cannot give money back by itself, Vendure leaves the refund Pending and without a
transaction: the money is sent by hand, and the refund is settled here under our key.

No list can be asked for refunds by their time: orders placed in the last days are gone through,
and older ones that are still open.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from connectors.errors import RejectedError, UnknownOutcome
from connectors.fields import Unreadable, each
from connectors.postsale import Refund
from connectors.records import BadRecord, Cursor, Page
from connectors.vendure import answers, lists, mapping
from connectors.vendure.client import Client
from connectors.vendure.lists import PLACED, OrderList
from connectors.vendure.money import Node
from connectors.vendure.orders import OVERLAP, QUESTIONS, whole
from connectors.vendure.paging import FIRST, Place, resume
from connectors.vendure.queries import REFUND, REFUNDS, REFUNDS_PAGE, SETTLE
from connectors.vendure.standing import Standing, carries, look, marked

#: States of a payment that no money can come out of.
UNPAID = {"Created", "Authorized", "Declined", "Error", "Cancelled"}

STILL_OPEN = {"state": {"notIn": [*mapping.CARTS, *mapping.CLOSED]}}
LISTS = (
    OrderList(REFUNDS, PLACED, {}, REFUNDS_PAGE),
    OrderList(REFUNDS, PLACED, STILL_OPEN, REFUNDS_PAGE),
)


def give(client: Client, given: Refund) -> Refund:
    order = look(client, given.order_key)
    if given.currency != order.scale.currency:
        raise RejectedError(f"the order is in {order.scale.currency}", code="other_currency")
    try:
        made = _known(order, given.external_id) or _make(client, order, given)
        if made.text("state") == "Failed":
            raise RejectedError("the payment's provider refused", code="refund_failed")
        if made.text("state") == "Pending" and not made.words("transactionId"):
            made = _settle(client, made, given.external_id)
        told = mapping.refund(made, given.order_key, order.scale, given.refunded_at)
    except Unreadable as error:
        raise UnknownOutcome(f"a refund cannot be read: {error}", code="bad_record") from error
    return replace(told, reason=given.reason, lines=given.lines, shipping=given.shipping)


def pull(client: Client, cursor: Cursor, recent: timedelta) -> Page[Refund]:
    place = resume(cursor) or _beginning(cursor, recent)
    edge = whole(place.start - recent)
    for _ in range(QUESTIONS):
        listed = LISTS[min(place.phase, 1)]
        rows = lists.read(client, listed, place, listed.rows, edge if place.phase else None)
        found, bad = _read(rows, place)
        place = place.met(one.refunded_at for one in found)
        if rows.more:
            place = place.onward(rows.keys)
        elif place.phase:
            return Page(found, place.ended(cursor), False, bad)
        else:
            place = place.next_list(FIRST)
            if not found and not bad:
                continue
        if found or bad:
            return Page(found, place.resting(cursor), True, bad)
    return Page((), place.resting(cursor), True)


def _beginning(cursor: Cursor, recent: timedelta) -> Place:
    start = cursor.since - OVERLAP
    return Place(start, max(whole(start - recent), FIRST))


def _read(rows: lists.Rows, place: Place) -> tuple[tuple[Refund, ...], tuple[BadRecord, ...]]:
    fresh = [one for one in rows.fresh(place) if not _is_aggregate(one)]
    good, bad = each(fresh, lambda one: mapping.refunds(one, rows.precision))
    found = [one for some in good for one in some if one.refunded_at >= place.start]
    return tuple(sorted(found, key=lambda one: one.refunded_at)), bad


def _is_aggregate(node: object) -> bool:
    return isinstance(node, dict) and node.get("type") == mapping.AGGREGATE


def _known(order: Standing, key: str) -> Node | None:
    for payment in order.payments:
        for one in payment.parts_if_any("refunds"):
            if one.text("state") != "Failed" and carries(one.words("reason"), key):
                return one
    return None


def _make(client: Client, order: Standing, given: Refund) -> Node:
    try:
        amount = order.scale.kept(given.amount)
    except ValueError as error:
        raise RejectedError(str(error), code="too_fine") from error
    asked = {
        "paymentId": _payment(order, amount),
        "amount": amount,
        "lines": [],
        "shipping": 0,
        "adjustment": 0,
        "reason": marked(given.reason, given.external_id),
    }
    return answers.result(client.run(REFUND, {"input": asked}), "refundOrder", "Refund")


def _payment(order: Standing, amount: int) -> str:
    """The first payment that so much is left of."""
    if amount <= 0:
        raise RejectedError("a refund is of some money", code="NOTHING_TO_REFUND_ERROR")
    for payment in order.payments:
        given = [one for one in payment.parts_if_any("refunds") if one.text("state") != "Failed"]
        left = (payment.whole("amount") or 0) - sum(one.whole("total") or 0 for one in given)
        if payment.text("state") not in UNPAID and left >= amount:
            return payment.key("id")
    raise RejectedError("no payment has so much left", code="REFUND_AMOUNT_ERROR")


def _settle(client: Client, made: Node, key: str) -> Node:
    asked = {"id": made.key("id"), "transactionId": key}
    return answers.result(client.run(SETTLE, {"input": asked}), "settleRefund", "Refund")
