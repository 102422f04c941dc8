"""Stock into Saleor and back: ``stockBulkUpdate`` with its answer per row, and reading.

Saleor's number counts units that are sold and not yet sent. So the levels are read first, compared
with what we believe, and written as the offer and the allocated units together. A sale between
reading and writing raises the allocated units alone: what is then free is the offer less that sale,
as it should be. A parcel that leaves in between, or a cancellation, lowers them, and we wrote too
much: the answer to the write shows that, and it is told as stale with what is free now, so that the
next write puts it right. A correction by hand in between is overwritten.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.errors import ProtocolError, TransientError, UnknownOutcome
from connectors.fields import Unreadable
from connectors.records import ListingRef, PushOutcome, PushResult, RemoteStock, StockOffer
from connectors.saleor import mapping
from connectors.saleor.client import Client
from connectors.saleor.ids import is_variant
from connectors.saleor.nodes import Node
from connectors.saleor.queries import SET_STOCK, STOCK, STOCK_PAGE

#: ``StockBulkUpdateErrorCode`` → what became of the row. The row was there when it was read.
OUTCOMES = {"NOT_FOUND": PushOutcome.RETRY}

#: What Saleor's integers hold.
LARGEST = 2_147_483_647


def read(client: Client, refs: Sequence[ListingRef], warehouse: str) -> tuple[RemoteStock, ...]:
    found = _variants(client, [ref.key for ref in refs])
    try:
        return tuple(
            RemoteStock(ref.key, mapping.free(found[ref.key], warehouse))
            if ref.key in found
            else RemoteStock(ref.key, None, gone=True)
            for ref in refs
        )
    except Unreadable as error:
        raise ProtocolError(f"stock cannot be read: {error}", code="bad_record") from error


def push(client: Client, offers: Sequence[StockOffer], warehouse: str) -> tuple[PushResult, ...]:
    """One answer per offer. Raises only where nothing is known of any."""
    found = _variants(client, [offer.key for offer in offers])
    try:
        levels = {key: mapping.levels(node, warehouse) for key, node in found.items()}
        results = {offer.key: _decide(offer, found.get(offer.key), levels) for offer in offers}
    except Unreadable as error:
        raise ProtocolError(f"stock cannot be read: {error}", code="bad_record") from error
    known = {key: result for key, result in results.items() if result is not None}
    waiting = [offer for offer in offers if offer.key not in known]
    if waiting:
        allocated = {key: level[1] for key, level in levels.items() if level is not None}
        try:
            known |= _set(client, waiting, allocated, warehouse)
        except TransientError as error:
            if not known:
                raise
            known |= _untold(waiting, error)
    return tuple(known[offer.key] for offer in offers)


def _decide(
    offer: StockOffer, variant: Node | None, levels: Mapping[str, tuple[int, int] | None]
) -> PushResult | None:
    """The answer where there is nothing to write, None where there is."""
    if variant is None:
        return PushResult(offer.key, PushOutcome.GONE, None, "NOT_FOUND", "no such variant")
    level = levels[offer.key]
    if not variant.truth("trackInventory"):
        return _refused(offer, "stock_not_managed", "Saleor does not track its inventory")
    if level is None:
        return _refused(offer, "not_stocked", "it is not stocked in this warehouse")
    on_hand, allocated = level
    if not 0 <= offer.quantity <= LARGEST - allocated:
        return _refused(offer, "quantity", "Saleor counts from 0 to 2,147,483,647")
    if offer.expected is not None and on_hand - allocated != offer.expected:
        return PushResult(offer.key, PushOutcome.STALE, on_hand - allocated, "stale")
    return None


def _refused(offer: StockOffer, code: str, message: str) -> PushResult:
    return PushResult(offer.key, PushOutcome.REJECTED, None, code, message)


def _set(
    client: Client, offers: Sequence[StockOffer], allocated: Mapping[str, int], warehouse: str
) -> dict[str, PushResult]:
    rows = [
        {
            "variantId": offer.key,
            "warehouseId": warehouse,
            "quantity": offer.quantity + allocated[offer.key],
        }
        for offer in offers
    ]
    data = client.run(SET_STOCK, {"stocks": rows})
    try:
        return verdicts(Node(data).part("stockBulkUpdate"), offers, allocated)
    except Unreadable as error:
        raise UnknownOutcome(f"the answer to a stock write is not one: {error}") from error


def verdicts(
    answer: Node, offers: Sequence[StockOffer], allocated: Mapping[str, int]
) -> dict[str, PushResult]:
    """Rows are answered in the order sent; a complaint about none of them is about all."""
    rows = answer.parts_if_any("results")
    general = answer.parts_if_any("errors")
    if len(rows) != len(offers):
        if not general:
            raise Unreadable("results", f"{len(rows)} answers to {len(offers)} rows")
        return {offer.key: _verdict(offer, general) for offer in offers}
    return {
        offer.key: _verdict(offer, row.parts_if_any("errors"))
        if row.data.get("errors") or not row.has("stock")
        else _written(offer, row.part("stock"), allocated[offer.key])
        for offer, row in zip(offers, rows, strict=True)
    }


def _written(offer: StockOffer, stock: Node, allocated: int) -> PushResult:
    quantity, left = stock.whole("quantity"), stock.whole("quantityAllocated")
    if quantity is None or left is None or left >= allocated:
        return PushResult(offer.key, PushOutcome.ACCEPTED, offer.quantity)
    return PushResult(
        offer.key, PushOutcome.STALE, quantity - left, "allocated", "units left meanwhile"
    )


def _verdict(offer: StockOffer, errors: Sequence[Node]) -> PushResult:
    code = errors[0].words("code") if errors else "no_stock"
    message = errors[0].words("message") if errors else ""
    outcome = OUTCOMES.get(code, PushOutcome.REJECTED)
    return PushResult(offer.key, outcome, None, code, message)


def _untold(offers: Sequence[StockOffer], error: TransientError) -> dict[str, PushResult]:
    unknown = isinstance(error, UnknownOutcome)
    outcome = PushOutcome.UNKNOWN if unknown else PushOutcome.RETRY
    return {
        one.key: PushResult(one.key, outcome, None, error.code, error.message) for one in offers
    }


def _variants(client: Client, keys: Sequence[str]) -> dict[str, Node]:
    """Those that are there, by id. What is no id of a variant is not asked for."""
    found: dict[str, Node] = {}
    for some in _chunks([key for key in dict.fromkeys(keys) if is_variant(key)]):
        data: Mapping[str, Any] = client.run(STOCK, {"ids": list(some)})
        try:
            found |= {node.text("id"): node for node in Node(data).nodes("productVariants")}
        except Unreadable as error:
            raise ProtocolError(f"stock cannot be read: {error}", code="bad_page") from error
    return found


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), STOCK_PAGE):
        yield keys[start : start + STOCK_PAGE]
