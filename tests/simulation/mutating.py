"""How a safeguard is taken away on purpose, and given back.

A mutant names what it takes away, and does so for as long as its context lasts: it replaces a
function of ours by one that lacks the safeguard, changes a statement on its way to the database, or
drops a key of the run's own database.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, event

Swap = tuple[Any, str, Any]
#: In the text of a statement: what is looked for, and what stands there instead.
Rewrite = tuple[str, str]
Swaps = Callable[[], Sequence[Swap]]


@dataclass(frozen=True)
class Mutant:
    """``schema``: what is done to the run's database. ``rewrites``: to the statements that are sent
    to it. ``swaps``: (owner, name, replacement) in this process."""

    takes_away: str
    schema: tuple[str, ...] = ()
    rewrites: tuple[Rewrite, ...] = ()
    swaps: Swaps = tuple


def keeper(into: dict[str, Mutant]) -> Callable[[str, str], Callable[[Swaps], Swaps]]:
    """A decorator that keeps mutants made of swaps."""

    def mutant(name: str, takes_away: str) -> Callable[[Swaps], Swaps]:
        def keep(swaps: Swaps) -> Swaps:
            into[name] = Mutant(takes_away, swaps=swaps)
            return swaps

        return keep

    return mutant


@contextmanager
def taken_away(name: str, one: Mutant, engine: Engine) -> Iterator[None]:
    """While it lasts, the safeguard is gone from this process and what it sends to the database.
    Fails where there was none to take: then the mutant is out of date."""
    before = []
    hits = [0] * len(one.rewrites)

    def rewrite(connection: Any, cursor: Any, statement: str, values: Any, *_: Any) -> Any:
        for index, (wanted, instead) in enumerate(one.rewrites):
            statement, found = re.subn(wanted, instead, statement, flags=re.DOTALL)
            hits[index] += found
        return statement, values

    event.listen(engine, "before_cursor_execute", rewrite, retval=True)
    try:
        for owner, attribute, replacement in one.swaps():
            before.append((owner, attribute, getattr(owner, attribute)))
            setattr(owner, attribute, replacement)
        yield
    finally:
        event.remove(engine, "before_cursor_execute", rewrite)
        for owner, attribute, original in reversed(before):
            setattr(owner, attribute, original)
    if not all(hits):
        raise LookupError(f"{name} found nothing to take away")


def everywhere(original: Callable[..., Any], replacement: Callable[..., Any]) -> list[Swap]:
    """For a function that others may have imported by name."""
    places = [m for name, m in sys.modules.items() if name.partition(".")[0] in {"hub", "sync"}]
    return [
        (place, name, replacement)
        for place in places
        for name, value in list(vars(place).items())
        if value is original
    ]
