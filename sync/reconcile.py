"""Read-back: what the channel shows against what it was told, explained before corrected."""

from __future__ import annotations

from connectors.base import Capability
from connectors.errors import ConnectorError
from connectors.records import ListingRef
from hub import failpoints
from hub.channels import checking, flows, pushing
from hub.channels.checking import Check, Seen
from hub.conflicts.record import close_conflicts, wake
from hub.db import Transaction
from hub.sales.drifts import report_drift
from sync import pull
from sync.carrier import AtWork, Carrier
from sync.keeping import LEASE, LOOKS
from sync.lanes import spent
from sync.push import check_delay, derive_offers
from sync.retry import react

BATCH = 100
MOST_BATCHES = 1_000
#: A listing is looked at again this often (seconds) though nothing was pushed.
ROUND = 3_600.0


def check(carrier: Carrier, seller_id: int, account_id: int) -> int:
    """Read back an account's due listings; answers how many did not show their number."""
    different = 0
    work: AtWork | None = None
    carrier.database.command(seller_id, lambda tx: checking.look_at_all(tx, account_id, ROUND))
    for _ in range(MOST_BATCHES):
        checks = carrier.database.command(
            seller_id, lambda tx: checking.claim_checks(tx, account_id, BATCH, LEASE)
        )
        if not checks:
            break
        failpoints.reached("check.claimed")
        work = work or carrier.at_work(seller_id, account_id)
        with carrier.keeper.holding(seller_id, LOOKS, *checks):
            found = _check_batch(carrier, seller_id, work, checks)
        if found is None:
            break
        different += found
        failpoints.reached("check.judged")
        if spent(flows.CHECK, account_id):
            break
    carrier.database.command(seller_id, lambda tx: _settle(tx, account_id))
    return different


def _settle(tx: Transaction, account_id: int) -> None:
    pushing.settle_checks(tx, account_id)
    flows.make_due(tx, flows.CHECK, [account_id], after=ROUND)
    wake(tx)


def _check_batch(carrier: Carrier, seller_id: int, work: AtWork, checks: list[Check]) -> int | None:
    wait = check_delay(carrier, work)
    if work.account.mode == "paused" or not work.channel.can(Capability.STOCK_READ):
        carrier.database.command(seller_id, lambda tx: checking.look_again(tx, checks, ROUND))
        return None
    try:
        read = work.connector.read_stock([ListingRef(c.external_id, c.handles) for c in checks])
    except ConnectorError as error:
        reaction = react(error, 3)

        def put_off(tx: Transaction) -> None:
            checking.look_again(tx, checks, reaction.rows_delay)
            pull.fared_badly(tx, work, flows.CHECK, reaction)

        carrier.database.command(seller_id, put_off)
        return None
    failpoints.reached("check.read")
    shown = {one.key: one for one in read}
    seen = [
        Seen(c, shown[c.external_id].quantity, shown[c.external_id].gone)
        for c in checks
        if c.external_id in shown
    ]
    silent = [c for c in checks if c.external_id not in shown]
    return _judge(carrier, seller_id, work, seen, silent, wait)


def _judge(
    carrier: Carrier,
    seller_id: int,
    work: AtWork,
    seen: list[Seen],
    silent: list[Check],
    wait: float,
) -> int:
    """Agreement confirms. A difference is held against the channel's orders first: only where a
    pull has gone through since (of events, where it lists no orders; nothing, where it lists
    neither), and no newer offer explains it, is the offer sent again."""
    account_id = work.account.id
    good = [one for one in seen if checking.agrees(one)]
    odd = [one for one in seen if not checking.agrees(one)]
    explained = not odd
    if odd and pull.caught_up(carrier, seller_id, work):
        derive_offers(carrier, seller_id)
        explained = True

    def judge(tx: Transaction) -> None:
        checking.look_again(tx, silent, wait)
        drifts = []
        if explained:
            drifts = checking.correct(tx, account_id, odd, look_in=wait)
        else:
            checking.look_again(tx, [one.check for one in odd], wait)
        flows.note(tx, account_id, flows.CHECK, "healthy")
        checking.confirm(tx, good, second_look=5 * wait)
        report_drift(tx, account_id, drifts)
        if not pull.walks(work.channel):  # else the pull says whether the credentials are good
            close_conflicts(tx, "auth_expired", [f"account:{account_id}"])

    carrier.database.command(seller_id, judge)
    return len(odd)
