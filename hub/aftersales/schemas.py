"""What the API of refunds and payouts takes and answers. Amounts are minor units."""

from __future__ import annotations

from marshmallow import fields

from hub.api.fields import Answer, PageQuery, QueryWhole, Text, Whole, page_of, when
from hub.sales.incoming import LARGEST_AMOUNT
from hub.sales.schemas import OfLines, some_lines


class RefundBody(OfLines):
    amount = Whole(1, LARGEST_AMOUNT, required=True)
    currency = Text(3, 3, load_default=None, metadata={"description": "the order's"})
    reason = Text(500, 1, required=True)
    lines = some_lines("what it is given back for; no goods move")


class RefundAnswer(Answer):
    id = fields.Integer(required=True)
    account_id = fields.Integer(required=True)
    order_id = fields.Integer(required=True, allow_none=True)
    external_id = fields.String(
        required=True, metadata={"description": "the channel's own; ours while it is pending"}
    )
    currency = fields.String(required=True)
    amount = fields.Integer(required=True)
    state = fields.String(required=True, metadata={"description": "pending, done or refused"})
    reason = fields.String(required=True)
    refunded_at = when(required=True)
    recorded_at = when(required=True)


class RefundsAnswer(Answer):
    items = fields.List(fields.Nested(RefundAnswer), required=True)


class PayoutQuery(PageQuery):
    account_id = QueryWhole(1, load_default=None)


class FeeAnswer(Answer):
    kind = fields.String(required=True, metadata={"description": "the channel's own word"})
    amount = fields.Integer(required=True)
    order_key = fields.String(required=True)


class PayoutAnswer(Answer):
    id = fields.Integer(required=True)
    account_id = fields.Integer(required=True)
    external_id = fields.String(required=True)
    currency = fields.String(required=True)
    amount = fields.Integer(required=True)
    paid_at = when(required=True)
    recorded_at = when(required=True)
    fees = fields.List(fields.Nested(FeeAnswer), required=True)


PayoutPage = page_of(PayoutAnswer)
