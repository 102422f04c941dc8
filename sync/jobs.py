"""What workers run. Arguments are ids; everything is read again from the database; running a job
twice, or at once with itself, is harmless."""

from __future__ import annotations

from collections.abc import Callable, Set
from functools import cache, partial

from rq import get_current_job
from rq.job import Job

from hub import failpoints, idempotency, invariants, tracing
from hub.channels import flows
from hub.conflicts.record import Finding, open_conflicts
from hub.db import Transaction
from hub.schema import INVARIANTS
from sync import (
    catalogue,
    outbox,
    payouts,
    pull,
    push,
    queues,
    reconcile,
    refunds,
    requests,
    subscriptions,
    webhooks,
)
from sync.aside import COUNTER
from sync.budgets import can_wait
from sync.carrier import Carrier, process_carrier
from sync.lanes import BULK, LIVE, LONG, sliced
from sync.queues import Queues, member
from sync.watching import watched


def run(topic: str, seller_id: int, account_id: int) -> None:
    """The one job. Logs what went wrong and raises it again; where it waits for its channel it goes
    on beside, and the worker takes the next."""
    job = get_current_job()
    COUNTER.serve(partial(_work, job, topic, seller_id, account_id))


def _work(job: Job | None, topic: str, seller_id: int, account_id: int) -> None:
    lane = queues.lane_of(job, topic)
    carrier = process_carrier()
    asked = _queues(carrier)
    elsewhere = asked.take(lane, topic, seller_id, account_id)
    failpoints.reached("job.taken")
    if lane == LIVE and member(topic, seller_id, account_id) in elsewhere:
        asked.enqueue(topic, seller_id, account_id, lane=LONG)
        return
    waits = can_wait.set(queues.LANE_OF[topic] == BULK and topic != flows.REQUEST)
    try:
        with sliced(lane) as own, watched(topic, seller_id, account_id, job):
            if topic == queues.STOCK:
                stock(carrier, seller_id, account_id, elsewhere)
            else:
                HANDLERS[topic](carrier, seller_id, account_id)
    finally:
        can_wait.reset(waits)
    for name, number in sorted(own.cut):
        asked.go_on(name, seller_id, number)
    for number in sorted(own.slow):
        asked.keeps_waiting(flows.PUSH if topic == queues.STOCK else topic, seller_id, number)
    if lane == LONG and account_id not in own.slow and (topic, account_id) not in own.cut:
        asked.ended(topic, seller_id, account_id)


@cache
def _queues(carrier: Carrier) -> Queues:
    return Queues(carrier.settings, queues.connect(carrier.settings))


def stock(
    carrier: Carrier, seller_id: int, account_id: int, elsewhere: Set[str] = frozenset()
) -> None:
    """``elsewhere``: what is in the long lane's hands already."""
    busy = accounts_of(elsewhere, seller_id)
    for left in push.derive(carrier, seller_id, busy):
        lane = LONG if left in busy else LIVE
        _queues(carrier).enqueue(flows.PUSH, seller_id, left, cause=tracing.carried(), lane=lane)


def accounts_of(members: Set[str], seller_id: int) -> Set[int]:
    """The accounts whose pushes are among them."""
    start = member(flows.PUSH, seller_id, 0)[:-1]
    return {int(one.removeprefix(start)) for one in members if one.startswith(start)}


def read_catalogue(carrier: Carrier, seller_id: int, account_id: int) -> None:
    catalogue.read_catalogue(carrier, seller_id, account_id)


def verify(carrier: Carrier, seller_id: int, account_id: int) -> None:
    """The nightly check of what must always hold; a difference is a conflict of its own."""

    def look(tx: Transaction) -> None:
        broken = invariants.check(tx, INVARIANTS)
        open_conflicts(
            tx,
            [
                Finding(
                    "ledger_difference",
                    f"invariant:{one.invariant}",
                    f"does not hold: {one.meaning}",
                    {"rows": [{key: str(value) for key, value in row.items()} for row in one.rows]},
                    severity="high",
                )
                for one in broken
            ],
        )

    carrier.database.command(seller_id, look)


def forget(carrier: Carrier, seller_id: int, account_id: int) -> None:
    """What need not be kept any longer goes, a batch in a transaction."""
    while carrier.database.command(seller_id, idempotency.forget) == idempotency.BATCH:
        pass


HANDLERS: dict[str, Callable[[Carrier, int, int], object]] = {
    queues.STOCK: stock,
    flows.PUSH: push.push,
    flows.PULL: pull.pull,
    flows.CHECK: reconcile.check,
    flows.INBOX: webhooks.work_off,
    flows.LISTINGS: read_catalogue,
    flows.REQUEST: requests.answer_all,
    flows.OUTBOX: outbox.tell,
    flows.REFUNDS: refunds.pull_refunds,
    flows.PAYOUTS: payouts.pull_payouts,
    flows.SUBSCRIPTIONS: subscriptions.keep,
    queues.VERIFY: verify,
    queues.FORGET: forget,
}
