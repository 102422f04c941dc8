"""Passes, medians, the table and the file that every benchmark shares.

A benchmark answers :class:`Result` rows. Absolute figures depend on the machine and are never
judged; ``ratio`` is the figure that ``goal`` bounds from above: ours to the floor's, both from one
run whose variants took turns.
"""

from __future__ import annotations

import gc
import json
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from benchmarks.ground import Ground

console = Console(highlight=False)


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything. ``orders`` are in the large database."""

    name: str
    passes: int
    orders: int = 1_000_000
    listings: int = 10_000
    samples: int = 200


SCALES = {
    scale.name: scale
    for scale in (
        Scale("quick", 2, orders=20_000, listings=1_000, samples=20),
        Scale("usual", 9),
        Scale("full", 25, samples=1_000),
    )
}


@dataclass(frozen=True, slots=True)
class Result:
    """``ours`` and ``floor`` are in ``unit``; None where there is none."""

    name: str
    unit: str
    ours: float
    floor: float | None
    ratio: float | None
    goal: float | None
    passes: int


Benchmark = Callable[["Ground", Scale], Iterable[Result]]
BENCHMARKS: dict[str, Benchmark] = {}


def benchmark(name: str) -> Callable[[Benchmark], Benchmark]:
    def register(function: Benchmark) -> Benchmark:
        BENCHMARKS[name] = function
        return function

    return register


def alternate(passes: int, *variants: Callable[[], float]) -> list[list[float]]:
    """Seconds of every pass, variant by variant. They take turns, in the reverse order every
    second pass, after one pass that does not count. Variants time themselves, so that each can
    prepare its work first; the collector does not look at what was prepared."""
    times: list[list[float]] = [[] for _ in variants]
    for number in range(-1, passes):
        turns = list(zip(times, variants, strict=True))
        for kept, variant in turns if number % 2 == 0 else reversed(turns):
            gc.collect()
            gc.freeze()
            seconds = variant()
            if number >= 0:
                kept.append(seconds)
    gc.unfreeze()
    return times


def rate(
    name: str,
    unit: str,
    count: int,
    ours: Sequence[float],
    floor: Sequence[float],
    goal: float | None,
) -> Result:
    """``count`` things were done in each pass; the ratio is our time to the floor's."""
    mine, theirs = median(ours), median(floor)
    return Result(name, unit, count / mine, count / theirs, mine / theirs, goal, len(ours))


def figure(name: str, unit: str, values: Sequence[float]) -> Result:
    """A figure worth knowing that has no floor and no goal."""
    return Result(name, unit, median(values), None, None, None, len(values))


def percentile(values: Sequence[float], percent: int) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def note(text: str) -> None:
    console.print(f"  {text}", style="dim")


class Spread:
    """The same work from many threads at once: each takes its share of ``items``.

    ``seconds`` is from the common start to the last end; ``waits`` are the seconds of every item.
    The first error is raised.
    """

    def __init__(
        self, threads: int, items: Sequence[Any], work: Callable[[int, Any], None]
    ) -> None:
        self.waits: list[float] = []
        self._errors: list[BaseException] = []
        self._work = work
        self._start = threading.Barrier(threads + 1)
        crew = [
            threading.Thread(target=self._run, args=(number, items[number::threads]))
            for number in range(threads)
        ]
        for one in crew:
            one.start()
        self._start.wait()
        began = time.perf_counter()
        for one in crew:
            one.join()
        self.seconds = time.perf_counter() - began
        if self._errors:
            raise self._errors[0]

    def _run(self, number: int, items: Sequence[Any]) -> None:
        self._start.wait()
        try:
            for item in items:
                began = time.perf_counter()
                self._work(number, item)
                self.waits.append(time.perf_counter() - began)
        except BaseException as error:  # noqa: BLE001  # raised again by the thread that waits
            self._errors.append(error)


def run(ground: Ground, names: Sequence[str], scale: Scale, file: Path) -> bool:
    """Run benchmarks, printing and keeping each one's results as it ends; False if one broke."""
    sound = True
    done: list[Result] = []
    for name in names:
        console.rule(f"{name} ({scale.name})")
        began = time.monotonic()
        try:
            found = list(BENCHMARKS[name](ground, scale))
        except Exception:  # noqa: BLE001  # the others still run; the exit code says so
            traceback.print_exc()
            sound = False
            continue
        note(f"{time.monotonic() - began:.0f} s")
        save(file, found)
        done += found
    console.print(table(done))
    return sound


def save(file: Path, results: Sequence[Result]) -> None:
    """Put the results into the file in place of those of the same names."""
    before = json.loads(file.read_text()) if file.exists() else []
    names = {one.name for one in results}
    kept = [entry for entry in before if entry["name"] not in names]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps([*kept, *map(asdict, results)], indent=1) + "\n")


def table(results: Sequence[Result]) -> Table:
    shown = Table(box=None, pad_edge=False)
    shown.add_column("benchmark")
    shown.add_column("unit")
    for heading in ("ours", "floor", "ratio", "goal", "passes"):
        shown.add_column(heading, justify="right")
    shown.add_column("")
    for one in results:
        verdict = ""
        if one.goal is not None and one.ratio is not None:
            verdict = "ok" if one.ratio <= one.goal else "ABOVE GOAL"
        figures = (one.ours, one.floor, one.ratio, one.goal)
        cells = [_short(value) for value in figures]
        shown.add_row(one.name, one.unit, *cells, str(one.passes), verdict)
    return shown


def _short(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"
