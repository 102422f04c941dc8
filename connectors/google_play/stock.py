"""Availability at Google Play: a purchase option is activated while there is something to sell,
deactivated when there is not, and read back.

Both calls are all or nothing, so a refused item is found by halving. Google says nowhere whether
switching on what is on is refused: a refused item whose state is right already is taken as done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.errors import ConnectorError, ProtocolError, RejectedError, UnknownOutcome
from connectors.fields import Unreadable
from connectors.google_play import answers, mapping
from connectors.google_play.client import Client
from connectors.google_play.halving import halving
from connectors.records import ListingRef, PushOutcome, PushResult, RemoteStock, StockOffer

SWITCH_PAGE = 100
#: Half of what is allowed: the ids go in the address, which must not grow too long.
READ_PAGE = 50

PRODUCT = "product_id"
OPTION = "purchase_option_id"
#: In place of a product where a call is about several.
ANY = "-"


def push(client: Client, offers: Sequence[StockOffer]) -> tuple[PushResult, ...]:
    """One answer per offer. Raises only from the first call, while nothing is known of any."""
    refused = {one.key: reason for one in offers if (reason := _objection(one))}
    waiting = [one for one in offers if one.key not in refused]
    results = {
        key: PushResult(key, PushOutcome.REJECTED, None, why) for key, why in refused.items()
    }
    switch = _Switch(client)
    for one in halving(waiting, switch.set, switch.refused):
        results[one.key] = one
    return tuple(results[offer.key] for offer in offers)


def read(client: Client, refs: Sequence[ListingRef]) -> tuple[RemoteStock, ...]:
    products = dict.fromkeys(_place(ref.key, ref.handles)[0] for ref in refs)
    shown: dict[str, int] = {}
    for some in _chunks([one for one in products if one]):
        for found in halving(some, lambda ids: _products(client, ids), lambda key, error: []):
            shown.update(found)
    return tuple(_remote(ref, shown) for ref in refs)


class _Switch:
    """One push. Once a call has been answered, something is known of some item: what befalls the
    rest is told item by item, and after an error nothing more is sent."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._answered = False
        self._stopped: ConnectorError | None = None

    def set(self, offers: Sequence[StockOffer]) -> list[PushResult]:
        if self._stopped is not None:
            return _untold(offers, self._stopped, PushOutcome.RETRY)
        try:
            return _set(self._client, offers)
        except RejectedError:
            raise
        except ConnectorError as error:
            if not self._answered:
                raise
            self._stopped = error
            unknown = isinstance(error, UnknownOutcome)
            return _untold(offers, error, PushOutcome.UNKNOWN if unknown else PushOutcome.RETRY)
        finally:
            self._answered = True

    def refused(self, offer: StockOffer, error: RejectedError) -> list[PushResult]:
        try:
            (now,) = read(self._client, [ListingRef(offer.key, offer.handles)])
        except ConnectorError:
            return [PushResult(offer.key, PushOutcome.RETRY, None, error.code, error.message)]
        if now.gone:
            return [PushResult(offer.key, PushOutcome.GONE, None, error.code, error.message)]
        done = now.quantity == _wanted(offer)
        outcome = PushOutcome.ACCEPTED if done else PushOutcome.REJECTED
        told = ("", "") if done else (error.code, error.message)
        return [PushResult(offer.key, outcome, now.quantity, *told)]


def request(package: str, offers: Sequence[StockOffer]) -> tuple[str, dict[str, Any]]:
    """(the product in the address, the body) of one call."""
    requests = []
    products = set()
    for offer in offers:
        product, option = _place(offer.key, offer.handles)
        products.add(product)
        named = {"packageName": package, "productId": product, "purchaseOptionId": option}
        verb = "activate" if _wanted(offer) else "deactivate"
        requests.append({f"{verb}PurchaseOptionRequest": named})
    return products.pop() if len(products) == 1 else ANY, {"requests": requests}


def _set(client: Client, offers: Sequence[StockOffer]) -> list[PushResult]:
    product, body = request(client.package, offers)
    path = ("oneTimeProducts", product, "purchaseOptions")
    answer = client.write(*path, verb="batchUpdateStates", body=body)
    try:
        found = [mapping.options(one) for one in answers.listed(answer, "oneTimeProducts")]
    except (Unreadable, ProtocolError) as error:
        raise UnknownOutcome(f"the answer to a switch is not one: {error}") from error
    if len(found) != len(offers):
        raise UnknownOutcome("a switch was answered without one product per request")
    return [
        PushResult(offer.key, PushOutcome.ACCEPTED, shown.get(_key(offer), _wanted(offer)))
        for offer, shown in zip(offers, found, strict=True)
    ]


def _products(client: Client, ids: Sequence[str]) -> list[Mapping[str, int]]:
    asked = [("productIds", one) for one in ids]
    body = client.read("oneTimeProducts", verb="batchGet", params=asked)
    found = answers.listed(body, "oneTimeProducts")
    if not found:
        raise ProtocolError("products by id came without one of them", code="bad_page")
    try:
        return [mapping.options(one) for one in found]
    except Unreadable as error:
        raise ProtocolError(f"a product cannot be read: {error}", code="bad_record") from error


def _remote(ref: ListingRef, shown: Mapping[str, int]) -> RemoteStock:
    found = shown.get(mapping.listing_key(*_place(ref.key, ref.handles)))
    return RemoteStock(ref.key, found, gone=found is None)


def _untold(
    offers: Sequence[StockOffer], error: ConnectorError, outcome: PushOutcome
) -> list[PushResult]:
    return [PushResult(one.key, outcome, None, error.code, error.message) for one in offers]


def _objection(offer: StockOffer) -> str:
    if offer.quantity < 0:
        return "negative"
    return "" if all(_place(offer.key, offer.handles)) else "no_purchase_option"


def _wanted(offer: StockOffer) -> int:
    return 1 if offer.quantity > 0 else 0


def _key(offer: StockOffer) -> str:
    return mapping.listing_key(*_place(offer.key, offer.handles))


def _place(key: str, handles: Mapping[str, str]) -> tuple[str, str]:
    """Product and purchase option, by the handles or else by the listing's key."""
    product, _, option = key.rpartition("/")
    return handles.get(PRODUCT, product), handles.get(OPTION, option)


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), READ_PAGE):
        yield ids[start : start + READ_PAGE]
