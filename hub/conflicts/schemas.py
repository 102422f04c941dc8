"""What the API of conflicts takes and answers."""

from __future__ import annotations

from marshmallow import fields

from hub.api.fields import Answer, PageQuery, QueryWhole, Strict, Text, one_of, page_of, when
from hub.conflicts.reading import SEVERITIES, STATES

ASSIGNEE = "`me`, `token:…`, or `nobody`"


class ConflictQuery(PageQuery):
    state = one_of(*STATES, load_default=None)
    kind = Text(40, 1, load_default=None)
    account_id = QueryWhole(1, load_default=None)
    assignee = Text(100, 1, load_default=None, metadata={"description": ASSIGNEE})
    severity = one_of(*SEVERITIES, load_default=None)
    since = when(load_default=None, metadata={"description": "seen at this moment or later"})


class ChangeAnswer(Answer):
    what = fields.String(required=True)
    name = fields.String(required=True)
    before = fields.Raw(required=True, allow_none=True)
    after = fields.Raw(required=True, allow_none=True)


class ResolutionAnswer(Answer):
    verb = fields.String(required=True)
    arguments = fields.Dict(required=True)
    reason = fields.String(required=True)
    actor = fields.String(required=True)
    at = fields.String(required=True)
    version = fields.Integer(required=True, metadata={"description": "it was decided on"})
    changes = fields.List(fields.Nested(ChangeAnswer), required=True)


class ConflictAnswer(Answer):
    id = fields.Integer(required=True)
    kind = fields.String(required=True)
    subject = fields.String(required=True)
    account_id = fields.Integer(required=True, allow_none=True)
    state = fields.String(required=True)
    severity = fields.String(required=True)
    summary = fields.String(required=True)
    evidence = fields.Dict(
        required=True,
        metadata={"description": "about, base (last agreed), hub, channel, and events between"},
    )
    assignee = fields.String(required=True, allow_none=True)
    resolution = fields.Nested(ResolutionAnswer, required=True, allow_none=True)
    seen = fields.Integer(required=True, metadata={"description": "how often it was found"})
    reopened = fields.Integer(required=True, metadata={"description": "how often it came back"})
    version = fields.Integer(required=True)
    first_seen_at = when(required=True)
    last_seen_at = when(required=True)
    reopened_at = when(required=True, allow_none=True)
    closed_at = when(required=True, allow_none=True)
    dismissed_until = when(required=True, allow_none=True)


class EventAnswer(Answer):
    version = fields.Integer(required=True)
    what = fields.String(required=True)
    actor = fields.String(required=True, metadata={"description": "empty: it happened by itself"})
    reason = fields.String(required=True)
    detail = fields.Dict(required=True)
    at = when(required=True)


class ArgumentAnswer(Answer):
    name = fields.String(required=True)
    meaning = fields.String(required=True)
    needed = fields.Boolean(required=True)


class ActionAnswer(Answer):
    verb = fields.String(required=True)
    meaning = fields.String(required=True)
    arguments = fields.List(fields.Nested(ArgumentAnswer), required=True)
    reasoned = fields.Boolean(required=True, metadata={"description": "it needs a reason"})
    elsewhere = fields.String(required=True, metadata={"description": "the call that does it"})


class ConflictDetail(ConflictAnswer):
    events = fields.List(
        fields.Nested(EventAnswer), required=True, metadata={"description": "the newest first"}
    )
    actions = fields.List(
        fields.Nested(ActionAnswer),
        required=True,
        metadata={"description": "what this token may do about it; the first is suggested"},
    )


class CountAnswer(Answer):
    kind = fields.String(required=True)
    state = fields.String(required=True)
    count = fields.Integer(required=True, attribute="number")


class CountsAnswer(Answer):
    items = fields.List(fields.Nested(CountAnswer), required=True)


class AssignBody(Strict):
    assignee = Text(100, 1, required=True, metadata={"description": ASSIGNEE})


class DismissBody(Strict):
    reason = Text(500, 1, required=True)
    until = when(
        load_default=None, metadata={"description": "opened again then, if it is still so"}
    )


class ReopenBody(Strict):
    reason = Text(500, 1, required=True)


class PayloadAnswer(Answer):
    payload = fields.Raw(required=True)


ConflictPage = page_of(ConflictAnswer)
