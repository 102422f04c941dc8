"""Money given back through Saleor, once for one key, and what was given back by anybody.

With the Transactions API a refund is granted (the grant's reason carries our key) and then asked of
the payment app; asked again, the grant is found. Orders paid through the old plugins are refunded
with ``orderRefund``, which carries nothing: a note on the order says what was there before. Neither
puts goods back on sale.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.amounts import exponent
from connectors.errors import ProtocolError, RejectedError, UnknownOutcome
from connectors.fields import Unreadable
from connectors.postsale import Refund
from connectors.records import BadRecord, Cursor, Page
from connectors.saleor import moneyback, notes, orders
from connectors.saleor.client import Client
from connectors.saleor.ids import is_order
from connectors.saleor.nodes import Node
from connectors.saleor.queries import GRANT, MONEY, PAY_BACK, REFUNDS, REQUEST

PENDING = {"PENDING", "SUCCESS"}

#: What Saleor says of a grant that is being paid or is paid already.
DONE = {"REFUND_IS_PENDING", "REFUND_ALREADY_PROCESSED"}


def pull(client: Client, cursor: Cursor, channel: str) -> Page[Refund]:
    """The refunds of a page of changed orders: one order may have none, or several."""
    found, onward, more = orders.changed(client, REFUNDS, cursor, channel)
    good: list[Refund] = []
    bad: list[BadRecord] = []
    for one in found:
        try:
            good += moneyback.refunds(Node(one))
        except Unreadable as error:
            key = str(one.get("id", "")) if isinstance(one, Mapping) else ""
            bad.append(BadRecord(key, error.field, error.reason, one))
    return Page(tuple(good), onward, more, tuple(bad))


def give(client: Client, refund: Refund) -> Refund:
    note = notes.name("refund", refund.external_id)
    try:
        order = _order(client, refund.order_key, note)
        currency = order.part("total").currency("currency")
        if currency != refund.currency:
            raise RejectedError(f"the order is in {currency}", code="currency", field="currency")
        if order.parts_if_any("payments") and not order.parts_if_any("transactions"):
            return _pay_back(client, order, refund, note)
        return _grant(client, order, refund, note)
    except Unreadable as error:
        raise ProtocolError(f"the order cannot be read: {error}", code="bad_record") from error


def _order(client: Client, key: str, note: str) -> Node:
    found = client.run(MONEY, {"id": key, "note": note}).get("order") if is_order(key) else None
    if found is None:
        raise RejectedError("no such order", code="NOT_FOUND", field="order")
    return Node(found)


# -- the Transactions API ---------------------------------------------------------------------


def _grant(client: Client, order: Node, refund: Refund, note: str) -> Refund:
    mark = moneyback.mark(refund.external_id)
    granted = _marked(order, mark)
    if granted is None:
        key = _new_grant(client, order, refund, mark)
    elif granted.words("status") in PENDING:
        return moneyback.granted(order, granted)
    else:
        key = granted.text("id")
    _request(client, key)
    return _asked(client, refund, note, mark)


def _marked(order: Node, mark: str) -> Node | None:
    return next(
        (one for one in order.parts_if_any("grantedRefunds") if mark in one.words("reason")), None
    )


def _new_grant(client: Client, order: Node, refund: Refund, mark: str) -> str:
    given: dict[str, Any] = {
        "amount": decimal(refund.amount, refund.currency),
        "reason": f"{refund.reason} {mark}".strip(),
        "transactionId": _payment(order, refund),
    }
    if refund.lines:
        given["lines"] = [{"id": one.line_key, "quantity": one.quantity} for one in refund.lines]
    answer = client.change(
        GRANT, "orderGrantRefundCreate", {"id": refund.order_key, "input": given}
    )
    try:
        return answer.part("grantedRefund").text("id")
    except Unreadable as error:
        raise UnknownOutcome(f"no answer to a refund: {error}", code="bad_answer") from error


def _payment(order: Node, refund: Refund) -> str:
    """The payment that covers it; one that says it takes refunds before one that does not."""
    enough = [
        one
        for one in order.parts_if_any("transactions")
        if one.money_if_any("chargedAmount", refund.currency) >= refund.amount
    ]
    enough.sort(key=lambda one: "REFUND" not in (one.data.get("actions") or ()))
    if not enough:
        raise RejectedError(
            "no payment of the order covers it", code="AMOUNT_GREATER_THAN_AVAILABLE"
        )
    return enough[0].text("id")


def _request(client: Client, grant: str) -> None:
    try:
        client.change(REQUEST, "transactionRequestRefundForGrantedRefund", {"id": grant})
    except RejectedError as error:
        if error.code not in DONE:
            raise


def _asked(client: Client, refund: Refund, note: str, mark: str) -> Refund:
    """The payment app may refuse without an error of the mutation: only the grant shows it."""
    order = _order(client, refund.order_key, note)
    granted = _marked(order, mark)
    if granted is None:
        raise UnknownOutcome("the refund is not to be seen yet", code="not_seen")
    if granted.words("status") == "FAILURE":
        raise RejectedError(moneyback.reason_of_failure(order, granted), code="REFUND_FAILURE")
    return moneyback.granted(order, granted)


# -- the payments of before -------------------------------------------------------------------


def _pay_back(client: Client, order: Node, refund: Refund, note: str) -> Refund:
    """What is new since we asked and of our amount is ours. Where two of one amount are asked for
    at once and one gets lost, the other stands for both: less is given back, never more."""
    before = notes.read(order.words("privateMetafield"))
    there = moneyback.paid_back(order)
    new = [one for one in there if before is not None and one.external_id not in before]
    for one in new:
        if one.amount == refund.amount:
            return one
    if before is None:
        notes.write(client, refund.order_key, note, {one.external_id for one in there})
    amount = decimal(refund.amount, refund.currency)
    client.change(PAY_BACK, "orderRefund", {"id": refund.order_key, "amount": amount})
    known = {one.external_id for one in there}
    after = moneyback.paid_back(_order(client, refund.order_key, note))
    for one in after:
        if one.external_id not in known and one.amount == refund.amount:
            return one
    raise UnknownOutcome("the refund is not to be seen yet", code="not_seen")


def decimal(minor: int, currency: str) -> str:
    """Major units as text; Saleor reads a number by its text in any case."""
    places = exponent(currency)
    digits = str(minor).rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}" if places else digits
