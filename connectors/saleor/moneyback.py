"""What Saleor shows of money given back → refunds. Pure.

A granted refund is a promise; it is money once its status is SUCCESS. Refunds that nobody granted
are events of a transaction, and those of the old plugins are transactions of a payment.
https://docs.saleor.io/developer/payments/refunds
"""

from __future__ import annotations

from datetime import datetime

from connectors.postsale import ParcelLine, Refund
from connectors.saleor.nodes import Node

PAID = "REFUND_SUCCESS"
FAILED = "REFUND_FAILURE"


def mark(key: str) -> str:
    """How a grant's reason names our key; delimited, so that no key is part of another."""
    return f"[storefront-hub:{key}]"


def refunds(order: Node) -> list[Refund]:
    """All of one order. Raises Unreadable."""
    grants = order.parts_if_any("grantedRefunds")
    of_grants = {
        event.text("id") for one in grants for event in one.parts_if_any("transactionEvents")
    }
    return [
        *(granted(order, one) for one in grants if one.words("status") == "SUCCESS"),
        *_of_events(order, of_grants),
        *paid_back(order),
    ]


def granted(order: Node, grant: Node) -> Refund:
    currency = _currency(order)
    amount = grant.money("amount", currency)
    shipping = 0
    if grant.truth("shippingCostsIncluded", otherwise=False) and order.has("shippingPrice"):
        shipping = min(order.gross("shippingPrice", currency), amount)
    return Refund(
        external_id=grant.text("id"),
        order_key=order.text("id"),
        amount=amount,
        currency=currency,
        refunded_at=_given_at(grant),
        lines=tuple(
            ParcelLine(one.part("orderLine").text("id"), one.units("quantity"))
            for one in grant.parts_if_any("lines")
        ),
        reason=grant.words("reason"),
        shipping=shipping,
        raw=grant.data,
    )


def paid_back(order: Node) -> list[Refund]:
    """Through the old payment plugins. One still under way is not money yet."""
    currency = _currency(order)
    return [
        Refund(
            external_id=one.text("id"),
            order_key=order.text("id"),
            amount=one.money("amount", currency),
            currency=currency,
            refunded_at=one.time("created"),
            raw=one.data,
        )
        for payment in order.parts_if_any("payments")
        for one in payment.parts_if_any("transactions")
        if one.words("kind") == "REFUND" and one.truth("isSuccess")
    ]


def reason_of_failure(order: Node, grant: Node) -> str:
    """What the payment app said, where it said anything."""
    failed = {
        one.text("id")
        for one in grant.parts_if_any("transactionEvents")
        if one.words("type") == FAILED
    }
    said = [event.words("message") for event in _events(order) if event.text("id") in failed]
    return next((one for one in reversed(said) if one), "the payment app gave nothing back")


def _of_events(order: Node, of_grants: set[str]) -> list[Refund]:
    currency = _currency(order)
    return [
        Refund(
            external_id=event.text("id"),
            order_key=order.text("id"),
            amount=event.money("amount", currency),
            currency=currency,
            refunded_at=event.time("createdAt"),
            reason=event.words("message"),
            raw=event.data,
        )
        for event in _events(order)
        if event.words("type") == PAID and event.text("id") not in of_grants
    ]


def _events(order: Node) -> list[Node]:
    return [
        event
        for transaction in order.parts_if_any("transactions")
        for event in transaction.parts_if_any("events")
    ]


def _given_at(grant: Node) -> datetime:
    times = [
        one.time("createdAt")
        for one in grant.parts_if_any("transactionEvents")
        if one.words("type") == PAID
    ]
    return max(times, default=None) or grant.time("updatedAt")


def _currency(order: Node) -> str:
    return order.part("total").currency("currency")
