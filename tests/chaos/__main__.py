"""``python -m tests.chaos --seed S --minutes M``: days of chaos from one seed on, and their table.

The exit status is 0 only where nothing was lost, doubled, oversold or wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from tests.chaos.figures import Figures
from tests.chaos.rounds import Day, play_day
from tests.chaos.schedule import Plan


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    until = monotonic() + 60 * asked.minutes
    figures, seed = Figures(), asked.seed
    while monotonic() < until:
        with tempfile.TemporaryDirectory(prefix="chaos-") as home:
            _play(Path(home), seed, asked.rounds, until, figures)
        print(figures.says(), flush=True)
        seed += 1
    print(figures.table())
    for story in figures.stories:
        print(story)
    clean = not (figures.missing + figures.doubled + figures.oversold + figures.wrong)
    return 0 if clean and not figures.stories else 1


def _play(home: Path, seed: int, rounds: int, until: float, figures: Figures) -> None:
    for told in play_day(home, seed, rounds, Plan(), until):
        if isinstance(told, Day):
            figures.add(told)
            for lagging in told.slow:
                print(lagging, flush=True)
            for story in figures.stories:
                print(story[:6_000], flush=True)
            print(f"seed {seed}: {told.reckoning}", flush=True)
        else:
            print(
                f"seed {seed}, round {told.number}: agreed after {told.waited:.1f} s, nothing left"
                f" to tell after {told.told:.1f} s; load {told.load:.1f}; {dict(told.struck)}",
                flush=True,
            )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument(
        "--seed", type=int, default=0, help="of the first day; the next has the next"
    )
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=25, help="of one day, which is one seed")
    return parser


if __name__ == "__main__":
    sys.exit(main())
