"""What the API of listings takes and answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from hub.api.fields import (
    Answer,
    Flag,
    PageQuery,
    QueryWhole,
    Strict,
    Whole,
    one_of,
    page_of,
    row_id,
    when,
)
from hub.channels.reconciliation.explaining import EXPLANATIONS

MOST_UNITS = 1_000_000_000


class ListingQuery(PageQuery):
    account_id = QueryWhole(1, load_default=None)
    different = fields.Boolean(
        truthy={"true", "1"},
        falsy={"false", "0"},
        load_default=False,
        metadata={"description": "only those whose channel does not show the offer"},
    )


class ListingAnswer(Answer):
    id = fields.Integer(required=True)
    account_id = fields.Integer(required=True)
    external_id = fields.String(required=True)
    sku = fields.String(required=True)
    title = fields.String(required=True)
    state = fields.String(required=True)
    paused = fields.Boolean(required=True)
    product_id = fields.Integer(required=True, allow_none=True)
    offer = fields.Integer(required=True, allow_none=True)
    last_error = fields.String(required=True)
    version = fields.Integer(required=True)


class OfferAnswer(Answer):
    version = fields.Integer(required=True)
    quantity = fields.Integer(required=True)
    derivation = fields.Dict(required=True)
    derived_at = when(required=True)


class ListingDetail(ListingAnswer):
    history = fields.List(
        fields.Nested(OfferAnswer),
        required=True,
        metadata={"description": "newest first: what it was to show, and why"},
    )


class ListingBody(Strict):
    paused = Flag()
    product_id = row_id()

    @validates_schema
    def one_thing(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        if len(data) != 1:
            raise ValidationError("Give either paused or product_id.")


class RuleQuery(Strict):
    listing_id = QueryWhole(load_default=0, metadata={"description": "0: the whole account's rule"})


class RuleBody(Strict):
    listing_id = Whole(0, load_default=0, metadata={"description": "0: the whole account's rule"})
    safety_stock = Whole(0, MOST_UNITS, load_default=0)
    share_percent = Whole(0, 100, load_default=100)
    buffer = Whole(0, MOST_UNITS, load_default=0)
    cap = Whole(0, MOST_UNITS, load_default=None, allow_none=True)
    end_when_below = Whole(0, MOST_UNITS, load_default=0)


class RuleAnswer(Answer):
    account_id = fields.Integer(required=True)
    listing_id = fields.Integer(required=True)
    safety_stock = fields.Integer(required=True)
    share_percent = fields.Integer(required=True)
    buffer = fields.Integer(required=True)
    cap = fields.Integer(required=True, allow_none=True)
    end_when_below = fields.Integer(required=True)
    version = fields.Integer(required=True, metadata={"description": "0: none has been set"})


class ReconciliationAnswer(ListingAnswer):
    last_pushed = fields.Integer(required=True, allow_none=True)
    confirmed = fields.Integer(required=True, allow_none=True)
    channel_now = fields.Integer(required=True, allow_none=True)
    difference = fields.Integer(required=True, allow_none=True)
    pushed_at = when(required=True, allow_none=True)
    confirmed_at = when(required=True, allow_none=True)
    seen_at = when(required=True, allow_none=True)
    explanation = one_of(*EXPLANATIONS, required=True)


ListingPage = page_of(ListingAnswer)
ReconciliationPage = page_of(ReconciliationAnswer)
