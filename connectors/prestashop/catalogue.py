"""Listings out of the shop: products, their combinations, and the row of stock of each.

Paged by id: such a walk neither expires nor shifts when a product is added.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.errors import CursorExpired, ProtocolError
from connectors.fields import Unreadable, each
from connectors.prestashop import history, mapping
from connectors.prestashop.answers import NotAllowed
from connectors.prestashop.client import Client
from connectors.prestashop.fields import Row
from connectors.prestashop.localtime import ShopClock
from connectors.prestashop.mapping import Shelf
from connectors.prestashop.office import Office
from connectors.prestashop.pages import MOST
from connectors.prestashop.resources import COMBINATIONS, OPTION_VALUES, PRODUCTS, between
from connectors.prestashop.stock import shelves
from connectors.records import Cursor, Listing, Page

PRODUCTS_PAGE = 50
#: Descriptions are long and not wanted.
SHOWN = "[id,reference,ean13,price,active,available_for_order,date_upd,name]"
WORDS = {"display": "[id,name]"}


def page(client: Client, office: Office, cursor: Cursor) -> Page[Listing]:
    if cursor.token and not cursor.token.isdecimal():
        raise CursorExpired("the walk's token is not ours", code="bad_token")
    start = int(cursor.token or 1)
    query = {
        "display": SHOWN,
        "filter[id]": between(start, MOST),
        "sort": "[id_ASC]",
        "limit": f"0,{PRODUCTS_PAGE}",
    }
    found = client.read(PRODUCTS, query)
    token = _onward(found, start)
    products = [one for one in found if isinstance(one, Mapping)]
    read = Reader(client, office, products) if products else None
    made, bad = each(found, lambda one: read.listings(Row(one)) if read else ())
    listings = tuple(one for some in made for one in some)
    return Page(listings, Cursor(cursor.since, token, cursor.until), bool(token), bad)


def _onward(found: list[Any], start: int) -> str:
    try:
        ids = [Row(one).number("id") for one in found]
    except Unreadable as error:
        raise ProtocolError(f"not a page of products: {error}", code="bad_page") from error
    if any(one < start for one in ids):
        raise ProtocolError("the list of products does not move on", code="page_repeated")
    return str(max(ids) + 1) if len(ids) >= PRODUCTS_PAGE else ""


class Reader:
    """What belongs to the products of one page."""

    def __init__(self, client: Client, office: Office, found: list[Mapping[str, Any]]) -> None:
        ids = history.links(found, "id")
        self._currency = office.currency()
        self._clock: ShopClock = office.clock()
        self._counted = office.counts_stock
        self._shelves = shelves(client, ids, office.shop_id)
        self._combinations: dict[str, list[Row]] = {}
        for one in client.among(COMBINATIONS, "id_product", ids):
            if isinstance(one, Mapping):
                parent = next(iter(history.links([one], "id_product")), "")
                self._combinations.setdefault(parent, []).append(Row(one))
        self._values = self._words(client)

    def listings(self, product: Row) -> tuple[Listing, ...]:
        """Of its combinations, or of itself where it has none."""
        parent = product.key("id")
        combinations = self._combinations.get(parent)
        if not combinations:
            return (self._listing(product, None, "0"),)
        ordered = sorted(combinations, key=lambda one: one.number("id"))
        return tuple(self._listing(product, one, one.key("id")) for one in ordered)

    def _listing(self, product: Row, combination: Row | None, attribute: str) -> Listing:
        found: Shelf | None = self._shelves.get(mapping.key_of(product.key("id"), attribute))
        return mapping.listing(
            product,
            combination,
            found,
            values=self._values,
            currency=self._currency,
            clock=self._clock,
            counted=self._counted,
        )

    def _words(self, client: Client) -> dict[str, str]:
        """Of the options ("Blue", "M"); none where the key may not read them."""
        chosen = [
            one.data
            for some in self._combinations.values()
            for row in some
            for one in row.part_or_empty("associations").parts_if_any("product_option_values")
        ]
        try:
            found = client.among(OPTION_VALUES, "id", history.links(chosen, "id"), WORDS)
            return {row.key("id"): row.in_any_language("name") for row in map(Row, found)}
        except NotAllowed:
            return {}
        except Unreadable as error:
            raise ProtocolError(f"option values: {error}", code="bad_record") from error
