"""What the API of receipts, judgements, returns and invoices takes and answers."""

from __future__ import annotations

from marshmallow import fields, validate

from hub.api.fields import (
    Answer,
    Flag,
    PageQuery,
    Strict,
    Text,
    Whole,
    one_of,
    page_of,
    row_id,
    when,
)
from hub.inventory.schemas import MOST_UNITS
from hub.purchasing.orders import MOST_LINES
from hub.purchasing.quality import VERDICTS
from hub.purchasing.supply.schemas import amount, currency

_KEY = {"description": "yours; once used, never again"}
_SOME = validate.Length(1, MOST_LINES)


class CountedBody(Strict):
    line_id = row_id(required=True)
    quantity = Whole(1, MOST_UNITS, required=True)
    location = Text(40, 1, load_default=None, metadata={"description": "the receipt's if left out"})
    sampled = Whole(0, MOST_UNITS, load_default=0, metadata={"description": "units looked at"})
    defects = Whole(0, MOST_UNITS, load_default=0, metadata={"description": "of them, bad"})
    verdict = one_of(
        *VERDICTS, load_default="", metadata={"description": "the sampling plan's if left out"}
    )
    reason = Text(300, load_default="")


class ReceiptBody(Strict):
    key = Text(150, 1, required=True, metadata=_KEY)
    location = Text(40, 1, load_default=None, metadata={"description": "the order's if left out"})
    accept_over = Flag(
        load_default=False, metadata={"description": "take more than is tolerated, too"}
    )
    delivery_note = Text(120, load_default="")
    note = Text(500, load_default="")
    at = when(load_default=None, metadata={"description": "when it came; now if left out"})
    lines = fields.List(fields.Nested(CountedBody), required=True, validate=_SOME)


class ReceivedAnswer(Answer):
    receipt_id = fields.Integer(required=True)
    new = fields.Boolean(
        required=True, metadata={"description": "false: this key had been counted before"}
    )
    served = fields.Integer(
        required=True, metadata={"description": "units that went to orders that waited for them"}
    )
    state = fields.String(required=True, metadata={"description": "the order's"})


class ReceiptRow(Answer):
    id = fields.Integer(required=True)
    order_id = fields.Integer(required=True)
    key = fields.String(required=True)
    delivery_note = fields.String(required=True)
    note = fields.String(required=True)
    actor = fields.String(required=True)
    received_at = when(required=True)
    posted_at = when(required=True)


class ReceiptLineAnswer(Answer):
    id = fields.Integer(required=True)
    position = fields.Integer(required=True)
    line_id = fields.Integer(required=True)
    sku = fields.String(required=True)
    location = fields.String(required=True)
    quantity = fields.Integer(required=True)
    accepted = fields.Integer(required=True)
    rejected = fields.Integer(required=True)
    inspecting = fields.Integer(required=True)
    sampled = fields.Integer(required=True)
    defects = fields.Integer(required=True)
    verdict = fields.String(required=True, metadata={"description": "at the door"})
    reason = fields.String(required=True)
    unit_cost = fields.Integer(required=True, allow_none=True)


class JudgedBody(Strict):
    receipt_line_id = row_id(required=True)
    accepted = Whole(0, MOST_UNITS, load_default=0)
    rejected = Whole(0, MOST_UNITS, load_default=0)
    reason = Text(500, load_default="")


class JudgementBody(Strict):
    key = Text(150, 1, required=True, metadata=_KEY)
    lines = fields.List(fields.Nested(JudgedBody), required=True, validate=_SOME)


class JudgedAnswer(Answer):
    served = fields.Integer(required=True)
    lines = fields.List(fields.Nested(ReceiptLineAnswer), required=True)


class BackBody(Strict):
    line_id = row_id(required=True)
    quantity = Whole(
        1, MOST_UNITS, load_default=None, metadata={"description": "all of it if left out"}
    )


class ReturnBody(Strict):
    key = Text(150, 1, required=True, metadata=_KEY)
    note = Text(500, load_default="")
    lines = fields.List(
        fields.Nested(BackBody),
        load_default=list,
        validate=validate.Length(0, MOST_LINES),
        metadata={"description": "everything rejected that is still here, if left out"},
    )


class ReturnLineAnswer(Answer):
    line_id = fields.Integer(required=True)
    location = fields.String(required=True)
    quantity = fields.Integer(required=True)
    credit = fields.Integer(required=True)


class ReturnRow(Answer):
    id = fields.Integer(required=True)
    order_id = fields.Integer(required=True)
    key = fields.String(required=True)
    state = fields.String(required=True, metadata={"description": "sent or credited"})
    currency = fields.String(required=True)
    expected_credit = fields.Integer(required=True)
    credited = fields.Integer(required=True, allow_none=True)
    note = fields.String(required=True)
    actor = fields.String(required=True)
    version = fields.Integer(required=True)
    sent_at = when(required=True)


class ReturnAnswer(ReturnRow):
    lines = fields.List(fields.Nested(ReturnLineAnswer), required=True)


class CreditBody(Strict):
    credited = amount(required=True)


class BilledBody(Strict):
    line_id = row_id(required=True)
    quantity = Whole(1, MOST_UNITS, required=True)
    unit_price = amount(required=True)


class InvoiceBody(Strict):
    number = Text(120, 1, required=True)
    invoiced_on = fields.Date(required=True)
    due_on = fields.Date(
        load_default=None, metadata={"description": "by the supplier's terms if left out"}
    )
    currency = currency(load_default="", metadata={"description": "the order's"})
    total = amount(required=True)
    lines = fields.List(fields.Nested(BilledBody), required=True, validate=_SOME)


class InvoiceQuery(PageQuery):
    state = one_of("matched", "mismatch", "accepted", load_default=None)


class InvoiceRow(Answer):
    id = fields.Integer(required=True)
    order_id = fields.Integer(required=True)
    supplier_id = fields.Integer(required=True)
    number = fields.String(required=True)
    currency = fields.String(required=True)
    total = fields.Integer(required=True)
    invoiced_on = fields.Date(required=True)
    due_on = fields.Date(required=True, allow_none=True)
    state = fields.String(required=True, metadata={"description": "matched, mismatch or accepted"})
    reasons = fields.List(
        fields.String(), required=True, metadata={"description": "what does not agree"}
    )
    actor = fields.String(required=True)
    version = fields.Integer(required=True)
    recorded_at = when(required=True)


class InvoiceLineAnswer(Answer):
    line_id = fields.Integer(required=True)
    quantity = fields.Integer(required=True)
    unit_price = fields.Integer(required=True)


class InvoiceAnswer(InvoiceRow):
    lines = fields.List(fields.Nested(InvoiceLineAnswer), required=True)


class AcceptBody(Strict):
    reason = Text(500, 1, required=True)


ReceiptPage = page_of(ReceiptRow)
ReceiptLinePage = page_of(ReceiptLineAnswer)
ReturnPage = page_of(ReturnRow)
InvoicePage = page_of(InvoiceRow)
