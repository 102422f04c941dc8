"""One action for many conflicts: each judged by itself, on the version it had at the start."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol, TypeVar

from hub.conflicts import reading
from hub.conflicts.reading import Shown, Wanted
from hub.db import Transaction
from hub.errors import HubError, NotFound
from hub.resolution.applying import Desk, resolve
from hub.resolution.plans import Asked

MOST = 200
T = TypeVar("T")


class Command(Protocol):
    """Runs work in a transaction of its own."""

    def __call__(self, work: Callable[[Transaction], T]) -> T: ...


class Outcome(NamedTuple):
    """What became of one. ``code`` and ``detail`` say why it was refused, "" where it was not."""

    id: int
    done: bool
    state: str | None
    version: int | None
    code: str = ""
    detail: str = ""


def chosen(
    tx: Transaction, ids: Sequence[int] | None, wanted: Wanted | None
) -> dict[int, int | None]:
    """Conflict → its version now; None for one there is not. A filter chooses the oldest."""
    if wanted is not None:
        found = reading.conflicts(tx, wanted, after=0, limit=MOST)
        return {one.id: one.version for one in found}
    known = reading.these(tx, ids or ())
    return {
        number: known[number].version if number in known else None
        for number in sorted(set(ids or ()))
    }


def take_all(
    command: Command, desk: Desk, chosen: dict[int, int | None], asked: Asked
) -> Iterator[Outcome]:
    """Take the action for each; one that is refused stops no other."""
    for number, version in chosen.items():
        try:
            now = command(_taking(desk, number, asked, version))
        except HubError as error:
            yield Outcome(number, False, None, None, error.code, error.message)
        else:
            yield Outcome(number, True, now.state, now.version)


def _taking(
    desk: Desk, number: int, asked: Asked, version: int | None
) -> Callable[[Transaction], Shown]:
    def work(tx: Transaction) -> Shown:
        if version is None:
            raise NotFound(f"no conflict {number}")
        return resolve(tx, desk, number, asked, expected_version=version)

    return work
