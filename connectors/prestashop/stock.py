"""Stock into the shop and back: one row per combination and shop, one write per row.

https://devdocs.prestashop-project.org/8/webservice/resources/stock_availables/. The number is
absolute and counts units free to sell: the shop takes a unit off when an order is placed and puts
it back when that is cancelled. There is no compare-and-set: a sale between our reading and our
writing is found by the read-back. A number below 0 would be taken, and is not sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from connectors.errors import ConnectorError, ProtocolError, RejectedError, UnknownOutcome
from connectors.fields import Unreadable
from connectors.prestashop.answers import NO_ROW
from connectors.prestashop.client import Client
from connectors.prestashop.fields import Row
from connectors.prestashop.mapping import (
    BY_NOBODY,
    BY_WAREHOUSES,
    KEPT,
    STOCK_ROW,
    Shelf,
    key_of,
    shelf,
)
from connectors.prestashop.resources import STOCK
from connectors.records import ListingRef, PushOutcome, PushResult, RemoteStock, StockOffer

Results = dict[str, PushResult]


def shelves(client: Client, products: Iterable[str], shop_id: str) -> dict[str, Shelf]:
    """What the shop counts of these products' combinations, by listing key. Of several shops' rows
    that of the shop named counts, or the first."""
    found: dict[str, Shelf] = {}
    named: set[str] = set()
    for one in client.among(STOCK, "id_product", products):
        try:
            row = Row(one)
            key = key_of(row.key("id_product"), row.words("id_product_attribute"))
            ours = bool(shop_id) and row.link("id_shop") == shop_id
            if key not in found or ours and key not in named:
                found[key] = shelf(row)
            if ours:
                named.add(key)
        except Unreadable as error:
            raise ProtocolError(f"stock cannot be read: {error}", code="bad_record") from error
    return found


def read(client: Client, refs: Sequence[ListingRef], shop_id: str) -> tuple[RemoteStock, ...]:
    """A listing that has no row any more is gone."""
    found = shelves(client, {_product(ref.key) for ref in refs}, shop_id)
    return tuple(_shown(ref, found.get(ref.key)) for ref in refs)


def _shown(ref: ListingRef, found: Shelf | None) -> RemoteStock:
    if found is None:
        return RemoteStock(ref.key, None, gone=True)
    counted = ref.handles.get(KEPT) != BY_NOBODY
    return RemoteStock(ref.key, found.quantity if counted else None)


def push(client: Client, offers: Sequence[StockOffer], shop_id: str) -> Results:
    """One answer per offer. Raises only while nothing is known of any. What broke off is not gone
    on with: those that were not sent are to be tried again."""
    results: Results = {}
    for offer in offers:
        try:
            results[offer.key] = _objection(offer) or _set(client, offer, shop_id)
        except UnknownOutcome as error:
            results[offer.key] = _result(offer, PushOutcome.UNKNOWN, error)
            return results | _unsent(offers, results, error)
        except ConnectorError as error:
            if not results:
                raise
            return results | _unsent(offers, results, error)
    return results


def _objection(offer: StockOffer) -> PushResult | None:
    """What the shop would take, and should not be sent."""
    kept = offer.handles.get(KEPT)
    reasons = (
        (kept == BY_WAREHOUSES, "depends_on_stock", "its warehouses keep its stock, and overwrite"),
        (kept == BY_NOBODY, "stock_not_managed", "the shop's stock management is switched off"),
        (offer.quantity < 0, "negative", "less than nothing"),
        (not _product(offer.key).isdecimal(), "bad_key", "not a product and a combination"),
    )
    for is_so, code, message in reasons:
        if is_so:
            return PushResult(offer.key, PushOutcome.REJECTED, None, code, message)
    return None


def _set(client: Client, offer: StockOffer, shop_id: str) -> PushResult:
    """Into the row that is known; if that is no more, into the one that took its place: rows get
    new ids when combinations are made anew."""
    known = offer.handles.get(STOCK_ROW, "")
    try:
        if known:
            return _write(client, offer, known)
    except RejectedError as error:
        if error.code not in NO_ROW:
            return _result(offer, PushOutcome.REJECTED, error)
    found = shelves(client, [_product(offer.key)], shop_id).get(offer.key)
    if found is None or found.key == known:
        return PushResult(offer.key, PushOutcome.GONE, None, "no_row")
    try:
        return _write(client, offer, found.key)
    except RejectedError as error:
        return _result(offer, PushOutcome.REJECTED, error)


def _write(client: Client, offer: StockOffer, row: str) -> PushResult:
    answer = client.change(STOCK, row, {"quantity": str(offer.quantity)})
    try:
        now = shelf(Row(answer))
    except Unreadable as error:
        raise UnknownOutcome(f"the answer to a stock write: {error}") from error
    if now.by_warehouses:
        message = "its warehouses keep its stock, and overwrite"
        return PushResult(offer.key, PushOutcome.REJECTED, None, "depends_on_stock", message)
    return PushResult(offer.key, PushOutcome.ACCEPTED, now.quantity)


def _result(offer: StockOffer, outcome: PushOutcome, error: ConnectorError) -> PushResult:
    return PushResult(offer.key, outcome, None, error.code, error.message)


def _unsent(offers: Sequence[StockOffer], results: Results, error: ConnectorError) -> Results:
    left = [one for one in offers if one.key not in results]
    return {one.key: _result(one, PushOutcome.RETRY, error) for one in left}


def _product(key: str) -> str:
    return key.partition("/")[0]
