"""Stock into Medusa and back: levels are read, compared, and written together.

Medusa's number is what lies there, units sold and not yet packed included, so a level is read
before it is written: offer + reserved. A sale between reading and writing changes ``reserved``
alone, and what is written stays right. Goods packed or released in between take units off
``reserved`` too: the answer shows it, and the item is told as unknown, to be read back.

The bulk call is all or nothing: what it refuses goes again in halves, at last one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from connectors.errors import ConnectorError, ProtocolError, RejectedError, UnknownOutcome
from connectors.fields import Unreadable, each, identity
from connectors.medusa import answers, mapping, shelf
from connectors.medusa.calls import (
    ADD_LEVEL,
    IDS,
    LEVELS,
    LOCATIONS,
    SET_LEVEL,
    STOCK_FIELDS,
    VARIANTS,
)
from connectors.medusa.client import Client
from connectors.medusa.fields import Record
from connectors.medusa.shelf import Level, Shelf
from connectors.records import (
    ChannelLocation,
    ListingRef,
    PushOutcome,
    PushResult,
    RemoteStock,
    StockOffer,
)

#: More stock locations than a shop has.
LOCATIONS_PAGE = 100
KIT = "Medusa makes this number of the parts' stock: keep the parts, and link it to a bundle"


class Write(NamedTuple):
    """``before`` is the level as it was read, None where there is none yet."""

    offer: StockOffer
    item: str
    location: str
    stocked: int
    before: Level | None


def read(client: Client, refs: Sequence[ListingRef], location: str) -> tuple[RemoteStock, ...]:
    shelves = _shelves(client, [ref.key for ref in refs])
    return tuple(
        RemoteStock(
            ref.key,
            shelves[ref.key].free(_at(ref.handles, location)) if ref.key in shelves else None,
            gone=ref.key not in shelves,
        )
        for ref in refs
    )


def push(client: Client, offers: Sequence[StockOffer], location: str) -> tuple[PushResult, ...]:
    """One answer per offer. Raises only while nothing was written."""
    shelves = _shelves(client, [offer.key for offer in offers])
    results: dict[str, PushResult] = {}
    writes: list[Write] = []
    for offer in offers:
        decided = decide(offer, shelves.get(offer.key), _at(offer.handles, location))
        if isinstance(decided, Write):
            writes.append(decided)
        else:
            results[offer.key] = decided
    nowhere = _nowhere(client, writes)
    results |= {
        one.offer.key: PushResult(one.offer.key, PushOutcome.REJECTED, None, "unknown_location")
        for one in writes
        if one in nowhere
    }
    writes = [one for one in writes if one not in nowhere]
    results |= _written(client, writes, first=not results)
    return tuple(results[offer.key] for offer in offers)


def locations(client: Client) -> tuple[ChannelLocation, ...]:
    """The stock locations, the one made first before the others."""
    query = (("limit", str(LOCATIONS_PAGE)), ("order", "created_at"))
    found = answers.rows(client.run(LOCATIONS, query), LOCATIONS.holds)
    return each(found, mapping.location)[0]


def decide(offer: StockOffer, held: Shelf | None, location: str) -> PushResult | Write:
    """What is to be written, or why nothing is. Pure."""
    refused = PushOutcome.REJECTED
    if held is None:
        return PushResult(offer.key, PushOutcome.GONE, None, "not_found")
    if offer.quantity < 0:
        return PushResult(offer.key, refused, held.free(location), "negative")
    if not held.managed:
        return PushResult(offer.key, refused, None, "stock_not_managed")
    if not held.items:
        return PushResult(offer.key, refused, None, "no_inventory_item")
    free = held.free(location)
    if held.kit:
        return PushResult(offer.key, refused, free, "inventory_kit", KIT)
    if offer.expected is not None and offer.expected != free:
        return PushResult(offer.key, PushOutcome.STALE, free, "stale")
    item = held.items[0]
    before = item.levels.get(location)
    if before is not None and before.free == offer.quantity:
        return PushResult(offer.key, PushOutcome.ACCEPTED, offer.quantity)
    reserved = max(before.reserved, 0) if before else 0
    return Write(offer, item.key, location, offer.quantity + reserved, before)


def _at(handles: Mapping[str, str], location: str) -> str:
    return location or handles.get("location_id", "")


def _nowhere(client: Client, writes: Sequence[Write]) -> list[Write]:
    """Levels to be made at a location that the shop does not have. Medusa makes them."""
    fresh = [one for one in writes if one.before is None]
    known = {one.external_id for one in locations(client)} if fresh else set()
    return [one for one in fresh if one.location not in known]


def _shelves(client: Client, keys: Sequence[str]) -> dict[str, Shelf]:
    """By variant; those that are no more are missing."""
    found: dict[str, Shelf] = {}
    asked = list(dict.fromkeys(keys))
    for start in range(0, len(asked), IDS):
        some = asked[start : start + IDS]
        query = [("fields", STOCK_FIELDS), ("limit", str(IDS)), *(("id[]", key) for key in some)]
        variants = answers.rows(client.run(VARIANTS, query), VARIANTS.holds)
        if {identity(one) for one in variants} - set(some):
            raise ProtocolError("variants came that were not asked for", code="filter_ignored")
        try:
            found |= {identity(one): shelf.read(Record(one)) for one in variants}
        except Unreadable as error:
            raise ProtocolError(f"stock cannot be read: {error}", code="bad_record") from error
    return found


def _written(client: Client, writes: Sequence[Write], *, first: bool) -> dict[str, PushResult]:
    """Together; if that is refused, each half by itself. What was not answered is unknown;
    ``first``: nothing is known of any other item, and a failure may be raised."""
    if not writes:
        return {}
    try:
        if len(writes) == 1:
            return _one(client, writes[0])
        return _confirmed(client.run(LEVELS, body=_together(writes)), writes)
    except RejectedError as error:
        if len(writes) == 1:
            return _refused(writes[0], error)
        # 2.0 has no bulk call.
        size = 1 if error.code == answers.NO_SUCH_CALL else (len(writes) + 1) // 2
        parts = [writes[start : start + size] for start in range(0, len(writes), size)]
        results: dict[str, PushResult] = {}
        for part in parts:
            results |= _written(client, part, first=False)
        return results
    except ConnectorError as error:
        if first:
            raise
        return {one.offer.key: _untold(one, error) for one in writes}


def _together(writes: Iterable[Write]) -> dict[str, Any]:
    body: dict[str, list[dict[str, Any]]] = {}
    for one in writes:
        level = {
            "inventory_item_id": one.item,
            "location_id": one.location,
            "stocked_quantity": one.stocked,
        }
        body.setdefault("create" if one.before is None else "update", []).append(level)
    return body


def _one(client: Client, write: Write) -> dict[str, PushResult]:
    stocked = {"stocked_quantity": write.stocked}
    if write.before is None:
        body = {"location_id": write.location, **stocked}
        told = client.run(ADD_LEVEL, body=body, item=write.item)
    else:
        told = client.run(SET_LEVEL, body=stocked, item=write.item, location=write.location)
    try:
        levels = Record(told).part("inventory_item").parts_if_any("location_levels")
        here = [one.data for one in levels if one.words("location_id") == write.location]
    except Unreadable as error:
        raise UnknownOutcome(f"the answer to a stock write is not one: {error}") from error
    after = [{**one, "inventory_item_id": write.item} for one in here]
    return _confirmed({"created": [], "updated": after}, [write])


def _confirmed(told: Mapping[str, Any], writes: Sequence[Write]) -> dict[str, PushResult]:
    """What the answer says of each level as it is after the write."""
    try:
        answer = Record(told)
        levels = {
            (one.key("inventory_item_id"), one.key("location_id")): shelf.level(one)
            for name in ("created", "updated")
            for one in answer.parts_if_any(name)
        }
    except Unreadable as error:
        raise UnknownOutcome(f"the answer to a stock write is not one: {error}") from error
    return {one.offer.key: _settled(one, levels.get((one.item, one.location))) for one in writes}


def _settled(write: Write, after: Level | None) -> PushResult:
    offer = write.offer
    if after is None:
        return PushResult(offer.key, PushOutcome.UNKNOWN, None, "not_told")
    reserved = write.before.reserved if write.before else 0
    if after.stocked != write.stocked or after.reserved < reserved:
        return PushResult(offer.key, PushOutcome.UNKNOWN, None, "moved_meanwhile")
    return PushResult(offer.key, PushOutcome.ACCEPTED, after.free)


def _refused(write: Write, error: RejectedError) -> dict[str, PushResult]:
    """A level that came or went since it was read is read anew at the next try."""
    gone = error.code in ("not_found", answers.NO_SUCH_CALL)
    there = write.before is None and error.code == "invalid_data"
    outcome = PushOutcome.RETRY if gone or there else PushOutcome.REJECTED
    key = write.offer.key
    return {key: PushResult(key, outcome, None, error.code, error.message)}


def _untold(write: Write, error: ConnectorError) -> PushResult:
    unknown = isinstance(error, UnknownOutcome | ProtocolError)
    outcome = PushOutcome.UNKNOWN if unknown else PushOutcome.RETRY
    return PushResult(write.offer.key, outcome, None, error.code, error.message)
