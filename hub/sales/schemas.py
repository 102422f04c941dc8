"""What the API of orders takes and answers. Nothing of the buyer is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from hub.api.fields import (
    Answer,
    PageQuery,
    QueryWhole,
    Strict,
    Text,
    Whole,
    one_of,
    page_of,
    row_id,
    when,
)

STATUSES = (
    "unpaid",
    "held",
    "confirmed",
    "part_shipped",
    "shipped",
    "delivered",
    "signed",
    "cancelled",
)


class OrderQuery(PageQuery):
    account_id = QueryWhole(1, load_default=None)
    status = one_of(*STATUSES, load_default=None)


class OrderAnswer(Answer):
    id = fields.Integer(required=True)
    account_id = fields.Integer(required=True)
    external_id = fields.String(required=True)
    number = fields.String(required=True)
    status = fields.String(required=True)
    channel_status = fields.String(required=True)
    currency = fields.String(required=True)
    total = fields.Integer(required=True, metadata={"description": "minor units of `currency`"})
    placed_at = when(required=True)
    source_updated_at = when(required=True, metadata={"description": "by the channel's clock"})
    taken_in_at = when(required=True)
    test = fields.Boolean(required=True)
    fulfilled_by_channel = fields.Boolean(
        required=True, metadata={"description": "the channel sends the goods itself"}
    )


class LineAnswer(Answer):
    """quantity = allocated + claimed + shipped + cancelled + settled + pending."""

    id = fields.Integer(required=True)
    external_id = fields.String(required=True)
    listing_key = fields.String(required=True)
    product_id = fields.Integer(required=True, allow_none=True)
    sku = fields.String(required=True)
    title = fields.String(required=True)
    quantity = fields.Integer(required=True)
    unit_price = fields.Integer(required=True)
    total = fields.Integer(required=True)
    allocated = fields.Integer(required=True)
    claimed = fields.Integer(required=True)
    shipped = fields.Integer(required=True)
    cancelled = fields.Integer(required=True)
    settled = fields.Integer(required=True)
    pending = fields.Integer(required=True)
    returned = fields.Integer(required=True)
    withdrawn = fields.Integer(
        required=True, metadata={"description": "of the cancelled units, those taken off here"}
    )


class OrderDetail(OrderAnswer):
    lines = fields.List(fields.Nested(LineAnswer), required=True)


class OrderKey(Answer):
    line_id = fields.Integer(required=True)
    sku = fields.String(required=True)
    key = fields.String(required=True)
    drawn_at = when(required=True)


class OrderKeys(Answer):
    items = fields.List(fields.Nested(OrderKey), required=True)


OrderPage = page_of(OrderAnswer)


MOST_LINES = 1_000
TOLD = "own: the channel is not told; else waiting, told or refused"


class UnitsBody(Strict):
    line_id = row_id(required=True)
    quantity = Whole(1, 1_000_000_000, required=True)


def some_lines(described: str) -> fields.List[Any]:
    """Lines of an order with units of each, at least one; may be left out."""
    return fields.List(
        fields.Nested(UnitsBody),
        load_default=None,
        validate=validate.Length(1, MOST_LINES),
        metadata={"description": described},
    )


class OfLines(Strict):
    """A body that may name lines."""

    @validates_schema
    def each_once(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        seen: set[int] = set()
        for place, one in enumerate(data.get("lines") or ()):
            if one["line_id"] in seen:
                raise ValidationError({"lines": {place: {"line_id": ["Comes twice."]}}})
            seen.add(one["line_id"])


def units(lines: Sequence[Mapping[str, int]] | None) -> dict[int, int] | None:
    """Line id → units, None where no lines were given."""
    return None if lines is None else {one["line_id"]: one["quantity"] for one in lines}


class ShipmentBody(OfLines):
    carrier = Text(100, 1, required=True)
    tracking_number = Text(200, load_default="")
    tracking_url = fields.Url(
        schemes={"https", "http"}, load_default="", validate=validate.Length(0, 500)
    )
    shipped_at = when(load_default=None, metadata={"description": "now where it is left out"})
    lines = some_lines("left out: all that is allocated")


class CorrectionBody(Strict):
    carrier = Text(100, 1, load_default=None)
    tracking_number = Text(200, load_default=None)
    tracking_url = fields.Url(
        schemes={"https", "http"}, load_default=None, validate=validate.Length(0, 500)
    )


class SentAnswer(Answer):
    line_id = fields.Integer(required=True)
    sku = fields.String(required=True)
    quantity = fields.Integer(required=True)


class ShipmentAnswer(Answer):
    id = fields.Integer(required=True)
    order_id = fields.Integer(required=True)
    number = fields.String(required=True)
    carrier = fields.String(required=True)
    tracking_number = fields.String(required=True)
    tracking_url = fields.String(required=True)
    shipped_at = when(required=True)
    external_id = fields.String(required=True, metadata={"description": "the channel's own"})
    state = fields.String(required=True, metadata={"description": TOLD})
    version = fields.Integer(required=True)
    made_at = when(required=True)
    lines = fields.List(fields.Nested(SentAnswer), required=True)


class ShipmentsAnswer(Answer):
    items = fields.List(fields.Nested(ShipmentAnswer), required=True)


class CancellationBody(OfLines):
    reason = Text(500, 1, required=True)
    lines = some_lines("left out: all that has not left yet")


class CancellationAnswer(Answer):
    id = fields.Integer(required=True)
    order_id = fields.Integer(required=True)
    reason = fields.String(required=True)
    state = fields.String(required=True, metadata={"description": TOLD})
    made_at = when(required=True)
    lines = fields.List(fields.Nested(SentAnswer), required=True)


class CancellationsAnswer(Answer):
    items = fields.List(fields.Nested(CancellationAnswer), required=True)
