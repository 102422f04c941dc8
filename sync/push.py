"""Stock out: derive the offers that changed, push what is due, record every answer.

No transaction is open while the channel is spoken to. A timeout after a write is recorded as sent
and unknown: the read-back decides, nobody guesses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from time import monotonic
from typing import NamedTuple, Self

from connectors.base import Capability
from connectors.errors import ConnectorError, RejectedError, UnknownOutcome
from connectors.records import ListingRef, PushOutcome, PushResult, StockOffer
from hub import failpoints, tracing
from hub.channels import accounts, flows, offers, pushing
from hub.channels.accounts import Opened
from hub.channels.pushing import SENT, Answer, Due
from hub.db import Transaction
from hub.sales import backorders
from sync import delivery, pull
from sync.carrier import AtWork, Carrier
from sync.keeping import LEASE, PUSHES, Holding
from sync.lanes import spent
from sync.queues import STOCK
from sync.retry import backoff, react, too_fast

#: So many are claimed before the channel's own batch is known.
FIRST = 250
#: So many at least after that, however few the channel takes in a call.
SOME = 50
MOST_BATCHES = 400
#: Seconds until a number that its own sale brought about is read back.
LOOK_IN = 5.0
#: A number that moved under us is tried again at once, and from the third time on within so many
#: seconds: nothing has failed.
MOVED_IN = 1.0
#: Accounts pushed by the job that derived their offers, at once; more are left to other workers.
AT_ONCE = 4


class Claimed(NamedTuple):
    """Due listings of one account, leased, with what it takes to talk to the channel. ``since``:
    when the transaction began that took them."""

    opened: Opened
    dues: Sequence[Due]
    since: float


def derive(carrier: Carrier, seller_id: int, busy: Collection[int] = ()) -> list[int]:
    """Derive every changed offer of a seller and push them; answers accounts left to others: those
    that are ``busy``, and those that are too many."""
    due, claimed = _derive_all(carrier, seller_id, AT_ONCE, busy)
    left = sorted(due - claimed.keys())
    if len(claimed) == 1:
        push(carrier, seller_id, *claimed.popitem())
    elif claimed:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            each = [partial(push, carrier, seller_id, *one) for one in claimed.items()]
            for done in [pool.submit(tracing.along(one)) for one in each]:
                done.result()
    return left


def derive_offers(carrier: Carrier, seller_id: int) -> set[int]:
    """Derive until nothing has changed; answers the live accounts that have pushes due."""
    return _derive_all(carrier, seller_id, claims=0)[0]


def _derive_all(
    carrier: Carrier, seller_id: int, claims: int, busy: Collection[int] = ()
) -> tuple[set[int], dict[int, Claimed | None]]:
    """What is pushed at once is claimed in the transaction that derives it: a commit less between
    a sale and the other shops. Where a slice ends first, all is left to others."""
    due: set[int] = set()
    override = carrier.settings.readback_seconds
    look_in = LOOK_IN if override is None else override

    def step(tx: Transaction) -> tuple[set[int], bool, int, dict[int, Claimed | None]]:
        since = monotonic()
        found, more, got = _derive(tx, look_in)
        chosen = [] if more else sorted((due | found).difference(busy))[:claims]
        claimed = {account_id: _claim(tx, account_id, since) for account_id in chosen}
        failpoints.reached("derive.derived")
        return found, more, got, claimed

    more = True
    while more:
        found, more, got, claimed = carrier.database.command(seller_id, step)
        failpoints.reached("derive.committed")
        due |= found
        if got:
            delivery.deliver(carrier, seller_id)
        if more and claims and spent(STOCK):
            break
    return due, claimed


def _derive(tx: Transaction, look_in: float) -> tuple[set[int], bool, int]:
    """Waiting lines come before offers: what they take is not offered. Answers the accounts with
    pushes due, whether more has changed, and how much found an owner."""
    changed, more = offers.take_changes(tx)
    if not changed:
        return set(), False, 0
    got = backorders.serve_waiting(tx, changed)
    return set(offers.derive(tx, changed, look_in=look_in)), more, got


def _claim(tx: Transaction, account_id: int, since: float) -> Claimed | None:
    dues = pushing.claim_due(tx, account_id, FIRST, LEASE)
    return Claimed(accounts.opened(tx, account_id), dues, since) if dues else None


def push(carrier: Carrier, seller_id: int, account_id: int, claimed: Claimed | None = None) -> int:
    """Push an account's due listings until none is left; answers how many were accepted.
    ``claimed`` is the first batch where the caller has claimed it already."""
    if claimed is None:
        claim = partial(_claim, account_id=account_id, since=monotonic())
        claimed = carrier.database.command(seller_id, claim)
    accepted, well = 0, False
    if claimed is not None:
        failpoints.reached("push.claimed")
        work = carrier.ready(seller_id, claimed.opened)
        with (
            carrier.keeper.holding(seller_id, PUSHES) as held,
            Batches(carrier, seller_id, work, claimed, held) as batches,
        ):
            for dues in batches:
                answered = _push_batch(carrier, seller_id, work, dues, batches)
                well = answered is not None
                if answered is None:
                    break
                accepted += answered
                batches.went_through = answered == len(dues)
                failpoints.reached("push.recorded")
    carrier.database.command(seller_id, lambda tx: pushing.settle(tx, account_id, well=well))
    return accepted


class Batches:
    """An account's due listings, batch by batch. While one is at the channel, the answers of the
    last are recorded and the next is claimed: the channel need not wait for the database. One
    request at a time all the same."""

    def __init__(
        self,
        carrier: Carrier,
        seller_id: int,
        work: AtWork,
        first: Claimed,
        held: Holding[Due],
    ) -> None:
        self.carrier = carrier
        self.seller_id = seller_id
        self.account_id = work.account.id
        self.size = max(SOME, work.channel.stock.batch if work.channel.stock else 1)
        self.first = first.dues
        self.held = held
        held.take(first.dues, first.since)
        self.went_through = False
        self.cut = False
        self._beside = ThreadPoolExecutor(2)
        self._next: Future[list[Due]] | None = None
        self._recorded: list[Future[None]] = []

    def __enter__(self) -> Self:
        return self

    def __iter__(self) -> Iterator[Sequence[Due]]:
        dues, full = self.first, len(self.first) == FIRST
        for _ in range(MOST_BATCHES):
            if full and not self.enough():
                self._next = self._beside.submit(self._claim)
            yield dues
            if self.cut or (self.enough() if not self.went_through else not full):
                return
            dues = (self._taken() if full else []) or self._claim_again()
            full = len(dues) == self.size
            if not dues:
                return

    def enough(self) -> bool:
        """The slice is over: what is in hand is finished, and no more is claimed."""
        self.cut = self.cut or spent(flows.PUSH, self.account_id)
        return self.cut

    def record(self, answers: Sequence[Answer]) -> None:
        """At once, or, where there is more to push, beside it."""
        if self._next is None:
            self._record(answers)
        else:
            self._recorded.append(self._beside.submit(self._record, answers))

    def _record(self, answers: Sequence[Answer]) -> None:
        self.held.let_go([one.due for one in answers])
        write = partial(pushing.record, account_id=self.account_id, answers=answers)
        self.carrier.database.command(self.seller_id, write)

    def _claim(self) -> list[Due]:
        since = monotonic()
        claim = partial(pushing.claim_due, account_id=self.account_id, limit=self.size, lease=LEASE)
        dues = self.carrier.database.command(self.seller_id, claim)
        self.held.take(dues, since)
        return dues

    def _claim_again(self) -> list[Due]:
        """What the answers have left due counts too."""
        self._wait()
        return self._claim()

    def _wait(self) -> None:
        recorded, self._recorded = self._recorded, []
        for one in recorded:
            one.result()

    def _taken(self) -> list[Due]:
        ahead, self._next = self._next, None
        return ahead.result() if ahead else []

    def __exit__(self, *raised: object) -> None:
        """What was claimed ahead and not pushed is given back, to be tried when the rest is."""
        self._beside.shutdown()
        self._wait()
        self.leave(self._taken())

    def leave(self, left: Sequence[Due]) -> None:
        """These were not pushed."""
        if left:
            self.held.let_go(left)
            give_back = partial(
                pushing.release_leases, dues=left, retry_in=0.0, error="", tried=False
            )
            self.carrier.database.command(self.seller_id, give_back)


def _push_batch(
    carrier: Carrier, seller_id: int, work: AtWork, dues: Sequence[Due], batches: Batches
) -> int | None:
    """Answers how many were accepted; None where the channel would not take the batch at all."""
    size = work.channel.stock.batch if work.channel.stock else 1
    wait = check_delay(carrier, work)
    accepted = 0
    for start in range(0, len(dues), size):
        if start and batches.enough():
            batches.leave(dues[start:])
            break
        part = dues[start : start + size]
        already = [Answer(due, "accepted", check_in=wait) for due in part if _shown(due)]
        if already:
            part = [due for due in part if not _shown(due)]
            batches.record(already)
        if not part:
            continue
        try:
            results = _write(work, part)
        except ConnectorError as error:
            batches.held.let_go(dues[start:])
            _give_back(carrier, seller_id, work, dues[start:], error)
            return None
        failpoints.reached("push.answered")
        answers = _explained(carrier, seller_id, work, _answers(carrier, work, part, results))
        batches.record(answers)
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
        failpoints.reached("push.asking")
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


def _give_back(
    carrier: Carrier, seller_id: int, work: AtWork, dues: Sequence[Due], error: ConnectorError
) -> None:
    reaction = react(error, max(due.attempts for due in dues))

    def give_back(tx: Transaction) -> None:
        tried = not too_fast(error)
        pushing.release_leases(tx, dues, reaction.rows_delay, reaction.error, tried=tried)
        pull.fared_badly(tx, work, flows.PUSH, reaction)

    carrier.database.command(seller_id, give_back)


def _offer(account_id: int, due: Due) -> StockOffer:
    # With the claim in it: a channel answers a known key as before, and would refuse for ever.
    key = f"{account_id}:{due.id}:{due.version}:{due.quantity}:{due.remote_quantity}:{due.token}"
    return StockOffer(due.external_id, due.quantity, key, due.remote_quantity, due.handles)


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
        if outcome in SENT:
            answer = Answer(due, outcome, result.current, check_in=wait)
        else:
            again = _moved_in(due) if outcome == "stale" else backoff(due.attempts)
            answer = Answer(due, outcome, result.current, result.code, result.message, wait, again)
        answers.append(answer)
    return answers


def _moved_in(due: Due) -> float:
    return 0.0 if due.attempts < pushing.MOVES else min(MOVED_IN, backoff(due.attempts))


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
    if pull.caught_up(carrier, seller_id, work):
        derive_offers(carrier, seller_id)
        return answers
    return [
        one._replace(outcome="moved", retry_in=min(MOVED_IN, backoff(one.due.attempts)))
        if one.outcome == "stale"
        else one
        for one in answers
    ]
