"""What the API of conflicts takes and answers."""

from __future__ import annotations

from marshmallow import fields

from hub.api.fields import Answer, PageQuery, QueryWhole, Text, one_of, page_of, when
from hub.conflicts.reading import STATES


class ConflictQuery(PageQuery):
    state = one_of(*STATES, load_default=None)
    kind = Text(40, 1, load_default=None)
    account_id = QueryWhole(1, load_default=None)


class ConflictAnswer(Answer):
    id = fields.Integer(required=True)
    kind = fields.String(required=True)
    subject = fields.String(required=True)
    account_id = fields.Integer(required=True, allow_none=True)
    state = fields.String(required=True)
    severity = fields.String(required=True)
    summary = fields.String(required=True)
    evidence = fields.Dict(required=True)
    seen = fields.Integer(required=True, metadata={"description": "how often it was found"})
    version = fields.Integer(required=True)
    first_seen_at = when(required=True)
    last_seen_at = when(required=True)
    closed_at = when(required=True, allow_none=True)


ConflictPage = page_of(ConflictAnswer)
