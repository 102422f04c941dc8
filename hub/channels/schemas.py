"""What the channels' API takes and answers."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from hub.api.fields import Answer, PageQuery, Strict, Text, one_of, page_of, when
from hub.channels.requests import KINDS


class FieldAnswer(Answer):
    name = fields.String(required=True)
    label = fields.String(required=True)
    help = fields.String(required=True)
    secret = fields.Boolean(required=True)
    required = fields.Boolean(required=True)
    default = fields.String(required=True)


class ChannelAnswer(Answer):
    name = fields.String(required=True)
    title = fields.String(required=True)
    kind = fields.String(required=True)
    capabilities = fields.Function(
        lambda one: sorted(str(able) for able in one.capabilities),
        metadata={"type": "array", "items": {"type": "string"}},
    )
    credentials = fields.List(fields.Nested(FieldAnswer), required=True)
    settings = fields.List(fields.Nested(FieldAnswer), required=True)
    api_version = fields.String(required=True)
    documentation = fields.String(required=True)
    how_to_connect = fields.String(required=True)
    gaps = fields.List(fields.String(), required=True)


class ChannelsAnswer(Answer):
    items = fields.List(fields.Nested(ChannelAnswer), required=True)


class Typed(fields.String):
    """What a person pastes in: a key may have several lines; NUL and surrogates never come here,
    the body's parser has refused them."""

    def __init__(self) -> None:
        super().__init__(validate=validate.Length(0, 10_000))


def _pairs(**options: Any) -> fields.Dict:
    return fields.Dict(
        keys=Text(60, 1), values=Typed(), validate=validate.Length(max=40), **options
    )


class NewAccountBody(Strict):
    channel = Text(40, 1, required=True)
    name = Text(200, 1, required=True)
    credentials = _pairs(required=True)
    settings = _pairs(load_default=dict)
    base_url = Text(300, load_default="")


class CredentialsBody(Strict):
    credentials = _pairs(required=True)


class ModeBody(Strict):
    mode = one_of("live", "paused", "shadow", required=True)


class FlowAnswer(Answer):
    flow = fields.String(required=True)
    health = fields.String(required=True)
    attempts = fields.Integer(required=True)
    next_at = when(required=True, allow_none=True)
    last_ok_at = when(required=True, allow_none=True)
    last_error = fields.String(required=True)


class AccountAnswer(Answer):
    id = fields.Integer(required=True)
    channel = fields.String(required=True)
    name = fields.String(required=True)
    mode = fields.String(required=True)
    health = fields.String(required=True)
    external_id = fields.String(required=True)
    currency = fields.String(required=True)
    connected_at = when(required=True)
    version = fields.Integer(required=True)


class ReachesAnswer(Answer):
    """In how many seconds a change made now reaches the channel, and the arithmetic."""

    seconds = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "null where nothing is written to the account"},
    )
    waiting = fields.Integer(
        required=True, metadata={"description": "offers the channel has not been told yet"}
    )
    rate = fields.Float(
        required=True,
        metadata={"description": "offers that go out a second while there are any"},
    )
    latency = fields.Float(
        required=True, metadata={"description": "seconds that a change takes while little waits"}
    )
    held = fields.Float(
        required=True, metadata={"description": "seconds until pushes are tried again"}
    )
    because = fields.String(required=True)


class HeardAnswer(Answer):
    """Changes of orders in the last day, and those that came without their webhook."""

    changes = fields.Integer(required=True)
    lost = fields.Integer(required=True)
    lost_at = when(required=True, allow_none=True)
    lost_order = fields.String(
        required=True, metadata={"description": "the order whose change was lost last"}
    )


class ClockAnswer(Answer):
    """Our clock against the channel's. A second or two mean nothing."""

    ahead = fields.Float(
        required=True,
        metadata={"description": "seconds the host's clock runs ahead of the channel's"},
    )
    host = fields.String(required=True)
    seen_at = when(required=True)


class AccountDetail(AccountAnswer):
    settings = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    base_url = fields.String(required=True)
    webhook_url = fields.String(required=True)
    flows = fields.List(fields.Nested(FlowAnswer), required=True)
    reaches_in = fields.Nested(ReachesAnswer, required=True)
    heard = fields.Nested(HeardAnswer, required=True)
    clock = fields.Nested(
        ClockAnswer,
        required=True,
        allow_none=True,
        metadata={"description": "null until an answer has told the channel's time"},
    )
    notes = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "how the account fares, in sentences"},
    )


class RequestBody(Strict):
    kind = one_of(*KINDS, required=True)
    argument = fields.Dict(
        keys=Text(60, 1),
        load_default=dict,
        metadata={"description": "orders: [ids] for refetch; listings: [keys] for read_stock"},
    )


class RequestAnswer(Answer):
    id = fields.Integer(required=True)
    account_id = fields.Integer(required=True)
    kind = fields.String(required=True)
    argument = fields.Dict(required=True)
    state = fields.String(required=True)
    answer = fields.Dict(required=True)
    requested_at = when(required=True)
    answered_at = when(required=True, allow_none=True)


AccountPage = page_of(AccountAnswer)


class OutboxQuery(PageQuery):
    state = one_of("waiting", "sent", "done", "refused", load_default=None)


class ToldAnswer(Answer):
    """``sent``: the channel was told, and no answer came back; it is told again."""

    id = fields.Integer(required=True)
    order_id = fields.Integer(required=True)
    kind = fields.String(required=True, metadata={"description": "ship, cancel or refund"})
    subject_id = fields.Integer(
        required=True, metadata={"description": "of the shipment, cancellation or refund"}
    )
    version = fields.Integer(required=True)
    state = fields.String(required=True)
    attempts = fields.Integer(required=True)
    last_error = fields.String(required=True)
    external_id = fields.String(required=True)
    made_at = when(required=True)
    done_at = when(required=True, allow_none=True)


OutboxPage = page_of(ToldAnswer)
