"""Orders in: walk what the channel changed since the cursor, page by page.

The cursor is saved in the transaction of the records it covers. Walks overlap; taking in a page
twice changes nothing. A page that repeats itself, or a token that does, ends the walk as a
protocol error instead of turning for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from connectors.base import Capability
from connectors.errors import ConnectorError, CursorExpired, ProtocolError
from connectors.records import BadRecord, ChannelOrder, Cursor, Page
from hub.channels import flows
from hub.channels.flows import Lease
from hub.conflicts.record import Finding, close_conflicts, open_conflicts
from hub.db import Transaction
from hub.sales.findings import Poison, quarantine
from hub.sales.intake import Taken, take_in
from sync.carrier import AtWork, Carrier
from sync.retry import Reaction, react

LEASE = 45.0
MOST_PAGES = 2_000


def pull(carrier: Carrier, seller_id: int, account_id: int) -> bool:
    """Pull an account's orders up to now. False where somebody else is at it, or it failed; the
    flow's row says how, and when it is tried again."""
    database = carrier.database
    lease = database.command(seller_id, lambda tx: flows.claim(tx, account_id, flows.PULL, LEASE))
    if lease is None:
        return False
    work = carrier.at_work(seller_id, account_id)
    if work.account.mode == "paused" or not work.channel.can(Capability.ORDER_LIST):
        database.command(seller_id, lambda tx: flows.release(tx, lease, next_in=None))
        return False
    try:
        _walk(carrier, seller_id, work, lease)
    except ConnectorError as error:
        reaction = react(error, lease.attempts)
        database.command(seller_id, lambda tx: failed(tx, lease, reaction))
        return False
    database.command(seller_id, lambda tx: _done(tx, lease, carrier.settings.pull_seconds))
    return True


def _done(tx: Transaction, lease: Lease, next_in: float) -> None:
    flows.release(tx, lease, next_in=next_in)
    close_conflicts(tx, "auth_expired", [f"account:{lease.account_id}"])


def failed(tx: Transaction, lease: Lease, reaction: Reaction) -> None:
    flows.fail(tx, lease, reaction.error, next_in=reaction.delay, health=reaction.health)
    report_auth(tx, lease.account_id, reaction)


def report_auth(tx: Transaction, account_id: int, reaction: Reaction) -> None:
    """A person must authorise again: say so where people look."""
    if reaction.health == flows.REAUTHORISE:
        said = "the channel no longer accepts this account's credentials"
        finding = Finding(
            "auth_expired", f"account:{account_id}", said, {"error": reaction.error}, account_id,
            "high",
        )  # fmt: skip
        open_conflicts(tx, [finding])


def _walk(carrier: Carrier, seller_id: int, work: AtWork, lease: Lease) -> None:
    cursor = _start(work, lease)
    seen: set[tuple[str, datetime]] = set()
    tokens: set[str] = set()
    for _ in range(MOST_PAGES):
        try:
            page = work.connector.pull_orders(cursor)
        except CursorExpired:
            if not cursor.token:
                raise
            cursor = Cursor(cursor.since)
            tokens.clear()
            continue
        _refuse_circles(page, seen, tokens)
        save_page(carrier, seller_id, work, lease, page)
        cursor = page.cursor
        if not page.more:
            return
    raise ProtocolError(f"the walk did not end within {MOST_PAGES} pages", code="endless_walk")


def _start(work: AtWork, lease: Lease) -> Cursor:
    if lease.cursor:
        return load_cursor(lease.cursor)
    return Cursor(work.account.connected_at - work.channel.orders.horizon)


def _refuse_circles(
    page: Page[ChannelOrder], seen: set[tuple[str, datetime]], tokens: set[str]
) -> None:
    """A token that comes twice, or a page that brings nothing new while promising more."""
    if not page.more:
        return
    new = {(order.external_id, order.updated_at) for order in page.items} - seen
    if page.cursor.token in tokens or (page.items and not new):
        raise ProtocolError("the channel repeats a page for ever", code="repeated_page")
    seen |= new
    tokens.add(page.cursor.token)


def save_page(
    carrier: Carrier,
    seller_id: int,
    work: AtWork,
    lease: Lease | None,
    page: Page[ChannelOrder],
) -> Taken:
    """Orders, quarantined records and (with a lease) the cursor, in one transaction."""

    def save(tx: Transaction) -> Taken:
        quarantine(tx, carrier.keyring, work.account.id, poison(page.bad))
        taken = take_in(tx, carrier.keyring, work.target, page.items)
        if lease and not flows.save_cursor(tx, lease, dump_cursor(page.cursor), extend=LEASE):
            raise LostLease
        return taken

    return carrier.database.command(seller_id, save)


class LostLease(ConnectorError):
    """Somebody else has taken over after our lease ran out; what we read, they read too."""

    def __init__(self) -> None:
        super().__init__("the lease ran out while the page was read", code="lost_lease")


def poison(bad: Sequence[BadRecord]) -> list[Poison]:
    return [Poison(one.external_id, one.field, one.reason, one.raw) for one in bad]


def dump_cursor(cursor: Cursor) -> dict[str, Any]:
    return {
        "since": cursor.since.isoformat(),
        "token": cursor.token,
        "until": cursor.until.isoformat() if cursor.until else None,
    }


def load_cursor(saved: dict[str, Any]) -> Cursor:
    until = saved.get("until")
    return Cursor(
        datetime.fromisoformat(saved["since"]),
        str(saved.get("token", "")),
        datetime.fromisoformat(until) if until else None,
    )
