"""Products and their variations → listings, and where each one's stock is kept. Pure.

A variation keeps its own stock, or its product keeps it for all (``manage_stock: "parent"``); then
the number to write is the product's. The handles say which: ``product_id`` is what holds the
number, ``parent_id`` the product by whose route a variation is reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import unescape

from connectors.fields import MOST_UNITS
from connectors.records import Listing, ListingState, RemoteStock
from connectors.woocommerce.fields import Record

PRODUCT, PARENT = "product_id", "parent_id"

STATE = {
    "publish": ListingState.ACTIVE,
    "draft": ListingState.PAUSED,
    "pending": ListingState.PAUSED,
    "private": ListingState.PAUSED,
    "future": ListingState.PAUSED,
    "trash": ListingState.ENDED,
}
#: What is not sold by itself: a shelf of other products, and a link to another shop.
NOT_SOLD = {"grouped", "external"}
BY_PARENT = "parent"


def is_variable(product: object) -> bool:
    """Subscriptions come in variations too, under a type of their own."""
    return Record(product).words("type").startswith("variable")


def simple(product: object, currency: str) -> tuple[Listing, ...]:
    node = Record(product)
    if node.words("type") in NOT_SOLD:
        return ()
    key = node.key("id")
    return (_listing(node, key, currency, unescape(node.words("name")), {PRODUCT: key}),)


def variations(product: object, found: Iterable[object], currency: str) -> Iterator[Listing]:
    """Of one variable product. Raises Unreadable."""
    parent = Record(product)
    parent_key, name = parent.key("id"), unescape(parent.words("name"))
    shown = _state(parent)
    for one in found:
        node = Record(one)
        options = [each.words("option") for each in node.parts_if_any("attributes")]
        title = " - ".join(filter(None, (name, unescape(", ".join(filter(None, options))))))
        key = node.key("id")
        handles = {PRODUCT: key, PARENT: parent_key}
        if keeper(node) == BY_PARENT:
            handles = {PRODUCT: parent_key}
        yield _listing(node, parent_key, currency, title, handles, shown)


def keeper(node: Record) -> str:
    """Who counts the stock: "own", "parent", or "" for nobody."""
    told = node.data.get("manage_stock")
    if told == BY_PARENT:
        return BY_PARENT
    return "own" if told in (True, "yes", "true", 1) else ""


def quantity(node: Record) -> int | None:
    """Units free to sell; None where nobody counts them. Below zero is possible."""
    if not keeper(node):
        return None
    return node.units("stock_quantity", least=-MOST_UNITS, otherwise=0)


def remote_stock(key: str, found: object | None) -> RemoteStock:
    if found is None:
        return RemoteStock(key, None, gone=True)
    return RemoteStock(key, quantity(Record(found)))


def _listing(
    node: Record,
    parent_key: str,
    currency: str,
    title: str,
    handles: dict[str, str],
    shown: ListingState = ListingState.ACTIVE,
) -> Listing:
    state = _state(node)
    return Listing(
        external_id=node.key("id"),
        sku=node.words("sku"),
        title=title[:500] or node.key("id"),
        quantity=quantity(node),
        state=state if shown is ListingState.ACTIVE else shown,
        parent_key=parent_key,
        barcode=node.words("global_unique_id"),
        price=node.money("price", currency) if node.words("price") else None,
        currency=currency,
        handles=handles,
        updated_at=node.optional_gmt("date_modified_gmt"),
    )


def _state(node: Record) -> ListingState:
    """Older versions tell of a variation only whether it can be seen."""
    if isinstance(node.data.get("status"), bool):
        return ListingState.ACTIVE if node.truth("status") else ListingState.PAUSED
    return STATE.get(node.words("status") or "publish", ListingState.PAUSED)
