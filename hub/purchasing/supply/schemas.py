"""What the API of suppliers takes and answers. Prices are minor units of the currency beside."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from hub.api.fields import Answer, Flag, Strict, Text, Whole, page_of, when
from hub.inventory.schemas import MOST_UNITS, Sku

MOST_PRICES = 500
MOST_NEEDS = 200
LARGEST_AMOUNT = 10**15


def percent(**options: Any) -> Whole:
    return Whole(0, 100, **options)


def amount(**options: Any) -> Whole:
    return Whole(0, LARGEST_AMOUNT, **options)


def currency(**options: Any) -> Text:
    return Text(3, 3, **options)


class ContactBody(Strict):
    name = Text(200, 1, required=True)
    role = Text(100, load_default="")
    email = Text(320, load_default="")
    phone = Text(50, load_default="")


class CertificateBody(Strict):
    name = Text(200, 1, required=True)
    number = Text(100, load_default="")
    issued_on = fields.Date(load_default=None, allow_none=True)
    expires_on = fields.Date(load_default=None, allow_none=True)


class SupplierBody(Strict):
    code = Text(40, 1, required=True, metadata={"description": "yours; one supplier's only"})
    name = Text(200, 1, required=True)
    currency = currency(required=True)
    payment_days = Whole(0, 3650, load_default=None, allow_none=True)
    incoterm = Text(40, load_default="", metadata={"description": "such as FOB Ningbo"})
    terms = Text(500, load_default="")
    credit_rating = Text(20, load_default="")
    note = Text(5000, load_default="")
    active = Flag(load_default=True, metadata={"description": "false: nothing more is ordered"})
    contacts = fields.List(
        fields.Nested(ContactBody), load_default=list, validate=validate.Length(0, 50)
    )
    certificates = fields.List(
        fields.Nested(CertificateBody), load_default=list, validate=validate.Length(0, 100)
    )


class ContactAnswer(Answer):
    name = fields.String(required=True)
    role = fields.String(required=True)
    email = fields.String(required=True)
    phone = fields.String(required=True)


class CertificateAnswer(Answer):
    name = fields.String(required=True)
    number = fields.String(required=True)
    issued_on = fields.Date(required=True, allow_none=True)
    expires_on = fields.Date(required=True, allow_none=True)


class SupplierRow(Answer):
    id = fields.Integer(required=True)
    code = fields.String(required=True)
    name = fields.String(required=True)
    currency = fields.String(required=True)
    payment_days = fields.Integer(required=True, allow_none=True)
    incoterm = fields.String(required=True)
    terms = fields.String(required=True)
    credit_rating = fields.String(required=True)
    note = fields.String(required=True)
    active = fields.Boolean(required=True)
    version = fields.Integer(required=True)
    created_at = when(required=True)


class SupplierAnswer(SupplierRow):
    contacts = fields.List(fields.Nested(ContactAnswer), required=True)
    certificates = fields.List(fields.Nested(CertificateAnswer), required=True)


class TierBody(Strict):
    from_quantity = Whole(1, MOST_UNITS, required=True)
    unit_price = amount(required=True)


class PriceBody(Strict):
    sku = Sku(required=True)
    supplier_code = Text(120, load_default="", metadata={"description": "the supplier's own"})
    currency = currency(load_default=None, metadata={"description": "the supplier's"})
    minimum = Whole(1, MOST_UNITS, load_default=1)
    maximum = Whole(1, MOST_UNITS, load_default=None, allow_none=True)
    pack = Whole(1, MOST_UNITS, load_default=1)
    lead_days = Whole(0, 3650, load_default=0)
    valid_from = fields.Date(required=True)
    valid_until = fields.Date(load_default=None, allow_none=True)
    tiers = fields.List(
        fields.Nested(TierBody), required=True, validate=validate.Length(1, 20)
    )  # fmt: skip


class PricesBody(Strict):
    items = fields.List(
        fields.Nested(PriceBody), required=True, validate=validate.Length(1, MOST_PRICES)
    )


class PricesSet(Answer):
    set = fields.Integer(required=True)


class TierAnswer(Answer):
    from_quantity = fields.Integer(required=True)
    unit_price = fields.Integer(required=True)


class PriceAnswer(Answer):
    id = fields.Integer(required=True)
    sku = fields.String(required=True)
    supplier_code = fields.String(required=True)
    currency = fields.String(required=True)
    minimum = fields.Integer(required=True)
    maximum = fields.Integer(required=True, allow_none=True)
    pack = fields.Integer(required=True)
    lead_days = fields.Integer(required=True)
    valid_from = fields.Date(required=True)
    valid_until = fields.Date(required=True, allow_none=True)
    tiers = fields.List(fields.Nested(TierAnswer), required=True)


class ScorecardQuery(Strict):
    since = when(load_default=None, metadata={"description": "two years ago if left out"})
    until = when(load_default=None, metadata={"description": "now if left out"})


class MeasureAnswer(Answer):
    name = fields.String(required=True)
    value = fields.Decimal(required=True, allow_none=True, as_string=True)
    unit = fields.String(required=True)
    how = fields.String(required=True, metadata={"description": "the arithmetic, in words"})


class ScorecardAnswer(Answer):
    supplier_id = fields.Integer(required=True)
    since = when(required=True)
    until = when(required=True)
    orders = fields.Integer(required=True)
    measures = fields.List(fields.Nested(MeasureAnswer), required=True)


class NeedBody(Strict):
    sku = Sku(required=True)
    quantity = Whole(1, MOST_UNITS, required=True)
    by = fields.Date(required=True)


class NeedsBody(Strict):
    needs = fields.List(
        fields.Nested(NeedBody), required=True, validate=validate.Length(1, MOST_NEEDS)
    )


class ChoiceAnswer(Answer):
    supplier_id = fields.Integer(required=True)
    name = fields.String(required=True)
    quantity = fields.Integer(
        required=True, metadata={"description": "as it can be ordered; 0: not at all"}
    )
    unit_price = fields.Integer(required=True)
    currency = fields.String(required=True)
    cost = fields.Integer(
        required=True, allow_none=True, metadata={"description": "of all of it, in your currency"}
    )
    arrives = fields.Date(required=True, allow_none=True)
    in_time = fields.Boolean(required=True)
    enough = fields.Boolean(required=True)
    reasons = fields.List(fields.String(), required=True)


class NeedAnswer(Answer):
    sku = fields.String(required=True)
    quantity = fields.Integer(required=True)
    by = fields.Date(required=True)
    choices = fields.List(fields.Nested(ChoiceAnswer), required=True)


class NeedsAnswer(Answer):
    items = fields.List(fields.Nested(NeedAnswer), required=True)


class SamplingStepBody(Strict):
    from_quantity = Whole(1, MOST_UNITS, required=True)
    sample = Whole(1, MOST_UNITS, required=True)
    accept = Whole(0, MOST_UNITS, required=True)
    reject = Whole(1, MOST_UNITS, required=True)


class SettingBody(Strict):
    approval_limit = amount(
        load_default=None,
        allow_none=True,
        metadata={"description": "dearer orders need an owner; null: none does"},
    )
    over_percent = percent(load_default=0)
    under_percent = percent(load_default=0)
    sampling = fields.List(
        fields.Nested(SamplingStepBody), load_default=list, validate=validate.Length(0, 50)
    )
    sample_percent = percent(load_default=None, allow_none=True)
    defect_percent = percent(load_default=0)
    price_percent = percent(load_default=0)
    quantity_percent = percent(load_default=0)


class SamplingStepAnswer(Answer):
    from_quantity = fields.Integer(required=True)
    sample = fields.Integer(required=True)
    accept = fields.Integer(required=True)
    reject = fields.Integer(required=True)


class SettingAnswer(Answer):
    approval_limit = fields.Integer(required=True, allow_none=True)
    over_percent = fields.Integer(required=True)
    under_percent = fields.Integer(required=True)
    sampling = fields.List(fields.Nested(SamplingStepAnswer), required=True)
    sample_percent = fields.Integer(required=True, allow_none=True)
    defect_percent = fields.Integer(required=True)
    price_percent = fields.Integer(required=True)
    quantity_percent = fields.Integer(required=True)
    version = fields.Integer(required=True)


SupplierPage = page_of(SupplierRow)
PricePage = page_of(PriceAnswer)
