"""What TikTok Shop paid out, with what it took off, by order.

A statement is a day's settled orders and is paid out some days later, by itself as a rule: each
paid statement is a payout. Statements are listed by their day, so each walk looks back for as long
as a payment may take; those whose payment was met before are passed over.

https://partner.tiktokshop.com/docv2/page/get-statements and get-transactions-by-statement
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from connectors.amounts import LARGEST
from connectors.errors import ProtocolError
from connectors.postsale import Fee, Payout
from connectors.records import BadRecord, Cursor, Page
from connectors.tiktok_shop import answers, lists, mapping
from connectors.tiktok_shop.client import Client
from connectors.tiktok_shop.fields import Record
from connectors.tiktok_shop.operations import (
    STATEMENTS,
    STATEMENTS_PAGE,
    TRANSACTIONS,
    TRANSACTIONS_PAGE,
)
from connectors.walk import Walk, resume

#: The longest from a statement to its payment.
OVERLAP = timedelta(days=45)
#: A payment may be told this much later than it was made.
TOLD_LATE = timedelta(days=2)
#: One a day: a search is never that long.
LONGEST = 20_000
#: More pages of entries than one day can have.
MOST_PAGES = 1_000
PAID = "PAID"
#: What is taken off an order's revenue, in TikTok's words.
DEDUCTIONS = ("fee_tax_amount", "shipping_cost_amount", "adjustment_amount")


def pull(client: Client, cursor: Cursor) -> Page[Payout]:
    walk = resume(cursor, OVERLAP)
    data = client.run(STATEMENTS, _question(walk, cursor))
    found, token = answers.listed(data, "statements"), lists.next_token(data)
    good: list[Payout] = []
    bad: list[BadRecord] = []
    for one in found:
        payouts, unreadable = mapping.each([one], lambda data: _payout(client, data, cursor))
        good += [payout for payout in payouts if payout is not None]
        bad += unreadable
    walk = walk.met([one.paid_at for one in good], len(found))
    onward = walk.onward(cursor, token, longest=LONGEST) if token else walk.ended(cursor)
    return Page(tuple(good), onward, bool(token), tuple(bad))


def fees(transaction: Record, currency: str) -> Iterator[Fee]:
    """What was taken off, or given, with one entry of a statement. Raises Unreadable."""
    kind = transaction.text("type").lower()
    order = _order(transaction)
    settled = _amount(transaction, "settlement_amount", currency)
    revenue = _amount(transaction, "revenue_amount", currency)
    parts = {name: _amount(transaction, name, currency) for name in DEDUCTIONS}
    off, total = revenue - settled, sum(parts.values())
    # Whether deductions are told with a minus or without differs between answers: the sum tells.
    if kind == "order" and total in (off, -off):
        sign = 1 if total == off else -1
        told = {name.removesuffix("_amount"): sign * part for name, part in parts.items()}
    else:
        told = {"deductions" if kind == "order" else kind: off}
    yield from (Fee(name, amount, order) for name, amount in told.items() if amount)
    held = -_amount(transaction, "reserve_amount", currency)
    if held:
        yield Fee("reserve", held, order)


def _payout(client: Client, data: object, cursor: Cursor) -> Payout | None:
    """None where it is not paid, or was met before."""
    statement = Record(data)
    if statement.words("payment_status") != PAID:
        return None
    paid_at = statement.optional_unix_time("payment_time") or statement.unix_time("statement_time")
    if paid_at < cursor.since - TOLD_LATE:
        return None
    currency = statement.currency("currency")
    taken, payable = _entries(client, statement.key("id"), currency)
    return Payout(
        external_id=statement.key("id"),
        currency=currency,
        amount=_amount(statement, "settlement_amount", currency) if payable is None else payable,
        paid_at=paid_at,
        fees=tuple(taken),
        raw=statement.data,
    )


def _entries(client: Client, key: str, currency: str) -> tuple[list[Fee], int | None]:
    """All that one statement lists, and what was payable of it where that is told."""
    taken: list[Fee] = []
    query = {"page_size": str(TRANSACTIONS_PAGE), "sort_field": "order_create_time"}
    for _ in range(MOST_PAGES):
        data = client.run(TRANSACTIONS, query, statement_id=key)
        for one in answers.listed(data, "transactions"):
            taken += fees(Record(one, "transactions"), currency)
        token = lists.next_token(data)
        if not token:
            told = data.get("payable_amount") not in (None, "")
            return taken, _amount(Record(data), "payable_amount", currency) if told else None
        if token == query.get("page_token"):
            break
        query["page_token"] = token
    raise ProtocolError("the list of a statement's entries does not end", code="page_repeated")


def _question(walk: Walk, cursor: Cursor) -> dict[str, str]:
    query = {
        "page_size": str(STATEMENTS_PAGE),
        "sort_field": "statement_time",
        "sort_order": "ASC",
        "payment_status": PAID,
        "statement_time_ge": str(max(int(walk.start.timestamp()), 0)),
    }
    if cursor.until is not None:
        query["statement_time_lt"] = str(int(cursor.until.timestamp()) + 1)
    if walk.after:
        query["page_token"] = walk.after
    return query


def _order(transaction: Record) -> str:
    names = ("order_id", "adjustment_order_id", "associated_order_id")
    return next((found for name in names if (found := transaction.words(name))), "")


def _amount(record: Record, name: str, currency: str) -> int:
    """Signed; one that is left out is nothing."""
    if record.data.get(name) in (None, ""):
        return 0
    return record.amount(name, currency, least=-LARGEST)
