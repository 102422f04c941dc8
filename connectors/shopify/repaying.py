"""Money given back through Shopify: once per key, by the ways it was paid, goods left where they
are.

Shopify wants the buyer's currency and says which payment an amount goes back to; both are worked
out from the order. A line is named only as far as its units were sent: naming one that waits would
take it off the order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from connectors.errors import ProtocolError, RejectedError, UnknownOutcome
from connectors.fields import Unreadable
from connectors.postsale import ParcelLine, Refund
from connectors.shopify import answers, notes, refunds, sending
from connectors.shopify.client import Client
from connectors.shopify.nodes import Node, money_text
from connectors.shopify.postsale_queries import GIVE_BACK, PAYMENTS

PAID_BY = {"SALE", "CAPTURE"}
#: OrderTransactionStatus of money that has not moved and will not.
FAILED = {"ERROR", "FAILURE"}


@dataclass(frozen=True, slots=True)
class Payment:
    """What one payment has left to give back, in the buyer's currency."""

    key: str
    gateway: str
    left: int


@dataclass(frozen=True, slots=True)
class Paid:
    """An order as a refund sees it. ``total`` and ``shown`` are its price in the shop's currency
    and in the buyer's."""

    currency: str
    buyers: str
    total: int
    shown: int
    payments: tuple[Payment, ...]
    sent: Mapping[str, int]
    given: tuple[tuple[str, Refund], ...]

    def in_buyers(self, amount: int) -> int:
        """An amount of the shop's currency, at the order's own rate."""
        if self.buyers == self.currency:
            return amount
        if not self.total:
            raise RejectedError("the order has no price to convert by", code="currency")
        exact = Decimal(amount) * self.shown / self.total
        return int(exact.to_integral_value(ROUND_HALF_EVEN))


def give_back(client: Client, wanted: Refund, *, notify: bool) -> Refund:
    """The refund as Shopify has it, made now or before."""
    paid = _paid(client, wanted.order_key)
    for note, before in paid.given:
        if notes.carries(note, wanted.external_id):
            return before
    if wanted.currency != paid.currency:
        raise RejectedError(f"the order is in {paid.currency}", code="currency", field="currency")
    variables = {"input": question(wanted, paid, notify=notify), "key": _key(wanted)}
    answer = answers.payload(client.run(GIVE_BACK, variables), "refundCreate")
    for refusal in answers.refusals(answer):
        raise refusal
    try:
        made = refunds.read(client, answer.part("refund"), wanted.order_key, paid.currency)
    except Unreadable as error:
        raise UnknownOutcome(f"the answer to a write is not one: {error}") from error
    # Money that a gateway is still moving counts as nothing yet.
    return made if made.amount else replace(made, amount=wanted.amount)


def question(wanted: Refund, paid: Paid, *, notify: bool) -> dict[str, Any]:
    """The mutation's input. Raises RejectedError."""
    postage = paid.in_buyers(wanted.shipping)
    asked: dict[str, Any] = {
        "orderId": wanted.order_key,
        "currency": paid.buyers,
        "note": notes.marked(wanted.reason, wanted.external_id),
        "notify": notify,
        "transactions": [
            {
                "orderId": wanted.order_key,
                "parentId": payment.key,
                "gateway": payment.gateway,
                "kind": "REFUND",
                "amount": money_text(amount, paid.buyers),
            }
            for payment, amount in shares(paid.in_buyers(wanted.amount), paid.payments)
        ],
        "refundLineItems": [
            {"lineItemId": one.line_key, "quantity": one.quantity, "restockType": "NO_RESTOCK"}
            for one in came_back(wanted.lines, paid)
        ],
    }
    return {**asked, "shipping": {"amount": money_text(postage, paid.buyers)}} if postage else asked


def shares(amount: int, payments: Sequence[Payment]) -> list[tuple[Payment, int]]:
    """Which payment gives back how much, the first as far as it goes."""
    if amount <= 0:
        raise RejectedError("there is nothing to give back", code="no_amount", field="amount")
    left, found = amount, []
    for payment in payments:
        part = min(left, payment.left)
        if part > 0:
            found.append((payment, part))
            left -= part
    if left > 0:
        raise RejectedError(
            "more than was paid and not given back yet", code="not_refundable", field="amount"
        )
    return found


def came_back(lines: Sequence[ParcelLine], paid: Paid) -> list[ParcelLine]:
    """The lines as far as they were sent, and not given money back for already."""
    left = Counter(dict(paid.sent))
    for _, before in paid.given:
        left.subtract({one.line_key: one.quantity for one in before.lines})
    found = [ParcelLine(one.line_key, min(one.quantity, left[one.line_key])) for one in lines]
    return [one for one in found if one.quantity > 0]


def _key(wanted: Refund) -> str:
    """The same for a retry. A key used with other values is refused: the amount is part of it."""
    return notes.once(f"refund\n{wanted.order_key}\n{wanted.external_id}\n{wanted.amount}")


def _paid(client: Client, order_key: str) -> Paid:
    data = client.run(PAYMENTS, {"id": order_key})
    if data.get("order") is None:
        raise RejectedError("Shopify has no such order", code="not_found", field="order")
    try:
        order = Node(data).part("order")
        currency = order.currency("currencyCode")
        buyers = order.currency("presentmentCurrencyCode")
        price = order.part("totalPriceSet")
        return Paid(
            currency=currency,
            buyers=buyers,
            total=price.part("shopMoney").amount("amount", currency),
            shown=price.part("presentmentMoney").amount("amount", buyers),
            payments=_payments(order.parts("transactions"), buyers),
            sent=sending.left(client, order.parts("fulfillments")),
            given=tuple(
                (one.words("note"), refunds.read(client, one, order_key, currency))
                for one in order.parts("refunds")
            ),
        )
    except Unreadable as error:
        raise ProtocolError(f"the order cannot be read: {error}", code="bad_record") from error


def _payments(transactions: Sequence[Node], currency: str) -> tuple[Payment, ...]:
    back: Counter[str] = Counter()
    for one in transactions:
        parent = one.optional("parentTransaction")
        if one.words("kind") == "REFUND" and one.words("status") not in FAILED and parent:
            back[parent.text("id")] += _amount(one, currency)
    return tuple(
        Payment(
            one.text("id"),
            one.words("gateway"),
            _amount(one, currency) - back[one.text("id")],
        )
        for one in transactions
        if one.words("kind") in PAID_BY and one.words("status") == "SUCCESS"
    )


def _amount(transaction: Node, currency: str) -> int:
    """Of a payment in the buyer's currency; one in another cannot be reckoned with."""
    told = transaction.part("amountSet").part("presentmentMoney")
    return told.amount("amount", currency) if told.text("currencyCode") == currency else 0
