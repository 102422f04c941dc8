"""Working off the webhook inbox: what an event names is fetched from the channel, in batches.

The event is a hint; its order of arrival means nothing. Every event ends as done, ignored with a
reason, or conflict.
"""

from __future__ import annotations

from collections.abc import Sequence

from connectors.base import Capability
from connectors.errors import ConnectorError
from connectors.records import HintKind
from hub import failpoints
from hub.channels import flows, hearing, inbox
from hub.channels.flows import Lease
from hub.channels.inbox import Waiting
from hub.db import Transaction
from sync import pull
from sync.carrier import AtWork, Carrier
from sync.keeping import FLOW, LEASE
from sync.lanes import spent

MOST_ROUNDS = 100


def work_off(carrier: Carrier, seller_id: int, account_id: int) -> int:
    """Work off an account's inbox; answers how many events were finished."""
    database = carrier.database
    lease = database.command(seller_id, lambda tx: flows.claim(tx, account_id, flows.INBOX, LEASE))
    if lease is None:
        return 0
    failpoints.reached("inbox.claimed")
    work = carrier.at_work(seller_id, account_id)
    finished = 0
    try:
        with carrier.keeper.holding(seller_id, FLOW, lease):
            for _ in range(MOST_ROUNDS):
                with database.transaction(seller_id) as tx:
                    events = inbox.waiting(tx, account_id)
                if not events:
                    break
                _round(carrier, seller_id, work, events)
                finished += len(events)
                if spent(flows.INBOX, account_id):
                    break
    except ConnectorError as error:
        pull.failed(carrier, seller_id, lease, error)
        return finished
    failpoints.reached("inbox.finished")
    database.command(seller_id, lambda tx: _done(tx, lease))
    return finished


def _done(tx: Transaction, lease: Lease) -> None:
    left = inbox.count_waiting(tx, lease.account_id)
    flows.release(tx, lease, next_in=0.0 if left else None)


def _round(carrier: Carrier, seller_id: int, work: AtWork, events: Sequence[Waiting]) -> None:
    by_kind: dict[str, list[Waiting]] = {}
    for event in events:
        by_kind.setdefault(_kind(event), []).append(event)
    if HintKind.REVOKED in by_kind:
        work.connector.check()
    about_orders = by_kind.get(HintKind.ORDER, [])
    nameless = any(not hint["key"] for event in about_orders for hint in event.hints)
    keys = sorted({hint["key"] for event in about_orders for hint in event.hints if hint["key"]})
    pages = pull.fetched(work, keys)
    taken = [pull.save_page(carrier, seller_id, work, None, page) for page in pages]
    failpoints.reached("inbox.fetched")

    def finish(tx: Transaction) -> None:
        inbox.finish(tx, [event.id for event in about_orders], "done", "orders fetched")
        hearing.told(tx, work.account.id, sum(len(one.touched) for one in taken))
        if nameless:
            flows.make_due(tx, flows.PULL, [work.account.id])
        if HintKind.REFUND in by_kind and work.channel.can(Capability.REFUND_LIST):
            flows.make_due(tx, flows.REFUNDS, [work.account.id])
        if HintKind.PAYOUT in by_kind and work.channel.can(Capability.PAYOUTS):
            flows.make_due(tx, flows.PAYOUTS, [work.account.id])
        if HintKind.LISTING in by_kind:
            flows.make_due(tx, flows.LISTINGS, [work.account.id], after=5.0)
        rest = [event.id for event in events if event not in about_orders]
        inbox.finish(tx, rest, "ignored", "what it is about is read on its own schedule")

    carrier.database.command(seller_id, finish)


def _kind(event: Waiting) -> str:
    return str(event.hints[0]["kind"]) if event.hints else HintKind.NOTHING.value
