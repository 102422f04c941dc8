"""What the API of resolving takes and answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from hub.api.fields import Answer, Strict, Text, Whole, one_of, row_id, when
from hub.conflicts.reading import SEVERITIES, STATES
from hub.conflicts.schemas import ASSIGNEE, ChangeAnswer
from hub.resolution.bulk import MOST
from hub.resolution.drifting import MOST_UNITS


class ArgumentsBody(Strict):
    sku = Text(120, 1, load_default=None)
    units = Whole(0, MOST_UNITS, load_default=None)
    until = when(load_default=None)


class PreviewBody(Strict):
    verb = Text(40, 1, required=True)
    arguments = fields.Nested(
        ArgumentsBody, load_default=dict, metadata={"description": "those the action takes"}
    )


class ResolveBody(PreviewBody):
    reason = Text(500, load_default="")


class WantedBody(Strict):
    state = one_of(*STATES, load_default="open")
    kind = Text(40, 1, required=True)
    account_id = row_id(load_default=None)
    assignee = Text(100, 1, load_default=None, metadata={"description": ASSIGNEE})
    severity = one_of(*SEVERITIES, load_default=None)
    since = when(load_default=None)


class BulkBody(ResolveBody):
    ids = fields.List(row_id(), load_default=None, validate=validate.Length(1, MOST))
    filter = fields.Nested(
        WantedBody,
        load_default=None,
        metadata={"description": f"the {MOST} oldest of these; without a state: open ones"},
    )

    @validates_schema
    def one_of_both(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        if (data.get("ids") is None) == (data.get("filter") is None):
            raise ValidationError("Give either ids or a filter.")


class PreviewAnswer(Answer):
    verb = fields.String(required=True)
    version = fields.Integer(required=True)
    leads_to = one_of(*STATES, required=True)
    changes = fields.List(fields.Nested(ChangeAnswer), required=True)
    notes = fields.List(fields.String(), required=True)


class OutcomeAnswer(Answer):
    id = fields.Integer(required=True)
    done = fields.Boolean(required=True)
    state = fields.String(required=True, allow_none=True)
    version = fields.Integer(required=True, allow_none=True)
    code = fields.String(required=True, metadata={"description": "why it was refused"})
    detail = fields.String(required=True)


class BulkAnswer(Answer):
    items = fields.List(fields.Nested(OutcomeAnswer), required=True)
