"""What workers run. Arguments are ids; everything is read again from the database; running a job
twice, or at once with itself, is harmless."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from hub import idempotency, invariants, tracing
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
from sync.budgets import can_wait
from sync.carrier import Carrier, process_carrier
from sync.watching import watched


def run(topic: str, seller_id: int, account_id: int) -> None:
    """The one job. Logs what went wrong and raises it again."""
    waits = can_wait.set(queues.LANE_OF[topic] == queues.BULK and topic != flows.REQUEST)
    try:
        with watched(topic, seller_id, account_id):
            HANDLERS[topic](process_carrier(), seller_id, account_id)
    finally:
        can_wait.reset(waits)


@cache
def _queues(carrier: Carrier) -> queues.Queues:
    return queues.Queues(carrier.settings, queues.connect(carrier.settings))


def stock(carrier: Carrier, seller_id: int, account_id: int) -> None:
    for left in push.derive(carrier, seller_id):
        _queues(carrier).enqueue(flows.PUSH, seller_id, left, cause=tracing.carried())


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
