"""What a person needs to see to judge: the value last agreed, the hub's, the channel's, and what
happened between. Names a person understands; never personal data, never a secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

Value = str | int | bool | datetime | None
#: Of a long story the newest part is told.
MOST_EVENTS = 20


class Happening(NamedTuple):
    """One thing that happened since the sides last agreed."""

    at: datetime
    what: str
    units: int | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """``about`` names what it is about; ``base`` is what was last agreed, empty where nothing ever
    was. What is dismissed stays so while everything but ``events`` is the same."""

    about: Mapping[str, Value] = field(default_factory=dict)
    base: Mapping[str, Value] = field(default_factory=dict)
    hub: Mapping[str, Value] = field(default_factory=dict)
    channel: Mapping[str, Value] = field(default_factory=dict)
    events: tuple[Happening, ...] = ()

    def plain(self) -> dict[str, Any]:
        """As the record keeps it and the API tells it."""
        newest = sorted(self.events, key=lambda one: one.at)[-MOST_EVENTS:]
        return {
            "about": _plain(self.about),
            "base": _plain(self.base),
            "hub": _plain(self.hub),
            "channel": _plain(self.channel),
            "events": [_plain(one._asdict()) for one in newest],
        }


def _plain(values: Mapping[str, Value]) -> dict[str, Any]:
    return {name: _one(value) for name, value in values.items()}


def _one(value: Value) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
