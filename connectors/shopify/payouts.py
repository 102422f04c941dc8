"""What Shopify Payments paid out to the seller, with what was taken off by order.

Only payouts that arrived count. They are found by the time they were issued, and arrive days later:
each walk looks back that far. A shop without Shopify Payments has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.errors import ProtocolError
from connectors.fields import Unreadable
from connectors.postsale import Fee, Payout
from connectors.records import BadRecord, Cursor, Page
from connectors.shopify.client import Client
from connectors.shopify.lists import page
from connectors.shopify.nodes import Node
from connectors.shopify.postsale_queries import PAYOUT_ENTRIES, PAYOUTS
from connectors.shopify.queries import Operation
from connectors.walk import Walk, resume

OVERLAP = timedelta(days=14)
LONGEST = 20_000
#: More pages of entries than one payout can have.
MOST_PAGES = 1_000
#: Entries that are the buyers' money; what is taken off them is their fee. Any other entry is
#: itself taken off, or given.
TRADE = {"CHARGE", "REFUND", "REFUND_FAILURE"}


def pull(client: Client, cursor: Cursor) -> Page[Payout]:
    walk = resume(cursor, OVERLAP)
    account = _ask(client, PAYOUTS, _issued(walk, cursor.until), walk.after)
    if account is None:
        return Page((), cursor if not cursor.token else walk.ended(cursor), more=False)
    found, more, end = page(account.data, "payouts")
    good: list[Payout] = []
    bad: list[BadRecord] = []
    for index, one in enumerate(found):
        try:
            node = Node(one, f"payouts.{index}")
            if node.text("status") == "PAID":
                good.append(_payout(client, node))
        except Unreadable as error:
            key = str(one.get("id")) if isinstance(one, Mapping) else ""
            bad.append(BadRecord(key, error.field, error.reason, one))
    walk = walk.met([one.paid_at for one in good], len(found))
    onward = walk.onward(cursor, end, longest=LONGEST) if more else walk.ended(cursor)
    return Page(tuple(good), onward, more, tuple(bad))


def _payout(client: Client, node: Node) -> Payout:
    currency = node.part("net").currency("currencyCode")
    return Payout(
        external_id=node.text("id"),
        currency=currency,
        amount=node.money("net", currency),
        paid_at=node.time("issuedAt"),
        fees=tuple(_fees(client, node.key("legacyResourceId"), currency)),
        raw=node.data,
    )


def _fees(client: Client, number: str, currency: str) -> Iterator[Fee]:
    for one in _entries(client, number):
        kind = one.text("type")
        order = one.optional("associatedOrder")
        key = order.text("id") if order else ""
        fee = one.money("fee", currency)
        if fee:
            yield Fee(f"{kind}_FEE".lower(), fee, key)
        if kind not in TRADE and one.money("amount", currency):
            yield Fee(kind.lower(), -one.money("amount", currency), key)


def _entries(client: Client, number: str) -> Iterator[Node]:
    after = ""
    for _ in range(MOST_PAGES):
        account = _ask(client, PAYOUT_ENTRIES, f"payments_transfer_id:{number}", after)
        if account is None:
            return
        found, more, end = page(account.data, "balanceTransactions")
        yield from (Node(one, f"balanceTransactions.{i}") for i, one in enumerate(found))
        if not more:
            return
        if end == after:
            break
        after = end
    raise ProtocolError("the list of a payout's entries does not end", code="page_repeated")


def _ask(client: Client, operation: Operation, search: str, after: str) -> Node | None:
    """The payments account, None where the shop has none."""
    given: dict[str, Any] = {"filter": search, "after": after or None}
    try:
        found = Node(client.run(operation, given))
        return found.optional("shopifyPaymentsAccount")
    except Unreadable as error:
        raise ProtocolError(f"payouts cannot be read: {error}", code="bad_page") from error


def _issued(walk: Walk, until: datetime | None) -> str:
    terms = [f"issued_at:>='{_text(walk.start)}'"]
    if until is not None:
        terms.append(f"issued_at:<='{_text(until)}'")
    return " AND ".join(terms)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
