"""Giving money back through Medusa's payments. Our key stands in the refund's note, and is looked
for before anything is given: Medusa has no idempotency key."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from connectors.amounts import exponent
from connectors.errors import ProtocolError, RejectedError, UnknownOutcome
from connectors.fields import Unreadable
from connectors.medusa import mapping
from connectors.medusa.calls import DETAIL_FIELDS, ORDER, REFUND, REFUNDED_FIELDS
from connectors.medusa.client import Client
from connectors.medusa.fields import Record
from connectors.postsale import Refund


def give(client: Client, given: Refund) -> Refund:
    told = client.run(ORDER, (("fields", DETAIL_FIELDS),), order=given.order_key)
    try:
        order = Record(told.get("order"))
        known = [one for one in mapping.refunds(order.data) if is_ours(one, given)]
        payments = [] if known else list(mapping.payments(order))
        left = {one.key("id"): _left(one, given.currency) for one in payments}
    except Unreadable as error:
        raise ProtocolError(f"the order cannot be read: {error}", code="bad_record") from error
    if known:
        return replace(known[0], lines=given.lines, shipping=given.shipping)
    payment = _enough(left, given.amount)
    body = {"amount": _number(given.amount, given.currency), "note": note(given)}
    answer = client.run(REFUND, (("fields", REFUNDED_FIELDS),), body, payment=payment)
    return _made(answer.get("payment"), given)


def note(given: Refund) -> str:
    """What the seller reads in the Medusa admin, and our key for ourselves."""
    return f"{given.reason} {_mark(given)}".strip()


def is_ours(known: Refund, given: Refund) -> bool:
    return known.reason.endswith(_mark(given))


def _mark(given: Refund) -> str:
    return f"[{given.external_id}]"


def _enough(left: dict[str, int], amount: int) -> str:
    if amount <= 0:
        raise RejectedError("there is nothing to give back", code="nothing", field="amount")
    if not any(left.values()):
        raise RejectedError("the order has no captured payment left", code="not_captured")
    for payment, most in left.items():
        if most >= amount:
            return payment
    raise RejectedError("no payment of the order has so much left", code="too_much", field="amount")


def _left(payment: Record, currency: str) -> int:
    """Captured and not given back. Without a list of captures, a payment was captured whole."""
    if payment.currency("currency_code") != currency:
        return 0
    captures = payment.parts_if_any("captures")
    captured = sum(one.minor("amount", currency, otherwise=None) for one in captures)
    if not captures and payment.has("captured_at"):
        captured = payment.minor("amount", currency, otherwise=None)
    given = sum(
        one.minor("amount", currency, otherwise=None) for one in payment.parts_if_any("refunds")
    )
    return max(captured - given, 0)


def _made(payment: object, given: Refund) -> Refund:
    try:
        for one in Record(payment).parts_if_any("refunds"):
            if one.words("note").endswith(_mark(given)):
                at = one.optional_time("created_at") or given.refunded_at
                return replace(given, external_id=one.key("id"), refunded_at=at, raw=one.data)
    except Unreadable as error:
        raise UnknownOutcome(f"the answer to a refund is not one: {error}") from error
    raise UnknownOutcome("the refund is not in the answer", code="not_told")


def _number(amount: int, currency: str) -> int | float:
    """A JSON number, in major units. Printed as briefly as it can be told apart, a binary fraction
    of at most fifteen digits is the decimal one: nothing is computed with it."""
    value = Decimal(amount).scaleb(-exponent(currency))
    return int(value) if value == value.to_integral_value() else float(value)
