"""Lists as PostgreSQL writes arrays: how sets of rows reach the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from operator import index
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    Double,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
)
from sqlalchemy.types import TypeEngine, UserDefinedType


class ArrayText(UserDefinedType[Any]):
    """A list as PostgreSQL writes an array. The driver looks at each element twice for what needs
    quoting, which was most of what a page of orders cost in Python; here one kind is known.

    The parameter itself is of the array's type, so that the planner sees its length.
    """

    cache_ok = True
    render_bind_cast = True

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def get_col_spec(self, **options: Any) -> str:
        return f"{self.kind}[]"

    def bind_processor(self, dialect: Any) -> Callable[[Any], str]:
        many, one = WRITERS[self.kind]

        def process(values: Any) -> str:
            if None in values:
                return "{" + ",".join("NULL" if v is None else one(v) for v in values) + "}"
            return f"{{{many(values) if values else ''}}}"

        return process


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _texts(values: Sequence[str]) -> str:
    joined = '","'.join(values)
    if "\\" in joined or joined.count('"') != 2 * (len(values) - 1):
        return ",".join(map(_text, values))
    return f'"{joined}"'


def _whole(value: Any) -> str:
    return str(int(index(value)))


def _wholes(values: Iterable[Any]) -> str:
    return str(list(map(int, map(index, values))))[1:-1]


def _each(write: Callable[[Any], str]) -> tuple[Callable[[Any], str], Callable[[Any], str]]:
    return lambda values: ",".join(map(write, values)), write


#: By the element's type: how a list of them stands in an array, and how one does.
WRITERS: dict[str, tuple[Callable[[Any], str], Callable[[Any], str]]] = {
    "BIGINT": (_wholes, _whole),
    "SMALLINT": (_wholes, _whole),
    "INTEGER": (_wholes, _whole),
    "TEXT": (_texts, _text),
    "BYTEA": _each(lambda value: f'"\\\\x{value.hex()}"'),
    "BOOLEAN": _each({True: "t", False: "f"}.__getitem__),
    "DOUBLE PRECISION": _each(lambda value: repr(float(value))),
    "TIMESTAMP WITH TIME ZONE": _each(datetime.isoformat),
}
KINDS: tuple[tuple[type[TypeEngine[Any]], str], ...] = (
    (BigInteger, "BIGINT"),
    (SmallInteger, "SMALLINT"),
    (Integer, "INTEGER"),
    (String, "TEXT"),
    (LargeBinary, "BYTEA"),
    (Boolean, "BOOLEAN"),
    (Double, "DOUBLE PRECISION"),
    (DateTime, "TIMESTAMP WITH TIME ZONE"),
)
