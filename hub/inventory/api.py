"""Stock, products, locations and adjustments over HTTP."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from flask.views import MethodView

from hub.api.blueprints import Blueprint, needs
from hub.api.edge import command, expected_version, installation, note, reading, tag
from hub.api.fields import PageQuery
from hub.db import Transaction
from hub.errors import InvalidInput, StaleVersion
from hub.inventory import adjusting, keys, levels, products
from hub.inventory.adjusting import Adjustment
from hub.inventory.levels import StockRow
from hub.inventory.products import NewProduct, sku_key
from hub.inventory.schemas import (
    AdjustmentAnswer,
    AdjustmentBody,
    KeyCounts,
    KeysAdded,
    KeysBody,
    KeysWithdrawn,
    LocationAnswer,
    LocationBody,
    LocationsAnswer,
    OneStockAnswer,
    ProductAnswer,
    ProductChangeBody,
    ProductPage,
    ProductsAnswer,
    ProductsBody,
    StockPage,
    StockQuery,
    WithdrawalBody,
)
from hub.paging import after_text, page

blueprint = Blueprint(
    "stock",
    __name__,
    role="viewer",
    url_prefix="/api/v1",
    description="Products, locations, levels, adjustments and activation keys",
)


def by_product(rows: list[StockRow]) -> list[dict[str, Any]]:
    """One entry per product with its levels; a product without any has an empty list."""
    found = []
    for (number, sku, name), group in groupby(rows, lambda row: row[:3]):
        kept = [row for row in group if row.location and row.quantity]
        found.append({"product_id": number, "sku": sku, "name": name, "levels": kept})
    return found


@blueprint.route("/stock")
class Stock(MethodView):
    @blueprint.query(PageQuery)
    @blueprint.answers(200, StockPage)
    def get(self, query: dict[str, Any]) -> Any:
        """Levels of every product by location and state, in the order of SKUs"""
        with reading() as tx:
            rows = levels.stock_page(tx, after_text(query["after"], "stock"), query["limit"] + 1)
        return page(by_product(rows), query["limit"], "stock", lambda one: sku_key(one["sku"]))


@blueprint.route("/stock/<path:sku>")
class OneStock(MethodView):
    @blueprint.query(StockQuery)
    @blueprint.answers(200, OneStockAnswer)
    def get(self, query: dict[str, Any], sku: str) -> Any:
        """One SKU's levels, now or at any past moment"""
        with reading() as tx:
            found = levels.stock(tx, sku, query["as_of"])
        return {"sku": sku, "as_of": query["as_of"], "levels": found}


@blueprint.route("/stock/adjustments")
class Adjustments(MethodView):
    @needs("support")
    @blueprint.takes(AdjustmentBody)
    @blueprint.answers(200, AdjustmentAnswer)
    def post(self, body: dict[str, Any]) -> Any:
        """Add or take off units, all lines or none

        Sent again with its key it changes nothing; the same key with other lines is refused.
        """
        key = f"api:{body['key']}"

        def adjust(tx: Transaction) -> bool:
            changes = _changes(tx, body["lines"])
            if not adjusting.adjust_once(tx, key, changes, note=body["reason"]):
                return False
            told = {"reason": body["reason"], "lines": body["lines"]}
            note(tx, "stock.adjust", f"adjustment:{body['key']}", after=told)
            return True

        return {"key": body["key"], "posted": command(adjust)}


def _changes(tx: Transaction, lines: list[dict[str, Any]]) -> list[Adjustment]:
    """Raises InvalidInput naming the line whose product or location there is not."""
    known = products.by_sku(tx, [line["sku"] for line in lines])
    places = {place.code: place.id for place in products.locations(tx)}
    changes = []
    for number, line in enumerate(lines):
        product_id = known.get(sku_key(line["sku"]))
        if product_id is None:
            raise InvalidInput(f"lines[{number}].sku", "is no product of yours")
        if line["location"] not in places:
            raise InvalidInput(f"lines[{number}].location", "is no location of yours")
        changes.append(Adjustment(product_id, places[line["location"]], line["change"]))
    return changes


@blueprint.route("/products")
class Products(MethodView):
    @blueprint.query(PageQuery)
    @blueprint.answers(200, ProductPage)
    def get(self, query: dict[str, Any]) -> Any:
        """Products in the order of their SKUs"""
        with reading() as tx:
            after = after_text(query["after"], "products")
            found = products.products(tx, after, query["limit"] + 1)
        return page(found, query["limit"], "products", lambda one: one.sku_key)

    @needs("support")
    @blueprint.takes(ProductsBody)
    @blueprint.answers(200, ProductsAnswer)
    def post(self, body: dict[str, Any]) -> Any:
        """Create products; those whose SKU is known stay as they are"""
        wanted = [NewProduct(**one) for one in body["items"]]

        def create(tx: Transaction) -> list[Any]:
            ids = sorted(products.add_products(tx, wanted).values())
            note(tx, "products.create", "products", after={"skus": [one.sku for one in wanted]})
            return products.these(tx, ids)

        return {"items": command(create)}


@blueprint.route("/products/<row:product_id>")
class OneProduct(MethodView):
    @blueprint.answers(200, ProductAnswer)
    def get(self, product_id: int) -> Any:
        """One product"""
        with reading() as tx:
            found = products.get(tx, product_id)
        return found, 200, tag(found.version)

    @needs("support")
    @blueprint.updates()
    @blueprint.takes(ProductChangeBody)
    @blueprint.answers(200, ProductAnswer)
    def patch(self, body: dict[str, Any], product_id: int) -> Any:
        """Sell a product by activation keys from now on

        Each unit of it is then a key of its pool. Refused while there is stock of it.
        """
        version = expected_version()

        def change(tx: Transaction) -> products.Product:
            before = products.get(tx, product_id)
            if before.version != version:
                raise StaleVersion(f"product {product_id} has version {before.version}")
            if keys.make_keyed(tx, installation().keyring, product_id):
                subject = f"product:{product_id}"
                note(tx, "product.keyed", subject, {"keyed": False}, {"keyed": True})
            return products.get(tx, product_id)

        now = command(change)
        return now, 200, tag(now.version)


@blueprint.route("/products/<row:product_id>/keys")
class Keys(MethodView):
    @blueprint.answers(200, KeyCounts)
    def get(self, product_id: int) -> Any:
        """How many keys a product has; never the keys"""
        with reading() as tx:
            return keys.counts(tx, product_id)

    @needs("support")
    @blueprint.takes(KeysBody)
    @blueprint.answers(200, KeysAdded)
    def post(self, body: dict[str, Any], product_id: int) -> Any:
        """Receive keys into the pool, a unit of stock each, all or none

        One that is blank, doubled or in the pool already is named by its place in the list.
        """

        def receive(tx: Transaction) -> int:
            products.get(tx, product_id)
            place = _location(tx, body["location"])
            added = keys.add_keys(tx, installation().keyring, product_id, place, body["keys"])
            if added:
                told = {"location": body["location"], "count": added}
                note(tx, "keys.receive", f"product:{product_id}", after=told)
            return added

        return {"added": command(receive)}


@blueprint.route("/products/<row:product_id>/keys/withdrawals")
class KeyWithdrawals(MethodView):
    @needs("support")
    @blueprint.takes(WithdrawalBody)
    @blueprint.answers(200, KeysWithdrawn)
    def post(self, body: dict[str, Any], product_id: int) -> Any:
        """Take keys that leaked out of the pool for good, and their units with them

        Named by themselves, in the body, so that no address and no log holds one.
        """

        def withdraw(tx: Transaction) -> int:
            gone = keys.withdraw(tx, installation().keyring, product_id, body["keys"])
            if gone:
                note(tx, "keys.withdraw", f"product:{product_id}", after={"count": gone})
            return gone

        return {"withdrawn": command(withdraw)}


def _location(tx: Transaction, code: str) -> int:
    """Raises InvalidInput."""
    places = {place.code: place.id for place in products.locations(tx)}
    if code not in places:
        raise InvalidInput("location", "is no location of yours")
    return places[code]


@blueprint.route("/locations")
class Locations(MethodView):
    @blueprint.answers(200, LocationsAnswer)
    def get(self) -> Any:
        """Where stock is kept, in the order it is sold from"""
        with reading() as tx:
            return {"items": products.locations(tx)}

    @needs("support")
    @blueprint.takes(LocationBody)
    @blueprint.answers(200, LocationAnswer)
    def post(self, body: dict[str, Any]) -> Any:
        """Create a warehouse; one whose code is known stays as it is"""

        def create(tx: Transaction) -> Any:
            number = products.add_location(tx, body["code"], body["name"])
            note(tx, "location.create", f"location:{number}", after=body)
            return next(one for one in products.locations(tx) if one.id == number)

        return command(create)
