"""Orders in: walk what the channel changed since the cursor, page by page.

The cursor is saved in the transaction of the records it covers. Walks overlap; taking in a page
twice changes nothing. A channel without a list of orders may have one of events: that is walked the
same way, and the orders it names are fetched. What else is read of a channel that speaks of orders
comes after them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from connectors.base import Capability, Channel
from connectors.errors import ConnectorError
from connectors.records import BadRecord, ChannelOrder, Cursor, HintKind, Page
from hub import failpoints
from hub.channels import flows, hearing, inbox, resuming
from hub.channels.flows import Due, Lease
from hub.conflicts.record import Finding, close_conflicts, open_conflicts
from hub.db import Transaction
from hub.sales import delivering
from hub.sales.findings import Poison, quarantine
from hub.sales.intake import Taken, take_in
from sync import delivery
from sync.carrier import AtWork, Carrier
from sync.keeping import FLOW, LEASE
from sync.lanes import LONG, sliced, spent
from sync.retry import Reaction, backoff, breaks, react, too_fast
from sync.walking import LostLease, Step, dump_cursor, load_cursor, walk

HOURLY = 3_600.0
#: So many seconds at most are given to reading the orders that explain a number.
CATCH_UP = 5.0
#: What is looked at once orders have been read, by what the channel can.
AFTER = {
    Capability.REFUND_LIST: flows.REFUNDS,
    Capability.PAYOUTS: flows.PAYOUTS,
    Capability.SUBSCRIBE: flows.SUBSCRIPTIONS,
}
#: A write that is not answered is no failure of its own: it is read back, and where that fails
#: again and again, nothing more is written either.
HELD_WITH = {flows.CHECK: (flows.CHECK, flows.PUSH)}


def walks(channel: Channel) -> bool:
    """The channel lists its orders, or the events that name them."""
    return channel.can(Capability.ORDER_LIST) or channel.can(Capability.EVENT_LIST)


def caught_up(carrier: Carrier, seller_id: int, work: AtWork) -> bool:
    """The hub has the account's orders as far as the channel lets them be listed: they have just
    been pulled, or it lists nothing, and there is nothing to wait for. Whoever asks cannot go on
    without, and may have spent its own slice: this has one of its own."""
    with sliced(LONG, CATCH_UP):
        return pull(carrier, seller_id, work.account.id) or not walks(work.channel)


def pull(carrier: Carrier, seller_id: int, account_id: int) -> bool:
    """Pull an account's orders up to now. False where somebody else is at it, the channel is still
    preparing them, or it failed; the flow's row says how, and when it is tried again."""
    database = carrier.database
    lease = database.command(seller_id, lambda tx: flows.claim(tx, account_id, flows.PULL, LEASE))
    if lease is None:
        return False
    failpoints.reached("pull.claimed")
    work = carrier.at_work(seller_id, account_id)
    if work.account.mode == "paused" or not walks(work.channel):
        database.command(seller_id, lambda tx: flows.release(tx, lease, next_in=None))
        return False
    try:
        with carrier.keeper.holding(seller_id, FLOW, lease):
            again_in = _walk(carrier, seller_id, work, lease)
    except ConnectorError as error:
        failed(carrier, seller_id, lease, error)
        return False
    failpoints.reached("pull.done")
    every = carrier.settings.pull_seconds
    next_in = every if again_in is None else again_in
    done = partial(_done, lease=lease, next_in=next_in, after=_after(carrier, work))
    if database.command(seller_id, done):
        delivery.deliver(carrier, seller_id)
    return again_in is None


def _after(carrier: Carrier, work: AtWork) -> list[Due]:
    every = carrier.settings.refund_seconds
    periods = {flows.REFUNDS: every, flows.PAYOUTS: every, flows.SUBSCRIPTIONS: HOURLY}
    names = [name for ability, name in AFTER.items() if work.channel.can(ability)]
    return [Due(work.account.id, name, periods[name]) for name in names]


def _done(tx: Transaction, lease: Lease, next_in: float, after: Sequence[Due]) -> bool:
    """Answers whether orders wait for their keys: a worker died before it delivered them."""
    flows.release(tx, lease, next_in=next_in)
    hearing.settle(tx, lease.account_id)
    inbox.wake(tx, lease.account_id)
    flows.make_all_due(tx, after)
    if close_conflicts(tx, "auth_expired", [f"account:{lease.account_id}"]):
        resuming.refuted(tx, lease.account_id)
    return bool(delivering.due(tx, limit=1))


def failed(carrier: Carrier, seller_id: int, lease: Lease, error: ConnectorError) -> None:
    """Give a flow's lease back after an error: due again when :mod:`sync.retry` says."""
    reaction = react(error, lease.in_a_row(throttled=too_fast(error)))

    def record(tx: Transaction) -> None:
        recorded = flows.fail(
            tx,
            lease,
            reaction.error,
            next_in=reaction.delay,
            health=reaction.health,
            hold=reaction.hold,
        )
        if recorded:
            report_auth(tx, lease.account_id, reaction)

    carrier.database.command(seller_id, record)


def fared_badly(tx: Transaction, work: AtWork, flow: str, reaction: Reaction) -> None:
    """The same for a flow without a lease of its own. A refusal of before a new authorisation
    says nothing of it."""
    account_id = work.account.id
    refused = reaction.health == flows.REAUTHORISE
    if refused and resuming.since(tx, account_id, work.resumed):
        return
    attempts = flows.note(tx, account_id, flow, reaction.health, reaction.error)
    if refused or breaks(reaction.health, attempts):
        pause = max(reaction.delay, backoff(attempts))
        for name in HELD_WITH.get(flow, (flow,)):
            flows.hold(tx, account_id, name, pause)
    report_auth(tx, account_id, reaction)


def report_auth(tx: Transaction, account_id: int, reaction: Reaction) -> None:
    """A person must authorise again: say so where people look."""
    if reaction.health == flows.REAUTHORISE:
        said = "the channel no longer accepts this account's credentials"
        finding = Finding(
            "auth_expired", f"account:{account_id}", said, {"error": reaction.error}, account_id,
            "high",
        )  # fmt: skip
        open_conflicts(tx, [finding])


def _walk(carrier: Carrier, seller_id: int, work: AtWork, lease: Lease) -> float | None:
    step = _orders if work.channel.can(Capability.ORDER_LIST) else _events
    return walk(
        start(work, lease),
        lambda cursor: step(carrier, seller_id, work, lease, cursor),
        lambda page: save_page(carrier, seller_id, work, lease, page),
        partial(spent, flows.PULL, work.account.id),
    )


def _orders(
    carrier: Carrier, seller_id: int, work: AtWork, lease: Lease, cursor: Cursor
) -> Step[ChannelOrder]:
    """A page of orders, and what marks each as seen."""
    page = work.connector.pull_orders(cursor)
    failpoints.reached("pull.fetched")
    return page, [(order.external_id, order.updated_at) for order in page.items]


def _events(
    carrier: Carrier, seller_id: int, work: AtWork, lease: Lease, cursor: Cursor
) -> Step[ChannelOrder]:
    """A page of events as the page of the orders they name, which the cursor then covers. One
    order may have several events: only a page that comes again as a whole is a circle."""
    events = work.connector.pull_events(cursor)
    keys = sorted({one.key for one in events.items if one.kind == HintKind.ORDER and one.key})
    parts = fetched(work, keys)
    last = next(parts, Page((), cursor, more=False))
    for part in parts:
        # Saved with the cursor as it was: it holds the lease, and covers no event of this page.
        save_page(carrier, seller_id, work, lease, Page(last.items, cursor, True, last.bad))
        last = part
    bad = (*events.bad, *last.bad)
    page = Page(last.items, events.cursor, events.more, bad, events.again_in)
    return page, [events.items] if events.items else []


def fetched(work: AtWork, keys: Sequence[str]) -> Iterator[Page[ChannelOrder]]:
    """These orders, as many at a time as the channel gives."""
    size = work.channel.orders.fetch
    for start in range(0, len(keys), size):
        yield work.connector.fetch_orders(keys[start : start + size])


def start(work: AtWork, lease: Lease) -> Cursor:
    """Where the walk goes on; a first one begins as far back as the channel answers."""
    if lease.cursor:
        return load_cursor(lease.cursor)
    return Cursor(work.account.connected_at - work.channel.orders.horizon)


def save_page(
    carrier: Carrier,
    seller_id: int,
    work: AtWork,
    lease: Lease | None,
    page: Page[ChannelOrder],
) -> Taken:
    """Orders, quarantined records and (with a lease) the cursor, in one transaction; then the keys
    that orders on the page have been promised."""
    account_id = work.account.id
    names = [order.external_id for order in page.items]

    def save(tx: Transaction) -> tuple[Taken, int]:
        quarantine(tx, carrier.keyring, account_id, poison(page.bad))
        taken = take_in(tx, carrier.keyring, work.target, page.items)
        changed = taken.new or taken.changed
        keyed = delivering.note_orders(tx, account_id, names) if changed else 0
        if lease and not flows.save_cursor(tx, lease, dump_cursor(page.cursor), extend=LEASE):
            raise LostLease
        if lease and work.channel.webhooks is not None:
            hearing.found(tx, account_id, _untold(taken))
        failpoints.reached("pull.saving")
        return taken, keyed

    taken, keyed = carrier.database.command(seller_id, save)
    failpoints.reached("pull.saved")
    if keyed:
        delivery.deliver(carrier, seller_id)
    return taken


def _untold(taken: Taken) -> list[hearing.Change]:
    """What the page brought that no webhook had: those come first where they come at all."""
    return [hearing.Change(order.external_id, order.updated_at) for order in taken.touched]


def poison(bad: Sequence[BadRecord]) -> list[Poison]:
    return [Poison(one.external_id, one.field, one.reason, one.raw) for one in bad]
