"""Off sale instead of 0: for markets or products where the platform does not take 0 as stock.

TikTok documents stock as 1 to 99,999 and does not say what 0 does. The seller's setting decides:
write 0, as other software does, or switch the product off and on. A product of several SKUs is
never switched off, as the others would go with it: there 0 is written in either case.

https://partner.tiktokshop.com/docv2/page/deactivate-products and activate-product
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from connectors.errors import ConnectorError, ProtocolError, UnknownOutcome
from connectors.fields import Unreadable
from connectors.records import ListingRef, PushOutcome, PushResult, RemoteStock, StockOffer
from connectors.tiktok_shop import answers, stock
from connectors.tiktok_shop.client import Client
from connectors.tiktok_shop.fields import Record
from connectors.tiktok_shop.mapping import SWITCHED_OFF
from connectors.tiktok_shop.operations import (
    ACTIVATE,
    DEACTIVATE,
    PRODUCTS,
    PRODUCTS_SWITCHED,
    SKUS_ASKED,
    Operation,
)

T = TypeVar("T")

#: "Not available in the current status": on or off already, or waiting to be audited.
OTHER_STATUS = "12052901"


def push(client: Client, offers: Sequence[StockOffer], warehouse: str) -> stock.Results:
    """Off what has run out, on what may be off, then the numbers of all that is on. A product that
    was switched on is audited first; its number is tried again until that is done."""
    off = [one for one in offers if one.quantity == 0 and alone(one.handles)]
    rest = [one for one in offers if one not in off]
    asleep = [one for one in rest if alone(one.handles) and not one.expected and one.quantity > 0]
    results: stock.Results = {}
    try:
        results |= _switch(client, DEACTIVATE, off)
        results |= _refused(_switch(client, ACTIVATE, asleep))
        awake = [one for one in rest if one.key not in results]
        numbers = stock.push(client, awake, warehouse)
    except ConnectorError as error:
        if not results:
            raise
        unsaid = [one for one in offers if one.key not in results]
        return results | stock.every(unsaid, PushOutcome.RETRY, error)
    return results | {key: _waiting(one) for key, one in numbers.items()}


def read(client: Client, refs: Sequence[ListingRef]) -> tuple[RemoteStock, ...]:
    """A product that is off shows 0, whatever number it keeps."""
    off = _off(client, [ref.key for ref in refs if alone(ref.handles)])
    return tuple(
        replace(one, quantity=0) if one.key in off and not one.gone else one
        for one in stock.read(client, refs)
    )


def alone(handles: Mapping[str, str]) -> bool:
    """Whether the listing is its product's only SKU."""
    return bool(handles.get("only_sku"))


def _switch(client: Client, operation: Operation, offers: Sequence[StockOffer]) -> stock.Results:
    """Each offer's answer, ACCEPTED where the product is now (or was already) as it should be."""
    found: stock.Results = {}
    for some in _chunks(offers, PRODUCTS_SWITCHED):
        asked = {"product_ids": [one.handles["product_id"] for one in some]}
        data = client.run(operation, body=asked)
        try:
            errors = dict(_errors(answers.listed(data, "errors")))
        except (Unreadable, ProtocolError) as error:
            raise UnknownOutcome(f"the answer to a switch is not one: {error}") from error
        for one in some:
            code, said = errors.get(one.handles["product_id"], (OTHER_STATUS, ""))
            fine = code == OTHER_STATUS
            outcome = stock.OUTCOMES.get(code, PushOutcome.REJECTED)
            found[one.key] = (
                PushResult(one.key, PushOutcome.ACCEPTED, one.quantity)
                if fine
                else PushResult(one.key, outcome, None, code, said)
            )
    return found


def _errors(found: Iterable[object]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Product → (code, message)."""
    for one in found:
        error = Record(one)
        yield error.part_or_empty("detail").text("product_id"), stock.reason(error)


def _refused(results: stock.Results) -> stock.Results:
    return {key: one for key, one in results.items() if one.outcome is not PushOutcome.ACCEPTED}


def _waiting(result: PushResult) -> PushResult:
    return replace(result, outcome=PushOutcome.RETRY) if result.code == OTHER_STATUS else result


def _off(client: Client, keys: Sequence[str]) -> set[str]:
    """Those of the SKUs whose product is switched off."""
    found: set[str] = set()
    for some in _chunks(keys, SKUS_ASKED):
        asked = {"status": "ALL", "sku_ids": list(some)}
        data = client.run(PRODUCTS, {"page_size": str(SKUS_ASKED)}, asked)
        try:
            for one in answers.listed(data, "products"):
                product = Record(one)
                if product.words("status") == SWITCHED_OFF:
                    found |= {sku.text("id") for sku in product.parts_if_any("skus")}
        except Unreadable as error:
            raise ProtocolError(f"a product cannot be read: {error}", code="bad_record") from error
    return found


def _chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
