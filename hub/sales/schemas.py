"""What the API of orders takes and answers. Nothing of the buyer is in it."""

from __future__ import annotations

from marshmallow import fields

from hub.api.fields import Answer, PageQuery, QueryWhole, one_of, page_of, when

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
