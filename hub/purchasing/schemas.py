"""What the API of purchase orders takes and answers. Amounts are the order's minor units."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

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
from hub.inventory.schemas import MOST_UNITS, Sku
from hub.purchasing.history import MEDIA
from hub.purchasing.orders import MOST_LINES
from hub.purchasing.states import STATES, STEPS
from hub.purchasing.supply.schemas import amount, currency, percent

LARGEST_RATE = 10**12


class RateBody(Strict):
    numerator = Whole(1, LARGEST_RATE, required=True)
    denominator = Whole(1, LARGEST_RATE, required=True)


def _rate() -> fields.Nested:
    said = "so many of your minor units is one of the order's; your own currency needs none"
    return fields.Nested(
        RateBody, load_default=None, allow_none=True, metadata={"description": said}
    )


class PurchaseLineBody(Strict):
    sku = Sku(required=True)
    quantity = Whole(1, MOST_UNITS, required=True)
    unit_price = amount(
        load_default=None, metadata={"description": "what the price list says, if left out"}
    )
    unit_cost = amount(
        load_default=None,
        allow_none=True,
        metadata={"description": "in your currency; from price and rate, if left out"},
    )
    expected_on = fields.Date(load_default=None, allow_none=True)
    supplier_code = Text(120, load_default="")


def _lines(body: type[Strict], **options: Any) -> fields.List[Any]:
    most = validate.Length(0 if "load_default" in options else 1, MOST_LINES)
    return fields.List(fields.Nested(body), validate=most, **options)


class PurchaseOrderBody(Strict):
    supplier_id = row_id(required=True)
    location = Text(40, 1, required=True)
    number = Text(40, load_default="", metadata={"description": "made up if left out"})
    currency = currency(load_default="", metadata={"description": "the supplier's if left out"})
    rate = _rate()
    over_percent = percent(load_default=None, allow_none=True)
    under_percent = percent(load_default=None, allow_none=True)
    expected_on = fields.Date(load_default=None, allow_none=True)
    note = Text(5000, load_default="")
    lines = _lines(PurchaseLineBody, required=True)


class PurchaseLineChangeBody(Strict):
    line_id = row_id(required=True)
    quantity = Whole(1, MOST_UNITS, load_default=None)
    unit_price = amount(load_default=None)
    expected_on = fields.Date(load_default=None)
    cancel = Whole(
        0, MOST_UNITS, load_default=0, metadata={"description": "of the units still awaited"}
    )


class PurchaseChangeBody(Strict):
    """What is left out stays as it is."""

    location = Text(40, 1, load_default=None)
    rate = _rate()
    over_percent = percent(load_default=None)
    under_percent = percent(load_default=None)
    expected_on = fields.Date(load_default=None)
    note = Text(5000, load_default=None)
    lines = _lines(PurchaseLineChangeBody, load_default=list)
    added = _lines(PurchaseLineBody, load_default=list)
    reason = Text(500, 1, required=True)


class PurchaseStepBody(Strict):
    step = one_of(*STEPS, required=True)
    reason = Text(500, load_default="")
    at = when(load_default=None, metadata={"description": "when it happened; now if left out"})
    expected_on = fields.Date(
        load_default=None, metadata={"description": "the day the supplier confirmed"}
    )


class PurchaseQuery(PageQuery):
    state = one_of(*STATES, load_default=None)
    supplier_id = QueryWhole(1, load_default=None)


class PurchaseOrderAnswer(Answer):
    id = fields.Integer(required=True)
    number = fields.String(required=True)
    kind = fields.String(required=True)
    supplier_id = fields.Integer(required=True)
    location = fields.String(required=True)
    state = fields.String(required=True)
    currency = fields.String(required=True)
    rate = fields.Nested(RateBody, required=True, allow_none=True)
    over_percent = fields.Integer(required=True)
    under_percent = fields.Integer(required=True)
    expected_on = fields.Date(required=True, allow_none=True)
    note = fields.String(required=True)
    lines = fields.Integer(required=True, metadata={"description": "how many"})
    units = fields.Integer(required=True)
    received = fields.Integer(required=True)
    rejected = fields.Integer(required=True)
    inspecting = fields.Integer(required=True)
    total = fields.Integer(required=True, metadata={"description": "of what is not cancelled"})
    made_by = fields.String(required=True)
    approved_by = fields.String(required=True)
    version = fields.Integer(required=True)
    made_at = when(required=True)
    approved_at = when(required=True, allow_none=True)
    sent_at = when(required=True, allow_none=True)
    confirmed_at = when(required=True, allow_none=True)
    shipped_at = when(required=True, allow_none=True)
    received_at = when(required=True, allow_none=True)
    closed_at = when(required=True, allow_none=True)


class PurchaseLineAnswer(Answer):
    id = fields.Integer(required=True)
    position = fields.Integer(required=True)
    sku = fields.String(required=True)
    supplier_code = fields.String(required=True)
    quantity = fields.Integer(required=True)
    unit_price = fields.Integer(required=True)
    unit_cost = fields.Integer(required=True, allow_none=True)
    expected_on = fields.Date(required=True, allow_none=True)
    received = fields.Integer(required=True)
    accepted = fields.Integer(required=True)
    rejected = fields.Integer(required=True)
    inspecting = fields.Integer(required=True)
    cancelled = fields.Integer(required=True)
    returned = fields.Integer(required=True)
    open = fields.Integer(required=True, metadata={"description": "still awaited"})


class AmendmentAnswer(Answer):
    id = fields.Integer(required=True)
    what = fields.String(required=True)
    actor = fields.String(required=True)
    before = fields.Dict(required=True)
    after = fields.Dict(required=True)
    reason = fields.String(required=True)
    at = when(required=True)


class MessageBody(Strict):
    direction = one_of("in", "out", required=True)
    medium = one_of(*MEDIA, required=True)
    subject = Text(300, load_default="")
    body = fields.String(required=True, validate=validate.Length(1, 20_000))
    at = when(load_default=None, metadata={"description": "when it was said; now if left out"})


class MessageAnswer(Answer):
    id = fields.Integer(required=True)
    direction = fields.String(required=True)
    medium = fields.String(required=True)
    subject = fields.String(required=True)
    body = fields.String(required=True)
    actor = fields.String(required=True)
    said_at = when(required=True)
    at = when(required=True)


OrderPage = page_of(PurchaseOrderAnswer)
OrderLinePage = page_of(PurchaseLineAnswer)
AmendmentPage = page_of(AmendmentAnswer)
MessagePage = page_of(MessageAnswer)
