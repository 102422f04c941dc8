"""Stock into Vendure and back. Its number is what lies on hand, units sold and not sent included.

So what is allocated is read first and added: written is offer + allocated. A sale between the two
only allocates more, and the number written stays right. A fulfilment between them takes units off
both and is written over; the answer to the write shows that fewer are allocated than were read, and
the offer is then told as stale, with what is free now, to be derived again. That is why this counts
as compare-and-set, though Vendure has none. (A sale and a fulfilment of as many units, both in that
moment, hide each other; the next push compares again and finds the difference.)

The mutation is all or nothing: a batch that is refused is halved until the bad one stands alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.errors import ConnectorError, ProtocolError, RejectedError, UnknownOutcome
from connectors.fields import Unreadable
from connectors.records import ListingRef, PushOutcome, PushResult, RemoteStock, StockOffer
from connectors.vendure import lists, mapping
from connectors.vendure.client import Client
from connectors.vendure.money import Node
from connectors.vendure.queries import SET_STOCK, STOCK, STOCK_PAGE

NOT_MANAGED = "stock_not_managed"


@dataclass(frozen=True, slots=True)
class Level:
    """A variant's stock at the location. Not ``tracked``: its number means nothing."""

    on_hand: int
    allocated: int
    tracked: bool

    @property
    def free(self) -> int:
        return self.on_hand - self.allocated


@dataclass(frozen=True, slots=True)
class Write:
    offer: StockOffer
    allocated: int

    def entry(self, location: str) -> dict[str, Any]:
        on_hand = self.offer.quantity + self.allocated
        level = {"stockLocationId": location, "stockOnHand": on_hand}
        return {"id": self.offer.key, "stockLevels": [level]}


def levels(client: Client, keys: Sequence[str], location: str) -> dict[str, Level]:
    """By variant; what is no more is left out."""
    found: dict[str, Level] = {}
    for some in _chunks(keys):
        data = client.run(STOCK, {"ids": list(some)})
        nodes, _ = lists.page(data, "productVariants")
        try:
            settings = Node(data).part_or_empty("globalSettings")
            tracked = settings.truth("trackInventory", otherwise=True)
            found.update(_level(Node(one), location, tracked=tracked) for one in nodes)
        except Unreadable as error:
            raise ProtocolError(f"stock cannot be read: {error}", code="bad_record") from error
    return found


def read(client: Client, refs: Sequence[ListingRef], location: str) -> tuple[RemoteStock, ...]:
    found = levels(client, [ref.key for ref in refs], location)
    return tuple(_remote(ref.key, found.get(ref.key)) for ref in refs)


def push(client: Client, offers: Sequence[StockOffer], location: str) -> tuple[PushResult, ...]:
    """One answer per offer. Raises only while nothing is known of any."""
    there = levels(client, [one.key for one in offers], location)
    judged = {one.key: judge(one, there.get(one.key)) for one in offers}
    results = {key: told for key, told in judged.items() if isinstance(told, PushResult)}
    writes = [told for told in judged.values() if isinstance(told, Write)]
    waiting = [writes] if writes else []
    tried = False
    while waiting:
        some = waiting.pop()
        try:
            results.update(_set(client, some, location))
        except RejectedError as error:
            if len(some) == 1:
                results[some[0].offer.key] = _told(some[0], PushOutcome.REJECTED, error)
            else:
                waiting += [some[len(some) // 2 :], some[: len(some) // 2]]
        except ConnectorError as error:
            if not tried:
                raise
            unknown = isinstance(error, UnknownOutcome)
            outcome = PushOutcome.UNKNOWN if unknown else PushOutcome.RETRY
            results.update({one.offer.key: _told(one, outcome, error) for one in some})
            left = [one for more in waiting for one in more]
            results.update({one.offer.key: _told(one, PushOutcome.RETRY, error) for one in left})
            break
        tried = True
    return tuple(results[one.key] for one in offers)


def judge(offer: StockOffer, level: Level | None) -> Write | PushResult:
    """What to write for an offer, or why nothing is written. Pure."""
    if level is None:
        return PushResult(offer.key, PushOutcome.GONE, None, "unknown_variant")
    if not level.tracked:
        return PushResult(offer.key, PushOutcome.REJECTED, None, NOT_MANAGED)
    if offer.quantity < 0:
        return PushResult(offer.key, PushOutcome.REJECTED, level.free, "negative")
    if offer.expected is not None and offer.expected != level.free:
        return PushResult(offer.key, PushOutcome.STALE, level.free, "stale")
    return Write(offer, level.allocated)


def settled(write: Write, now: Level) -> PushResult:
    """What the answer to a write says of it. Pure."""
    key = write.offer.key
    if now.allocated < write.allocated:
        return PushResult(key, PushOutcome.STALE, now.free, "sent_meanwhile")
    return PushResult(key, PushOutcome.ACCEPTED, now.free)


def _set(client: Client, writes: Sequence[Write], location: str) -> dict[str, PushResult]:
    data = client.run(SET_STOCK, {"input": [one.entry(location) for one in writes]})
    found = data.get("updateProductVariants")
    try:
        if not isinstance(found, list):
            raise Unreadable("updateProductVariants", "is not a list")
        nodes = [Node(one) for one in found if one is not None]
        now = dict(_level(one, location, tracked=True) for one in nodes)
    except Unreadable as error:
        raise UnknownOutcome(
            f"the answer to a stock write is not one: {error}", code="bad_record"
        ) from error
    return {
        one.offer.key: settled(one, now[one.offer.key])
        if one.offer.key in now
        else PushResult(one.offer.key, PushOutcome.UNKNOWN, None, "not_told")
        for one in writes
    }


def _level(variant: Node, location: str, *, tracked: bool) -> tuple[str, Level]:
    on_hand, allocated = mapping.level(variant, location)
    counted = mapping.is_tracked(variant, tracked=tracked)
    return variant.key("id"), Level(on_hand, allocated, counted)


def _remote(key: str, level: Level | None) -> RemoteStock:
    if level is None:
        return RemoteStock(key, None, gone=True)
    return RemoteStock(key, level.free if level.tracked else None)


def _told(write: Write, outcome: PushOutcome, error: ConnectorError) -> PushResult:
    return PushResult(write.offer.key, outcome, None, error.code, error.message)


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), STOCK_PAGE):
        yield keys[start : start + STOCK_PAGE]
