"""Stock into WooCommerce and back, in batches: simple products by one route, the variations of each
product by its own.

A batch answers 200 with one row per item, refused ones among them. An item that does not manage
stock is answered like any other and left as it is: its row shows that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.errors import (
    ConnectorError,
    ProtocolError,
    RejectedError,
    UnknownOutcome,
)
from connectors.fields import Unreadable, identity
from connectors.records import ListingRef, PushOutcome, PushResult, RemoteStock, StockOffer
from connectors.woocommerce import catalogue, paths
from connectors.woocommerce.answers import Refusal, refusal
from connectors.woocommerce.catalogue import BY_PARENT, PARENT, PRODUCT
from connectors.woocommerce.client import Client
from connectors.woocommerce.fields import Record
from connectors.woocommerce.paths import LARGEST

#: Product by number, within one route.
Group = dict[str, list[StockOffer]]


def read(client: Client, refs: Sequence[ListingRef]) -> tuple[RemoteStock, ...]:
    """One answer per reference; a list for every hundred products of a route."""
    wanted: dict[str, list[str]] = {}
    for ref in refs:
        if is_number(holder(ref)):
            wanted.setdefault(ref.handles.get(PARENT, ""), []).append(holder(ref))
    found: dict[tuple[str, str], Any] = {}
    for parent, products in wanted.items():
        for some in _chunks(list(dict.fromkeys(products))):
            rows = _listed(client, parent, some)
            found |= {(parent, identity(row)): row for row in rows}
    try:
        return tuple(
            catalogue.remote_stock(ref.key, found.get((ref.handles.get(PARENT, ""), holder(ref))))
            for ref in refs
        )
    except Unreadable as error:
        raise ProtocolError(f"stock cannot be read: {error}", code="bad_record") from error


def push(client: Client, offers: Sequence[StockOffer]) -> tuple[PushResult, ...]:
    """One answer per offer. Raises only from the first call, while nothing is known of any."""
    results = refused_here(offers)
    groups: dict[str, Group] = {}
    for offer in offers:
        if offer.key not in results:
            group = groups.setdefault(offer.handles.get(PARENT, ""), {})
            group.setdefault(holder(offer), []).append(offer)
    calls = [
        (parent, {product: group[product] for product in some})
        for parent, group in groups.items()
        for some in _chunks(list(group))
    ]
    for number, (parent, group) in enumerate(calls):
        try:
            results |= _write(client, parent, group)
        except ConnectorError as error:
            if number == 0:
                raise
            results |= _untold(group, error)
            for _, left in calls[number + 1 :]:
                results |= _all(left, PushOutcome.RETRY, error)
            break
    return tuple(results[offer.key] for offer in offers)


def refused_here(offers: Sequence[StockOffer]) -> dict[str, PushResult]:
    """What is not sent at all: less than nothing, which WooCommerce would take, and two numbers
    for one product, of which the last would stand."""
    numbers: dict[str, set[int]] = {}
    for offer in offers:
        numbers.setdefault(holder(offer), set()).add(offer.quantity)
    found = {}
    for offer in offers:
        if not is_number(holder(offer)):
            found[offer.key] = PushResult(offer.key, PushOutcome.GONE, None, "no_product")
        elif offer.quantity < 0:
            found[offer.key] = _rejected(offer, "negative", "less than nothing is not offered")
        elif len(numbers[holder(offer)]) > 1:
            said = "these variations share one number, and are to show different ones"
            found[offer.key] = _rejected(offer, "stock_shared", said)
    return found


def holder(one: ListingRef | StockOffer) -> str:
    """The product whose number it is."""
    return one.handles.get(PRODUCT) or one.key


def is_number(product: str) -> bool:
    return product.isascii() and product.isdecimal()


def verdict(offer: StockOffer, row: object) -> PushResult:
    """What a row of a batch says of one offer."""
    node = Record(row)
    told = refusal(node.data.get("error"))
    if told is not None:
        return _refused(offer, told)
    keeper = catalogue.keeper(node)
    if not keeper:
        return _rejected(offer, "stock_not_managed", "Manage stock is not ticked at the product")
    if keeper == BY_PARENT and PARENT in offer.handles:
        return _rejected(offer, "stock_kept_by_parent", "its product keeps the stock by now")
    return PushResult(offer.key, PushOutcome.ACCEPTED, catalogue.quantity(node))


def _write(client: Client, parent: str, group: Group) -> dict[str, PushResult]:
    items = [
        {"id": int(product), "stock_quantity": offers[0].quantity}
        for product, offers in group.items()
    ]
    try:
        answer = client.write("POST", f"{paths.products(parent)}/batch", {"update": items})
    except RejectedError as error:
        told = Refusal(error.code, error.message, error.field)
        return {one.key: _refused(one, told) for some in group.values() for one in some}
    rows = answer.get("update")
    if not isinstance(rows, list):
        raise UnknownOutcome("the answer to a stock write is not one")
    return _verdicts(group, {identity(row): row for row in rows})


def _verdicts(group: Group, rows: Mapping[str, Any]) -> dict[str, PushResult]:
    found = {}
    for product, offers in group.items():
        for offer in offers:
            try:
                found[offer.key] = verdict(offer, rows.get(product))
            except Unreadable as error:
                found[offer.key] = PushResult(
                    offer.key, PushOutcome.UNKNOWN, None, "bad_record", str(error)
                )
    return found


def _listed(client: Client, parent: str, products: Sequence[str]) -> list[Any]:
    query = {"include": ",".join(products), "per_page": str(LARGEST), "status": "any"}
    try:
        return client.listed(paths.products(parent), query)
    except RejectedError as error:
        if parent and Refusal(error.code, "").unknown:
            return []  # the product is gone, and its variations with it
        raise


def _refused(offer: StockOffer, told: Refusal) -> PushResult:
    outcome = PushOutcome.GONE if told.unknown else PushOutcome.REJECTED
    return PushResult(offer.key, outcome, None, told.code, told.message)


def _rejected(offer: StockOffer, code: str, message: str) -> PushResult:
    return PushResult(offer.key, PushOutcome.REJECTED, None, code, message)


def _untold(group: Group, error: ConnectorError) -> dict[str, PushResult]:
    """Of the call that failed; those before it are answered."""
    unknown = isinstance(error, UnknownOutcome | ProtocolError)
    return _all(group, PushOutcome.UNKNOWN if unknown else PushOutcome.RETRY, error)


def _all(group: Group, outcome: PushOutcome, error: ConnectorError) -> dict[str, PushResult]:
    return {
        one.key: PushResult(one.key, outcome, None, error.code, error.message)
        for offers in group.values()
        for one in offers
    }


def _chunks(products: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(products), LARGEST):
        yield products[start : start + LARGEST]
