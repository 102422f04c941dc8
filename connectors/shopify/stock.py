"""Stock into Shopify and back: ``inventorySetQuantities`` with compare-and-set, and reading.

The mutation is all or nothing: one item it refuses fails the call, so the others go again without.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5

from connectors.errors import ConnectorError, ProtocolError, UnknownOutcome
from connectors.fields import Unreadable
from connectors.records import ListingRef, PushOutcome, PushResult, RemoteStock, StockOffer
from connectors.shopify import mapping
from connectors.shopify.client import Client
from connectors.shopify.nodes import Node
from connectors.shopify.queries import SET_STOCK, STOCK, STOCK_PAGE

#: A name space of our own for keys derived from the offers' keys.
NAMESPACE = UUID("3f0c8a52-7f0e-4c55-9a6e-0d6f5a2b9c11")

#: Refused items leave, the rest goes again: this often at most within one push.
ROUNDS = 5

STALE = "CHANGE_FROM_QUANTITY_STALE"

#: ``InventorySetQuantitiesUserErrorCode`` → what became of the item. Others are REJECTED.
OUTCOMES = {
    STALE: PushOutcome.STALE,
    "COMPARE_QUANTITY_STALE": PushOutcome.STALE,
    "INVALID_INVENTORY_ITEM": PushOutcome.GONE,
    "IDEMPOTENCY_CONCURRENT_REQUEST": PushOutcome.RETRY,
    "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED": PushOutcome.RETRY,
}


def key(offers: Sequence[StockOffer], attempt: int = 0) -> str:
    """One key for the whole call: the same for the same offers, so that a retry is recognised."""
    names = "\n".join(offer.idempotency_key for offer in offers)
    return str(uuid5(NAMESPACE, f"{attempt}\n{names}" if attempt else names))


def variables(offers: Sequence[StockOffer], location: str, attempt: int = 0) -> dict[str, Any]:
    """``changeFromQuantity`` must be sent; null means: whatever it is now."""
    quantities = [
        {
            "inventoryItemId": offer.handles["inventory_item_id"],
            "locationId": location or offer.handles.get("location_id", ""),
            "quantity": offer.quantity,
            "changeFromQuantity": offer.expected,
        }
        for offer in offers
    ]
    given = {"name": "available", "reason": "correction", "quantities": quantities}
    return {"input": given, "key": key(offers, attempt)}


def verdicts(errors: Sequence[Node], offers: Sequence[StockOffer]) -> dict[str, PushResult]:
    """What the user errors say of each offer; an error that names no item is about all of them."""
    found: dict[str, PushResult] = {}
    for error in errors:
        code, message = error.words("code"), error.words("message")
        outcome = OUTCOMES.get(code, PushOutcome.REJECTED)
        index = _index(error.data.get("field"))
        named = offers if index is None else offers[index : index + 1]
        for offer in named:
            found.setdefault(offer.key, PushResult(offer.key, outcome, None, code, message))
    return found


def push(client: Client, offers: Sequence[StockOffer], location: str) -> tuple[PushResult, ...]:
    """One answer per offer. Raises only from the first call, while nothing is known of any."""
    results: dict[str, PushResult] = {
        offer.key: PushResult(offer.key, PushOutcome.REJECTED, None, "no_inventory_item")
        for offer in offers
        if not offer.handles.get("inventory_item_id")
    }
    waiting = [offer for offer in offers if offer.key not in results]
    for attempt in range(ROUNDS):
        if not waiting:
            break
        try:
            errors = _set(client, variables(waiting, location))
        except ConnectorError as error:
            if attempt == 0:
                raise
            results.update(_untold(waiting, error))
            waiting = []
            break
        found = verdicts(errors, waiting)
        if not errors:
            found = {
                one.key: PushResult(one.key, PushOutcome.ACCEPTED, one.quantity) for one in waiting
            }
        results.update(found)
        waiting = [offer for offer in waiting if offer.key not in found]
    left = {one.key: PushResult(one.key, PushOutcome.RETRY, None, "too_many") for one in waiting}
    known = _with_current(client, offers, location, {**results, **left})
    return tuple(known[offer.key] for offer in offers)


def read(client: Client, refs: Sequence[ListingRef], location: str) -> tuple[RemoteStock, ...]:
    answers: list[RemoteStock] = []
    for some in _chunks([ref for ref in refs if ref.handles.get("inventory_item_id")]):
        at = location or some[0].handles.get("location_id", "")
        ids = [ref.handles["inventory_item_id"] for ref in some]
        found = client.run(STOCK, {"ids": ids, "location": at}).get("nodes")
        if not isinstance(found, list) or len(found) != len(ids):
            raise ProtocolError("stock by id came without one node per id", code="bad_page")
        try:
            answers += [
                mapping.remote_stock(ref.key, node) for ref, node in zip(some, found, strict=True)
            ]
        except Unreadable as error:
            raise ProtocolError(f"stock cannot be read: {error}", code="bad_record") from error
    known = {answer.key: answer for answer in answers}
    return tuple(known.get(ref.key, RemoteStock(ref.key, None)) for ref in refs)


def _set(client: Client, given: Mapping[str, Any]) -> list[Node]:
    try:
        return Node(client.run(SET_STOCK, given)).part("inventorySetQuantities").parts("userErrors")
    except Unreadable as error:
        raise UnknownOutcome(f"the answer to a stock write is not one: {error}") from error


def _untold(offers: Sequence[StockOffer], error: ConnectorError) -> dict[str, PushResult]:
    unknown = isinstance(error, UnknownOutcome)
    outcome = PushOutcome.UNKNOWN if unknown else PushOutcome.RETRY
    return {
        one.key: PushResult(one.key, outcome, None, error.code, error.message) for one in offers
    }


def _with_current(
    client: Client, offers: Sequence[StockOffer], location: str, results: dict[str, PushResult]
) -> dict[str, PushResult]:
    """Stale items with the quantity as it is now, read in one call; unread, they are retried."""
    stale = [one for one in offers if results[one.key].outcome is PushOutcome.STALE]
    if not stale:
        return results
    refs = [ListingRef(offer.key, offer.handles) for offer in stale]
    try:
        current = {one.key: one for one in read(client, refs, location)}
    except ConnectorError as error:
        return {
            **results,
            **{
                one.key: PushResult(one.key, PushOutcome.RETRY, None, STALE, error.message)
                for one in stale
            },
        }
    return {**results, **{name: _stale(one, results[name]) for name, one in current.items()}}


def _stale(now: RemoteStock, result: PushResult) -> PushResult:
    outcome = PushOutcome.GONE if now.gone else PushOutcome.STALE
    return PushResult(result.key, outcome, now.quantity, result.code, result.message)


def _index(field: object) -> int | None:
    """``["input", "quantities", "3", "quantity"]`` → 3."""
    if isinstance(field, list) and len(field) > 2 and field[1] == "quantities":
        return int(field[2]) if str(field[2]).isdigit() else None
    return None


def _chunks(refs: Sequence[ListingRef]) -> Iterator[Sequence[ListingRef]]:
    for start in range(0, len(refs), STOCK_PAGE):
        yield refs[start : start + STOCK_PAGE]
