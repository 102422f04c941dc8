"""Refunds in: walk those the channel gave since the cursor, whoever gave them; each counts once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from connectors.base import Capability
from connectors.errors import ConnectorError
from connectors.postsale import Refund
from connectors.records import Cursor, Page
from hub import failpoints
from hub.aftersales import refunding
from hub.channels import flows
from hub.channels.flows import Lease
from hub.db import Transaction
from hub.sales.findings import quarantine
from sync import pull
from sync.carrier import AtWork, Carrier
from sync.keeping import FLOW, LEASE
from sync.lanes import spent
from sync.walking import LostLease, Step, dump_cursor, walk

T = TypeVar("T")
Record = Callable[[Transaction, int, Sequence[T]], object]


def pull_refunds(carrier: Carrier, seller_id: int, account_id: int) -> bool:
    """Read an account's refunds up to now; False where that could not be done, or was not ours."""
    return read(carrier, seller_id, account_id, flows.REFUNDS, Capability.REFUND_LIST, _refunds)


def _refunds(carrier: Carrier, seller_id: int, work: AtWork, lease: Lease) -> float | None:
    def step(cursor: Cursor) -> Step[Refund]:
        page = work.connector.pull_refunds(cursor)
        failpoints.reached("refunds.fetched")
        # A refund comes again with each change of its order: no mark of a circle. Tokens are.
        return page, []

    save = partial(save_page, carrier, seller_id, lease, "refund", refunding.record)
    return walk(pull.start(work, lease), step, save, partial(spent, lease.flow, lease.account_id))


Walk = Callable[[Carrier, int, AtWork, Lease], float | None]


def read(
    carrier: Carrier,
    seller_id: int,
    account_id: int,
    flow: str,
    ability: Capability,
    walk_all: Walk,
) -> bool:
    """Claim a flow that lists something of a channel, walk it, and say when it is due again: the
    next pull of the account's orders does, once it is over."""
    database = carrier.database
    lease = database.command(seller_id, lambda tx: flows.claim(tx, account_id, flow, LEASE))
    if lease is None:
        return False
    work = carrier.at_work(seller_id, account_id)
    if work.account.mode in {"paused", "closed"} or not work.channel.can(ability):
        database.command(seller_id, lambda tx: flows.release(tx, lease, next_in=None))
        return False
    try:
        with carrier.keeper.holding(seller_id, FLOW, lease):
            again_in = walk_all(carrier, seller_id, work, lease)
    except ConnectorError as error:
        pull.failed(carrier, seller_id, lease, error)
        return False
    every = carrier.settings.refund_seconds
    next_in = every if again_in is None else again_in
    database.command(seller_id, lambda tx: flows.release(tx, lease, next_in=next_in))
    return again_in is None


def save_page(
    carrier: Carrier,
    seller_id: int,
    lease: Lease,
    name: str,
    record: Record[T],
    page: Page[T],
) -> None:
    """A page's records, those that cannot be read, and the cursor: one transaction."""

    def save(tx: Transaction) -> None:
        quarantine(tx, carrier.keyring, lease.account_id, pull.poison(page.bad), name)
        record(tx, lease.account_id, page.items)
        if not flows.save_cursor(tx, lease, dump_cursor(page.cursor), extend=LEASE):
            raise LostLease
        failpoints.reached("money.saving")

    carrier.database.command(seller_id, save)
