"""Schema building blocks: every input bounded, nothing converted by guessing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from hub.paging import DEFAULT, LARGEST_ID, MOST

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_WHOLE = re.compile(r"-?[0-9]{1,19}\Z")


class Strict(Schema):
    """What comes in. A field we do not know is an error: it may be a misspelt one."""

    class Meta:
        unknown = RAISE


class Answer(Schema):
    """What goes out: the fields that are named, whatever else the value holds."""


class Text(fields.String):
    """Text of a bounded length that a database and a terminal can hold."""

    def __init__(self, longest: int, shortest: int = 0, **options: Any) -> None:
        super().__init__(validate=validate.Length(shortest, longest), **options)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs))
        if _UNPRINTABLE.search(text):
            raise ValidationError("Must not hold control characters or half surrogate pairs.")
        return text


class Whole(fields.Integer):
    """An integer within bounds; 1.0, true, "1" and "１" are not integers."""

    def __init__(self, least: int = 0, most: int = LARGEST_ID, **options: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(least, most), **options)


class Flag(fields.Boolean):
    """true or false; 1 and "yes" are not."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class QueryWhole(fields.Integer):
    """The same in a query string, where everything is text."""

    def __init__(self, least: int = 0, most: int = LARGEST_ID, **options: Any) -> None:
        super().__init__(validate=validate.Range(least, most), **options)

    def _validated(self, value: Any) -> int:
        if not isinstance(value, str) or not _WHOLE.match(value):
            raise self.make_error("invalid", input=value)
        return int(value)


def row_id(**options: Any) -> Whole:
    return Whole(1, LARGEST_ID, **options)


def one_of(*choices: str, **options: Any) -> fields.String:
    return fields.String(validate=validate.OneOf(choices), **options)


def when(**options: Any) -> fields.AwareDateTime:
    """A moment with its zone, RFC 3339."""
    return fields.AwareDateTime(format="iso", **options)


class PageQuery(Strict):
    """The query of every list."""

    after = Text(1000, load_default="", metadata={"description": "`next` of the page before"})
    limit = QueryWhole(1, MOST, load_default=DEFAULT)


def page_of(item: type[Schema]) -> type[Schema]:
    """The schema of a page of ``item``."""
    members: dict[str, Any] = {
        "items": fields.List(fields.Nested(item), required=True),
        "next": fields.String(
            allow_none=True,
            required=True,
            metadata={"description": "the `after` of the next page; null at the end"},
        ),
    }
    return type(f"{item.__name__}Page", (Answer,), members)


class ProblemSchema(Answer):
    """RFC 9457. ``code`` is stable; ``errors`` maps a field's path to what is wrong with it."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String(required=True)
    request_id = fields.String(required=True)
    errors = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))
