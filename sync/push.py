"""Stock out: derive the offers that changed, push what is due, record every answer.

No transaction is open while the channel is spoken to. A timeout after a write is recorded as sent
and unknown: the read-back decides, nobody guesses.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from connectors.base import Capability
from connectors.errors import ConnectorError, RejectedError, UnknownOutcome
from connectors.records import ListingRef, PushOutcome, PushResult, StockOffer
from hub.channels import flows, offers, pushing
from hub.channels.pushing import Answer, Due
from hub.db import Transaction
from hub.sales import backorders
from sync import pull
from sync.carrier import AtWork, Carrier
from sync.retry import backoff, react

LEASE = 60.0
MOST_BATCHES = 400
#: Seconds until a number that its own sale brought about is read back.
LOOK_IN = 5.0
#: Accounts pushed by the job that derived their offers, at once; more are left to other workers.
AT_ONCE = 4


def derive(carrier: Carrier, seller_id: int) -> list[int]:
    """Derive every changed offer of a seller and push them; answers accounts left to others."""
    chosen = sorted(derive_offers(carrier, seller_id))
    if len(chosen) == 1:
        push(carrier, seller_id, chosen[0])
    elif chosen:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda one: push(carrier, seller_id, one), chosen[:AT_ONCE]))
    return chosen[AT_ONCE:]


def derive_offers(carrier: Carrier, seller_id: int) -> set[int]:
    """Derive until nothing has changed; answers the live accounts that have pushes due."""
    due: set[int] = set()
    override = carrier.settings.readback_seconds
    look_in = LOOK_IN if override is None else override
    more = True
    while more:
        found, more = carrier.database.command(seller_id, partial(_derive, look_in=look_in))
        due |= found
    return due


def _derive(tx: Transaction, look_in: float) -> tuple[set[int], bool]:
    """Waiting lines come before offers: what they take is not offered."""
    changed = offers.take_changes(tx)
    if not changed:
        return set(), False
    backorders.link_waiting(tx, changed)
    backorders.fill_waiting(tx, changed)
    return set(offers.derive(tx, changed, look_in=look_in)), offers.changes_left(tx)


def push(carrier: Carrier, seller_id: int, account_id: int) -> int:
    """Push an account's due listings until none is left; answers how many were accepted."""
    accepted = 0
    work: AtWork | None = None
    for _ in range(MOST_BATCHES):
        batch = work.channel.stock.batch if work and work.channel.stock else 250
        claim = partial(pushing.claim_due, account_id=account_id, limit=batch, lease=LEASE)
        dues = carrier.database.command(seller_id, claim)
        if not dues:
            break
        if work is None:
            work = carrier.at_work(seller_id, account_id)
        answered = _push_batch(carrier, seller_id, work, dues)
        if answered is None:
            break
        accepted += answered
        if answered == len(dues) < batch:
            break
    carrier.database.command(seller_id, lambda tx: pushing.settle(tx, account_id))
    return accepted


def _push_batch(carrier: Carrier, seller_id: int, work: AtWork, dues: Sequence[Due]) -> int | None:
    """Answers how many were accepted; None where the channel would not take the batch at all."""
    account_id = work.account.id
    size = work.channel.stock.batch if work.channel.stock else 1
    wait = check_delay(carrier, work)
    accepted = 0
    for start in range(0, len(dues), size):
        part = dues[start : start + size]
        already = [Answer(due, "accepted", check_in=wait) for due in part if _shown(due)]
        part = [due for due in part if not _shown(due)]
        if already:
            carrier.database.command(
                seller_id, partial(_record, account_id=account_id, answers=already)
            )
        if not part:
            continue
        try:
            results = _write(work, part)
        except ConnectorError as error:
            _give_back(carrier, seller_id, account_id, dues[start:], error)
            return None
        answers = _explained(carrier, seller_id, work, _answers(carrier, work, part, results))
        carrier.database.command(
            seller_id, partial(_record, account_id=account_id, answers=answers)
        )
        accepted += sum(answer.outcome == "accepted" for answer in answers)
    return accepted


def _shown(due: Due) -> bool:
    """The channel is known to show this number: nothing to write, only to read back."""
    return due.remote_quantity == due.quantity


def _write(work: AtWork, dues: Sequence[Due]) -> list[PushResult]:
    """Each due listing's answer. What is not known at all is looked at first."""
    looked = _look(work, [due for due in dues if due.remote_quantity is None])
    told = {one.key for one in looked}
    part = [due for due in dues if due.external_id not in told]
    try:
        offers = [_offer(work.account.id, due) for due in part]
        return [*looked, *(work.connector.push_stock(offers).results if offers else ())]
    except UnknownOutcome as error:
        return [*looked, *(_same(due, PushOutcome.UNKNOWN, error) for due in part)]
    except RejectedError as error:
        return [*looked, *(_same(due, PushOutcome.REJECTED, error) for due in part)]


def _look(work: AtWork, blind: Sequence[Due]) -> list[PushResult]:
    """After a write of unknown outcome there is nothing to compare with, and writing blindly could
    hide a sale: the channel's number is read, and treated as one that moved under us."""
    compares = work.channel.stock is not None and work.channel.stock.compare_and_set
    if not blind or not compares or not work.channel.can(Capability.STOCK_READ):
        return []
    read = work.connector.read_stock([ListingRef(due.external_id, due.handles) for due in blind])
    return [
        PushResult(one.key, PushOutcome.GONE if one.gone else PushOutcome.STALE, one.quantity)
        for one in read
        if one.gone or one.quantity is not None
    ]


def _record(tx: Transaction, account_id: int, answers: Sequence[Answer]) -> None:
    pushing.record(tx, account_id, answers)
    flows.note(tx, account_id, flows.PUSH, "healthy")


def _give_back(
    carrier: Carrier, seller_id: int, account_id: int, dues: Sequence[Due], error: ConnectorError
) -> None:
    reaction = react(error, max(due.attempts for due in dues))

    def give_back(tx: Transaction) -> None:
        pushing.release_leases(tx, dues, reaction.delay, reaction.error)
        flows.note(tx, account_id, flows.PUSH, reaction.health, reaction.error)
        pull.report_auth(tx, account_id, reaction)

    carrier.database.command(seller_id, give_back)


def _offer(account_id: int, due: Due) -> StockOffer:
    # With the attempt in it: a channel answers a known key as before, and would refuse for ever.
    wanted = f"{due.version}:{due.quantity}:{due.remote_quantity}"
    key = f"{account_id}:{due.id}:{wanted}:{due.attempts}"
    return StockOffer(due.external_id, due.quantity, key, due.remote_quantity, dict(due.handles))


def _same(due: Due, outcome: PushOutcome, error: ConnectorError) -> PushResult:
    return PushResult(due.external_id, outcome, code=error.code, message=error.message)


_RECORDED = {
    PushOutcome.ACCEPTED: "accepted",
    PushOutcome.PENDING: "unknown",
    PushOutcome.UNKNOWN: "unknown",
    PushOutcome.STALE: "stale",
    PushOutcome.REJECTED: "rejected",
    PushOutcome.GONE: "gone",
    PushOutcome.RETRY: "retry",
}


def _answers(
    carrier: Carrier, work: AtWork, dues: Sequence[Due], results: Sequence[PushResult]
) -> list[Answer]:
    """Each due listing's answer; one the channel said nothing about is unknown. A refused
    compare-and-set that shows our number already is as good as accepted."""
    by_key = {result.key: result for result in results}
    wait = check_delay(carrier, work)
    answers = []
    for due in dues:
        result = by_key.get(due.external_id) or PushResult(due.external_id, PushOutcome.UNKNOWN)
        outcome = _RECORDED[result.outcome]
        if outcome == "stale" and result.current == due.quantity:
            outcome = "accepted"
        answers.append(
            Answer(
                due,
                outcome,
                result.current,
                result.code,
                result.message,
                check_in=wait,
                retry_in=0.0 if outcome == "stale" and due.attempts < 3 else backoff(due.attempts),
            )
        )
    return answers


def check_delay(carrier: Carrier, work: AtWork) -> float:
    """Seconds after a write before a read-back proves anything."""
    if carrier.settings.readback_seconds is not None:
        return carrier.settings.readback_seconds
    return work.channel.stock.late_apply.total_seconds() if work.channel.stock else 30.0


def _explained(
    carrier: Carrier, seller_id: int, work: AtWork, answers: list[Answer]
) -> list[Answer]:
    """The channel's number moved under us: its orders say why. Read them, and let the offers
    follow, before anything is tried again: the old number would hide a sale. Where they cannot be
    read now, the number we believed in stays, so that the channel refuses again."""
    if not any(answer.outcome == "stale" for answer in answers):
        return answers
    if pull.pull(carrier, seller_id, work.account.id) or not work.channel.can(
        Capability.ORDER_LIST
    ):
        derive_offers(carrier, seller_id)
        return answers
    return [
        replace(one, outcome="retry", retry_in=backoff(one.due.attempts))
        if one.outcome == "stale"
        else one
        for one in answers
    ]
