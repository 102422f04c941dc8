"""Oscar's JSON → records. Pure.

Records point at each other by URL; the number at its end is the id. A listing is a stock record:
order lines name it, and a product sold by two partners has two. Lines tell no SKU and no title.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from connectors.fields import Record, Unreadable, each
from connectors.records import (
    BadRecord,
    Buyer,
    ChannelOrder,
    Listing,
    ListingState,
    OrderLine,
    OrderStatus,
)

T = TypeVar("T")

#: A shop's words are its own (OSCAR_ORDER_STATUS_PIPELINE); these are the sandbox's and the API's.
STATUS = {
    "new": OrderStatus.CONFIRMED,
    "pending": OrderStatus.CONFIRMED,
    "being processed": OrderStatus.CONFIRMED,
    "shipped": OrderStatus.SHIPPED,
    "complete": OrderStatus.SHIPPED,
    "cancelled": OrderStatus.CANCELLED,
}
GONE_OUT = (OrderStatus.SHIPPED, OrderStatus.DELIVERED, OrderStatus.SIGNED)
_ADDRESS = ("line1", "line2", "line3", "state", "postcode")


class Node(Record):
    def link(self, name: str) -> str:
        """The last part of a URL, "" where there is none."""
        return self.words(name).rstrip("/").rpartition("/")[2]

    def ident(self, name: str) -> str:
        """The id at the end of a URL that must be there, and end in one."""
        found = self.link(name)
        if not (found.isascii() and found.isdecimal()):
            raise Unreadable(self.at(name), "does not end in an id" if found else "missing")
        return found

    def optional_ident(self, name: str) -> str:
        return self.ident(name) if self.has(name) else ""


class Goods(NamedTuple):
    """What a stock record sells."""

    sku: str
    title: str


class Dated(NamedTuple):
    """An order of the list and its place there. Ids grow, but the list goes by date."""

    placed_at: datetime
    key: int
    data: Mapping[str, Any]


class Level(NamedTuple):
    """A stock record's units; those allocated to orders lie on hand until they are sent."""

    on_hand: int
    allocated: int

    @property
    def free(self) -> int:
        return self.on_hand - self.allocated


def money_of(typed: str) -> str:
    return Node({"currency": typed or "GBP"}).currency("currency")


def statuses(typed: str) -> dict[str, OrderStatus]:
    """The usual words and the seller's own: ``word=status, word=status``."""
    table = dict(STATUS)
    for pair in filter(None, map(str.strip, typed.split(","))):
        word, _, ours = pair.rpartition("=")
        if not word or ours.strip().lower() not in list(OrderStatus):
            raise Unreadable("statuses", f"{pair!r} is not word=status")
        table[word.strip().casefold()] = OrderStatus(ours.strip().lower())
    return table


def dated(data: object) -> Dated:
    node = Node(data)
    return Dated(node.time("date_placed"), int(node.ident("url")), node.data)


def order(
    data: object, lines: Iterable[object], goods: Mapping[str, Goods], words: Mapping[str, Any]
) -> ChannelOrder:
    """``words`` as :func:`statuses` makes them; one that is not there holds the order: it keeps its
    units, and nothing is sent on a guess."""
    node = Node(data)
    currency, word = node.currency("currency"), node.words("status")
    status = words.get(word.casefold(), OrderStatus.HELD)
    parts = [Node(one, f"lines.{n}") for n, one in enumerate(lines)]
    sold = tuple(_line(one, currency, goods, status) for one in parts)
    if not sold:
        raise Unreadable("lines", "an order without lines")
    total, moment = node.amount("total_incl_tax", currency), node.time("date_placed")
    return ChannelOrder(
        external_id=node.ident("url"),
        number=node.key("number"),
        status=status,
        channel_status=word,
        currency=currency,
        total=total,
        placed_at=moment,
        updated_at=moment,
        lines=sold,
        shipping=node.optional_amount("shipping_incl_tax", currency),
        tax=max(total - node.amount("total_excl_tax", currency), 0),
        discount=sum(one.discount for one in sold),
        tax_included=True,
        buyer=_buyer(node),
        raw={**node.data, "lines": [one.data for one in parts]},
    )


def sold_as(product: object) -> dict[str, Goods]:
    """By stock record."""
    node = Node(product)
    records = node.parts_if_any("stockrecords")
    skus = {one.ident("url"): one.words("partner_sku") for one in records}
    return {key: Goods(sku, node.words("title") or sku) for key, sku in skus.items()}


def catalogue(
    products: Iterable[object], classes: Iterable[object]
) -> tuple[tuple[Listing, ...], tuple[BadRecord, ...]]:
    """A listing for each stock record. Children stand in the list beside their parents."""
    known = [one for one in products if isinstance(one, Mapping)]
    parents = {one.get("id"): one for one in known if one.get("structure") == "parent"}
    kinds = {one.get("slug"): one for one in classes if isinstance(one, Mapping)}

    def read(product: Any) -> list[Listing]:
        node = Node(product)
        parent = Node(parents.get(node.whole("parent"), {}))
        kind = node.words("product_class") or parent.words("product_class")
        counted = Node(kinds.get(kind, {})).truth("track_stock", otherwise=True)
        records = node.parts_if_any("stockrecords")
        return [_listing(one, node, parent, counted=counted) for one in records]

    good, bad = each(products, read)
    return tuple(one for some in good for one in some), bad


def _listing(record: Node, product: Node, parent: Node, *, counted: bool) -> Listing:
    """A child without a title has its parent's. Not ``counted``: Oscar sells it whatever its
    number, which the handles tell those who would write it."""
    currency, sku = record.currency("price_currency"), record.text("partner_sku")
    public = [one.truth("is_public", otherwise=True) for one in (product, parent)]
    return Listing(
        external_id=record.ident("url"),
        sku=sku,
        title=product.words("title") or parent.words("title") or sku,
        quantity=level(record.data).free if counted else None,
        state=ListingState.ACTIVE if all(public) else ListingState.PAUSED,
        parent_key=str(product.whole("parent") or product.key("id")),
        barcode=product.words("upc"),
        price=record.amount("price", currency) if record.has("price") else None,
        currency=currency,
        handles={} if counted else {"counted": "no"},
        updated_at=record.optional_time("date_updated"),
    )


def level(data: object) -> Level:
    """Null is none: nothing was ever counted, or allocated."""
    node = Node(data)
    if "num_in_stock" not in node.data:
        raise Unreadable("num_in_stock", "missing")
    units = [node.units(name, otherwise=0) for name in ("num_in_stock", "num_allocated")]
    return Level(*units)


def _line(node: Node, currency: str, goods: Mapping[str, Goods], status: OrderStatus) -> OrderLine:
    """Oscar tells sums. Units of a line are neither sent nor cancelled but with the whole order."""
    units, key = node.units("quantity", least=1), node.optional_ident("stockrecord")
    before = node.amount("price_incl_tax_excl_discounts", currency)
    total = node.amount("price_incl_tax", currency)
    sold = goods.get(key, Goods("", ""))
    return OrderLine(
        external_id=node.ident("url"),
        listing_key=key,
        sku=sold.sku,
        title=sold.title,
        quantity=units,
        unit_price=before // units,
        total=total,
        cancelled=units if status is OrderStatus.CANCELLED else 0,
        shipped=units if status in GONE_OUT else 0,
        tax=max(total - node.amount("price_excl_tax", currency), 0),
        discount=max(before - total, 0),
    )


def _buyer(node: Node) -> Buyer:
    to = node.part_or_empty("shipping_address")
    parts = {name: to.words(name) for name in _ADDRESS}
    parts["city"], parts["country"] = to.words("line4"), to.link("country")
    return Buyer(
        external_id=node.link("owner"),
        name=f"{to.words('first_name')} {to.words('last_name')}".strip(),
        email=node.words("email"),
        phone=to.words("phone_number"),
        address={name: value for name, value in parts.items() if value},
    )
