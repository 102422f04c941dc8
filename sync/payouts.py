"""Payouts in: walk those the channel made since the cursor, each recorded once with its fees."""

from __future__ import annotations

from functools import partial

from connectors.base import Capability
from connectors.postsale import Payout
from connectors.records import Cursor
from hub import failpoints
from hub.aftersales import payouts
from hub.channels import flows
from hub.channels.flows import Lease
from sync import pull
from sync.carrier import AtWork, Carrier
from sync.lanes import spent
from sync.refunds import read, save_page
from sync.walking import Step, walk


def pull_payouts(carrier: Carrier, seller_id: int, account_id: int) -> bool:
    """Read an account's payouts up to now; False where that could not be done, or was not ours."""
    return read(carrier, seller_id, account_id, flows.PAYOUTS, Capability.PAYOUTS, _payouts)


def _payouts(carrier: Carrier, seller_id: int, work: AtWork, lease: Lease) -> float | None:
    def step(cursor: Cursor) -> Step[Payout]:
        page = work.connector.pull_payouts(cursor)
        failpoints.reached("payouts.fetched")
        return page, [one.external_id for one in page.items]

    save = partial(save_page, carrier, seller_id, lease, "payout", payouts.record)
    return walk(pull.start(work, lease), step, save, partial(spent, lease.flow, lease.account_id))
