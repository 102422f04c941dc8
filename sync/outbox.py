"""Telling channels what happened after a sale: parcels, cancellations, refunds.

No transaction is open while the channel is spoken to, and each answer is recorded before the next
thing is told. A worker that dies in between tells that one again, under the same key: the channel
counts it once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic
from typing import NamedTuple

from connectors.base import Unsupported
from connectors.errors import ConnectorError, RejectedError, UnknownOutcome
from connectors.postsale import Cancellation, ParcelLine, Refund
from connectors.postsale import Parcel as ChannelParcel
from hub import failpoints
from hub.aftersales import refunding
from hub.channels import flows, outbox
from hub.channels.outbox import DONE, REJECTED, RETRY, UNKNOWN, Answer, Due
from hub.channels.telling import (
    CANCEL,
    REFUND,
    SHIP,
    Parcel,
    PayBack,
    Thing,
    Units,
    Unreadable,
    Withdrawal,
    load,
)
from hub.db import Transaction
from hub.sales import cancelling, shipments
from sync import pull
from sync.carrier import AtWork, Carrier
from sync.keeping import LEASE, TELLINGS, Holding
from sync.lanes import spent
from sync.retry import react, too_fast

#: A claimed batch is not worked on any longer than this; the rest is given back.
ENOUGH = 25.0
BATCH = 20
MOST_BATCHES = 500


class Met(NamedTuple):
    """Something that is not about the one thing told: the channel takes nothing more now."""

    answer: Answer
    error: ConnectorError


def tell(carrier: Carrier, seller_id: int, account_id: int) -> int:
    """Tell an account's channel what is due, in order; answers how many it took."""
    database = carrier.database
    took, well = 0, False
    work: AtWork | None = None
    for _ in range(MOST_BATCHES):
        claim = partial(outbox.claim, account_id=account_id, limit=BATCH, lease=LEASE)
        dues = database.command(seller_id, claim)
        if not dues:
            break
        failpoints.reached("outbox.claimed")
        work = work or carrier.at_work(seller_id, account_id)
        with carrier.keeper.holding(seller_id, TELLINGS, *dues) as held:
            some, went = _batch(carrier, seller_id, work, dues, held)
        took, well = took + some, went
        if not went or spent(flows.OUTBOX, account_id):
            break
    database.command(seller_id, lambda tx: outbox.settle(tx, account_id, well=well))
    return took


def _batch(
    carrier: Carrier, seller_id: int, work: AtWork, dues: Sequence[Due], held: Holding[Due]
) -> tuple[int, bool]:
    """How many were taken, and whether the channel takes more."""
    began, took = monotonic(), 0
    for place, due in enumerate(dues):
        rest = dues[place + 1 :]
        if monotonic() - began > ENOUGH:
            held.let_go(dues)
            carrier.database.command(
                seller_id, partial(outbox.give_back, dues=dues[place:], retry_in=0.0)
            )
            return took, True
        met = _told(work, due)
        failpoints.reached("outbox.told")
        answer = met.answer if isinstance(met, Met) else met
        error = met.error if isinstance(met, Met) else None
        record = partial(_record, work=work, answer=answer, rest=rest, error=error)
        held.let_go([due] if error is None else dues)
        carrier.database.command(seller_id, record)
        failpoints.reached("outbox.recorded")
        if error is not None:
            return took, False
        took += answer.outcome == DONE
    return took, True


def _record(
    tx: Transaction,
    work: AtWork,
    answer: Answer,
    rest: Sequence[Due],
    error: ConnectorError | None,
) -> None:
    for one in outbox.record(tx, work.account.id, [answer]):
        if one.outcome in outbox.OVER:
            _ANSWERED[one.due.kind](tx, one)
    if error is not None:
        reaction = react(error, answer.due.attempts)
        outbox.give_back(tx, rest, reaction.rows_delay)
        pull.fared_badly(tx, work, flows.OUTBOX, reaction)


def _told(work: AtWork, due: Due) -> Answer | Met:
    try:
        return Answer(due, DONE, _TELL[due.kind](work, due, load(due.kind, due.payload)))
    except RejectedError as error:
        return Answer(due, REJECTED, code=error.code, message=error.message)
    except Unsupported as error:
        return Answer(due, REJECTED, code="unsupported", message=f"the channel has no {error}")
    except Unreadable as error:
        return Answer(due, REJECTED, code="unreadable", message=str(error))
    except ConnectorError as error:
        outcome = UNKNOWN if isinstance(error, UnknownOutcome) else RETRY
        delay = react(error, due.attempts).rows_delay
        tried = not too_fast(error)
        return Met(Answer(due, outcome, "", error.code, error.message, delay, tried), error)


def _ship(work: AtWork, due: Due, told: Thing) -> str:
    if not isinstance(told, Parcel):
        raise Unreadable("not a parcel")
    parcel = ChannelParcel(
        told.order_key,
        told.key,
        told.carrier,
        told.tracking_number,
        told.shipped_at,
        _lines(told.lines),
        told.tracking_url,
        due.known_as,
    )
    return work.connector.ship(parcel)


def _cancel(work: AtWork, due: Due, told: Thing) -> str:
    if not isinstance(told, Withdrawal):
        raise Unreadable("not a cancellation")
    given = Cancellation(told.order_key, told.key, told.reason, _lines(told.lines))
    work.connector.cancel_order(given)
    return ""


def _refund(work: AtWork, due: Due, told: Thing) -> str:
    if not isinstance(told, PayBack):
        raise Unreadable("not a refund")
    given = Refund(
        told.key,
        told.order_key,
        told.amount,
        told.currency,
        told.asked_at,
        _lines(told.lines),
        told.reason,
    )
    return work.connector.refund(given).external_id


def _lines(units: Sequence[Units]) -> tuple[ParcelLine, ...]:
    return tuple(ParcelLine(one.line_key, one.quantity) for one in units)


_TELL: dict[str, Callable[[AtWork, Due, Thing], str]] = {
    SHIP: _ship,
    CANCEL: _cancel,
    REFUND: _refund,
}


def _shipment(tx: Transaction, one: Answer) -> None:
    state = shipments.TOLD if one.outcome == DONE else shipments.REFUSED
    shipments.answered(tx, one.due.subject_id, one.due.version, state, one.external_id)


def _cancellation(tx: Transaction, one: Answer) -> None:
    cancelling.answered(tx, one.due.subject_id, taken=one.outcome == DONE)


def _refunded(tx: Transaction, one: Answer) -> None:
    refunding.answered(tx, one.due.subject_id, one.external_id, taken=one.outcome == DONE)


_ANSWERED: dict[str, Callable[[Transaction, Answer], None]] = {
    SHIP: _shipment,
    CANCEL: _cancellation,
    REFUND: _refunded,
}
