"""Stock into TikTok Shop and back: one write per product, every warehouse of a SKU in it.

https://partner.tiktokshop.com/docv2/page/update-inventory. Numbers are absolute and count units
free to sell, what orders hold being told apart. There is no compare-and-set: a sale between our
reading and our writing is found by the read-back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connectors.errors import ConnectorError, ProtocolError, RejectedError, UnknownOutcome
from connectors.fields import MOST_UNITS, Unreadable
from connectors.records import ListingRef, PushOutcome, PushResult, RemoteStock, StockOffer
from connectors.tiktok_shop import answers
from connectors.tiktok_shop.client import Client
from connectors.tiktok_shop.fields import Record
from connectors.tiktok_shop.operations import INVENTORY, SET_STOCK, SKUS_WRITTEN, STOCK_PAGE

#: The code of one item → what became of it. Others are REJECTED.
OUTCOMES = {
    "12052032": PushOutcome.GONE,  # the product does not exist
    "12052260": PushOutcome.GONE,
    "12052556": PushOutcome.GONE,  # the SKU does not exist
}
#: "Check failed": the reason stands among ``extra_errors``.
CHECK_FAILED = "12052990"
#: The warehouses named are not (or no longer) those of the SKU: they are read, and named again.
OTHER_WAREHOUSES = {"12019022", "12019028", "12052037", "12052097", "12052533"}

Results = dict[str, PushResult]


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the platform counts of one SKU, and where."""

    quantity: int
    warehouses: tuple[str, ...]


def inventory(offer: StockOffer, warehouse: str) -> list[dict[str, Any]]:
    """The number of each warehouse the SKU has. What is offered lies in one of them, the seller's
    choice or else the first; the others are set to nothing, so that the listing shows the offer.
    An offer that says how much lies where is written as it says."""
    held = [one for one in offer.handles.get("warehouses", "").split(",") if one]
    if not held:
        return [{"quantity": offer.quantity}]
    given = {one.location_key: one.quantity for one in offer.by_location}
    if not given:
        given = {warehouse if warehouse in held else held[0]: offer.quantity}
    return [{"warehouse_id": one, "quantity": given.get(one, 0)} for one in held]


def by_product(offers: Sequence[StockOffer]) -> Iterator[tuple[str, list[StockOffer]]]:
    groups: dict[str, list[StockOffer]] = {}
    for offer in offers:
        groups.setdefault(offer.handles["product_id"], []).append(offer)
    for product, group in groups.items():
        for start in range(0, len(group), SKUS_WRITTEN):
            yield product, group[start : start + SKUS_WRITTEN]


def push(client: Client, offers: Sequence[StockOffer], warehouse: str) -> Results:
    """One answer per offer. Raises only while nothing is known of any. What broke off is not gone
    on with: those that were not sent are to be tried again."""
    results: Results = {}
    for product, group in by_product(offers):
        try:
            results |= _write(client, product, group, warehouse)
        except UnknownOutcome as error:
            results |= every(group, PushOutcome.UNKNOWN, error)
            return results | every(_unsaid(offers, results), PushOutcome.RETRY, error)
        except ConnectorError as error:
            if not results:
                raise
            return results | every(_unsaid(offers, results), PushOutcome.RETRY, error)
    return results


def _unsaid(offers: Sequence[StockOffer], results: Results) -> list[StockOffer]:
    return [one for one in offers if one.key not in results]


def every(offers: Sequence[StockOffer], outcome: PushOutcome, error: ConnectorError) -> Results:
    return {
        one.key: PushResult(one.key, outcome, None, error.code, error.message) for one in offers
    }


def read(client: Client, refs: Sequence[ListingRef]) -> tuple[RemoteStock, ...]:
    """A SKU that the platform does not answer for is no more."""
    shelves = shelves_of(client, [ref.key for ref in refs])
    found = {key: RemoteStock(key, one.quantity) for key, one in shelves.items()}
    return tuple(found.get(ref.key, RemoteStock(ref.key, None, gone=True)) for ref in refs)


def shelves_of(client: Client, keys: Sequence[str]) -> dict[str, Shelf]:
    found: dict[str, Shelf] = {}
    for start in range(0, len(keys), STOCK_PAGE):
        asked = {"sku_ids": list(keys[start : start + STOCK_PAGE])}
        data = client.run(INVENTORY, body=asked)
        try:
            for one in answers.listed(data, "inventory"):
                for sku in Record(one).parts_if_any("skus"):
                    found[sku.text("id")] = _shelf(sku)
        except Unreadable as error:
            raise ProtocolError(f"stock cannot be read: {error}", code="bad_record") from error
    return found


def _shelf(sku: Record) -> Shelf:
    places = sku.parts_if_any("warehouse_inventory")
    told = "total_available_quantity" in sku.data
    return Shelf(
        sku.units("total_available_quantity", least=-MOST_UNITS)
        if told
        else sum(one.units("available_quantity", least=-MOST_UNITS) for one in places),
        tuple(one.text("warehouse_id") for one in places),
    )


def _write(
    client: Client, product: str, group: Sequence[StockOffer], warehouse: str, *, again: bool = True
) -> Results:
    found = _set(client, product, group, warehouse)
    moved = [one for one in group if found[one.key].code in OTHER_WAREHOUSES]
    if not moved or not again:
        return found
    shelves = shelves_of(client, [one.key for one in moved])
    known = [_placed(one, shelves[one.key]) for one in moved if one.key in shelves]
    lost = {
        one.key: PushResult(one.key, PushOutcome.GONE, None, found[one.key].code)
        for one in moved
        if one.key not in shelves
    }
    rewritten = _write(client, product, known, warehouse, again=False) if known else {}
    return {**found, **lost, **rewritten}


def _placed(offer: StockOffer, shelf: Shelf) -> StockOffer:
    handles = {**offer.handles, "warehouses": ",".join(shelf.warehouses)}
    return replace(offer, handles=handles)


def _set(client: Client, product: str, group: Sequence[StockOffer], warehouse: str) -> Results:
    """One write. A refusal of the whole that may be one SKU's fault is had of each alone."""
    asked = {"skus": [{"id": one.key, "inventory": inventory(one, warehouse)} for one in group]}
    try:
        data = client.run(SET_STOCK, body=asked, product_id=product)
        errors = [Record(one) for one in answers.listed(data, "errors")]
        refused = verdicts(errors, group)
    except RejectedError as error:
        if len(group) == 1:
            outcome = OUTCOMES.get(error.code, PushOutcome.REJECTED)
            return every(group, outcome, error)
        alone = (_set(client, product, [one], warehouse) for one in group)
        return {key: result for found in alone for key, result in found.items()}
    except (Unreadable, ProtocolError) as error:
        raise UnknownOutcome(f"the answer to a stock write is not one: {error}") from error
    return {
        one.key: refused.get(one.key, PushResult(one.key, PushOutcome.ACCEPTED, one.quantity))
        for one in group
    }


def verdicts(errors: Sequence[Record], group: Sequence[StockOffer]) -> Results:
    """What ``data.errors`` say of each offer; one that names no SKU is about all of them."""
    found: Results = {}
    for error in errors:
        code, message = reason(error)
        named = error.part_or_empty("detail").words("sku_id")
        outcome = OUTCOMES.get(code, PushOutcome.REJECTED)
        for offer in group:
            if named in ("", offer.key):
                found.setdefault(offer.key, PushResult(offer.key, outcome, None, code, message))
    return found


def reason(error: Record) -> tuple[str, str]:
    code, message = str(error.units("code", least=-MOST_UNITS)), error.words("message")
    more = error.part_or_empty("detail").parts_if_any("extra_errors")
    if code == CHECK_FAILED and more:
        return str(more[0].units("code", least=-MOST_UNITS)), more[0].words("message")
    return code, message
