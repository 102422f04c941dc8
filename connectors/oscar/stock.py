"""Stock into Oscar and back. Its number is what lies on hand, units sold and not sent included.

So what is allocated is read first and added: written is offer + allocated. A sale between the two
only allocates more, and the number written stays right. Goods sent between them come off both and
are written over; the answer shows that fewer are allocated than were read, and the offer is told as
stale, to be derived again. That is why this counts as compare-and-set, though Oscar has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.errors import ConnectorError, ProtocolError, RejectedError, UnknownOutcome
from connectors.fields import Unreadable
from connectors.oscar.client import Client
from connectors.oscar.mapping import Level, level
from connectors.records import ListingRef, PushOutcome, PushResult, RemoteStock, StockOffer


def read(client: Client, ref: ListingRef) -> RemoteStock:
    there = _level(client, ref.key)
    uncounted = there is None or _uncounted(ref.handles)
    quantity = None if there is None or uncounted else there.free
    return RemoteStock(ref.key, quantity, gone=there is None)


def push(client: Client, offers: Sequence[StockOffer]) -> tuple[PushResult, ...]:
    """One by one. Raises only while nothing is known of any."""
    results: list[PushResult] = []
    for n, offer in enumerate(offers):
        try:
            results.append(_set(client, offer))
        except RejectedError as error:
            results.append(_told(offer, PushOutcome.REJECTED, error))
        except ConnectorError as error:
            if not results:
                raise
            unknown = isinstance(error, UnknownOutcome)
            results.append(
                _told(offer, PushOutcome.UNKNOWN if unknown else PushOutcome.RETRY, error)
            )
            results += [_told(one, PushOutcome.RETRY, error) for one in offers[n + 1 :]]
            break
    return tuple(results)


def judge(offer: StockOffer, there: Level | None) -> PushResult | None:
    """Why nothing is written for an offer, None where something is. Pure."""
    if there is None:
        return PushResult(offer.key, PushOutcome.GONE, None, "unknown_stockrecord")
    if _uncounted(offer.handles):
        return PushResult(offer.key, PushOutcome.REJECTED, None, "stock_not_managed")
    if offer.quantity < 0:
        return PushResult(offer.key, PushOutcome.REJECTED, there.free, "negative")
    if offer.expected is not None and offer.expected != there.free:
        return PushResult(offer.key, PushOutcome.STALE, there.free, "stale")
    return None


def settled(offer: StockOffer, before: Level, now: Level) -> PushResult:
    """What the answer to a write says of it. Pure."""
    if now.allocated < before.allocated:
        return PushResult(offer.key, PushOutcome.STALE, now.free, "sent_meanwhile")
    return PushResult(offer.key, PushOutcome.ACCEPTED, now.free)


def _set(client: Client, offer: StockOffer) -> PushResult:
    there = _level(client, offer.key)
    refused = judge(offer, there)
    if refused is not None or there is None:
        return refused or PushResult(offer.key, PushOutcome.GONE)
    wanted = {"num_in_stock": offer.quantity + there.allocated}
    answer = client.change(_path(offer.key), wanted)
    if answer is None:
        return PushResult(offer.key, PushOutcome.GONE, None, "unknown_stockrecord")
    try:
        return settled(offer, there, level(answer))
    except Unreadable as error:
        raise UnknownOutcome(f"no answer to a write: {error}", code="bad_answer") from error


def _level(client: Client, key: str) -> Level | None:
    found = client.one(_path(key))
    try:
        return None if found is None else level(found)
    except Unreadable as error:
        raise ProtocolError(f"stock cannot be read: {error}", code="bad_record") from error


def _path(key: str) -> str:
    return f"/admin/stockrecords/{key}/"


def _uncounted(handles: Mapping[str, Any]) -> bool:
    return handles.get("counted") == "no"


def _told(offer: StockOffer, outcome: PushOutcome, error: ConnectorError) -> PushResult:
    return PushResult(offer.key, outcome, None, error.code, error.message)
