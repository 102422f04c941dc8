"""The values of a resolution: what was asked, the conflict it is about, and the plan made of it.

An action is a function that looks and decides, and answers a plan: the rows that change, before and
after, and the act that changes them. A preview shows the plan and drops it; applying makes it under
the locks the act needs, so that what was planned is what happens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from hub.channels.connecting import Declared
from hub.conflicts.life import Row, Who
from hub.conflicts.reading import Shown
from hub.db import Transaction
from hub.errors import Conflict
from hub.inventory import ledger
from hub.inventory.ledger import Levels
from hub.sales import shortages


class Told(NamedTuple):
    """The arguments of an action; None = not given."""

    sku: str | None = None
    units: int | None = None
    until: datetime | None = None

    def plain(self) -> dict[str, Any]:
        given = {name: value for name, value in self._asdict().items() if value is not None}
        return {n: v.isoformat() if isinstance(v, datetime) else v for n, v in given.items()}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be done about a conflict, and why."""

    verb: str
    told: Told = Told()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """A conflict, and what is asked about it. ``channels`` are the declarations by name.
    ``firm``: the plan will be acted on, so what it stands on is locked."""

    conflict: Shown
    asked: Asked
    who: Who
    channels: Mapping[str, Declared]
    firm: bool = False

    @property
    def row(self) -> int:
        """The id of the row the conflict is about."""
        return int(self.conflict.subject.rpartition(":")[2])

    def levels(
        self, tx: Transaction, product_ids: Iterable[int], line_ids: Sequence[int] = ()
    ) -> Levels:
        """Stock to decide on. Orders are locked before products, as everywhere."""
        ids = sorted(set(product_ids))
        if not self.firm:
            return ledger.read_levels(tx, ids)
        if line_ids:
            shortages.lock_orders(tx, line_ids)
        return ledger.lock(tx, ids)


@dataclass(frozen=True, slots=True)
class Plan:
    """``act`` does it. ``closes``: the conflict is resolved then; else it stays in progress until
    the difference is gone."""

    changes: tuple[Row, ...]
    act: Callable[[Transaction], object]
    notes: tuple[str, ...] = ()
    closes: bool = True


def impossible(why: str) -> Conflict:
    """The state of things does not allow the action, and says why."""
    return Conflict(why, code="not_possible")
