"""What the API of stock takes and answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate

from hub.api.fields import Answer, Flag, Strict, Text, Whole, page_of, when
from hub.errors import InvalidInput
from hub.inventory import keys
from hub.inventory.products import sku_key

MOST_PRODUCTS = 500
MOST_LINES = 500
MOST_UNITS = 1_000_000_000


class Sku(fields.String):
    """A SKU, checked as the ledger checks it."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        sku = str(super()._deserialize(value, attr, data, **kwargs))
        try:
            sku_key(sku)
        except InvalidInput as error:
            raise ValidationError(error.reason) from None
        return sku


class LevelAnswer(Answer):
    location = fields.String(required=True)
    state = fields.String(required=True)
    quantity = fields.Integer(required=True)


class StockAnswer(Answer):
    product_id = fields.Integer(required=True)
    sku = fields.String(required=True)
    name = fields.String(required=True)
    levels = fields.List(fields.Nested(LevelAnswer), required=True)


class StockQuery(Strict):
    as_of = when(load_default=None, metadata={"description": "what the ledger showed then"})


class OneStockAnswer(Answer):
    sku = fields.String(required=True)
    as_of = when(required=True, allow_none=True)
    levels = fields.List(fields.Nested(LevelAnswer), required=True)


class ProductBody(Strict):
    sku = Sku(required=True)
    name = Text(500, load_default="")
    barcode = Text(64, load_default="")


class ProductsBody(Strict):
    items = fields.List(
        fields.Nested(ProductBody), required=True, validate=validate.Length(1, MOST_PRODUCTS)
    )


class ProductAnswer(Answer):
    id = fields.Integer(required=True)
    sku = fields.String(required=True)
    name = fields.String(required=True)
    barcode = fields.String(required=True)
    active = fields.Boolean(required=True)
    keyed = fields.Boolean(
        required=True, metadata={"description": "each unit of it is an activation key"}
    )
    version = fields.Integer(required=True)


class ProductChangeBody(Strict):
    keyed = Flag(
        required=True,
        validate=validate.Equal(True),
        metadata={"description": "true, while there is no stock of it; for good"},
    )


class ProductsAnswer(Answer):
    items = fields.List(fields.Nested(ProductAnswer), required=True)


class AdjustmentLine(Strict):
    sku = Sku(required=True)
    location = Text(40, 1, required=True)
    change = Whole(-MOST_UNITS, MOST_UNITS, required=True)


class AdjustmentBody(Strict):
    key = Text(150, 1, required=True, metadata={"description": "yours; once used, never again"})
    reason = Text(500, 1, required=True)
    lines = fields.List(
        fields.Nested(AdjustmentLine), required=True, validate=validate.Length(1, MOST_LINES)
    )


class AdjustmentAnswer(Answer):
    key = fields.String(required=True)
    posted = fields.Boolean(
        required=True, metadata={"description": "false: this key had been posted before"}
    )


def _keys() -> fields.List[Any]:
    """Activation keys, as they were typed: the pool checks them, and names the entry."""
    told = {"description": f"{keys.LONGEST} characters each at most"}
    return fields.List(
        fields.String(), required=True, validate=validate.Length(1, keys.MOST), metadata=told
    )


class KeysBody(Strict):
    location = Text(40, 1, required=True)
    keys = _keys()


class WithdrawalBody(Strict):
    keys = _keys()


class KeysAdded(Answer):
    added = fields.Integer(
        required=True, metadata={"description": "0: this very list had been received before"}
    )


class KeysWithdrawn(Answer):
    withdrawn = fields.Integer(required=True)


class KeyCounts(Answer):
    free = fields.Integer(
        required=True, metadata={"description": "in the pool, promised to orders or not"}
    )
    drawn = fields.Integer(required=True, metadata={"description": "sold"})
    withdrawn = fields.Integer(required=True)


class LocationBody(Strict):
    code = Text(40, 1, required=True)
    name = Text(200, load_default="")


class LocationAnswer(Answer):
    id = fields.Integer(required=True)
    code = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)
    priority = fields.Integer(required=True)
    active = fields.Boolean(required=True)


class LocationsAnswer(Answer):
    items = fields.List(fields.Nested(LocationAnswer), required=True)


StockPage = page_of(StockAnswer)
ProductPage = page_of(ProductAnswer)
