"""``python -m tests.simulation [--seeds 0-499] [--mutant NAME] [--jobs N]``, ``--list-mutants``.

``--mutant all`` runs each of them until it is noticed, and prints the table of the documentation.

Starts its own database. The last line prints seeds, steps, faults injected and violations; the exit
status is 0 only where there are no violations. With a mutant it stops at the first seed that
catches it. ``--whole`` tells all that happened in a seed that failed, not only its end.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from time import monotonic

from tests.rig import rig
from tests.simulation.campaign import Outcome, Totals, campaign, make_template
from tests.simulation.mutants import MUTANTS

ALL = "all"
TAIL = 60
EVERY = 15.0


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    if asked.list_mutants:
        for name, one in MUTANTS.items():
            print(f"{name:24} {one.takes_away}")
        return 0
    first, _, last = asked.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    if asked.mutant == ALL:
        names = list(MUTANTS)
        shares = [names[number :: asked.jobs] for number in range(asked.jobs)]
        with get_context("fork").Pool(asked.jobs) as pool:
            return min(1, sum(pool.imap_unordered(partial(_table, seeds=seeds), shares)))
    parts = [seeds[number :: asked.jobs] for number in range(min(asked.jobs, len(seeds)))]
    totals = Totals()
    work = partial(_run, mutant=asked.mutant, whole=asked.whole)
    if len(parts) == 1:
        totals.join(work(parts[0]))
    else:
        with get_context("fork").Pool(len(parts)) as pool:
            for part in pool.imap_unordered(work, parts):
                totals.join(part)
    faults = ", ".join(f"{name} {count:,}" for name, count in sorted(totals.faults.items()))
    print(f"faults: {faults}")
    print(totals.says())
    return 1 if totals.violations else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seeds", default="0-499", help="one seed, or the first and the last")
    parser.add_argument("--mutant", default="", choices=["", ALL, *MUTANTS], metavar="NAME")
    parser.add_argument("--list-mutants", action="store_true")
    parser.add_argument("--jobs", type=int, default=1, help="processes, each with its database")
    parser.add_argument("--whole", action="store_true", help="tell the whole story of a failure")
    return parser


def _run(seeds: Sequence[int], mutant: str, whole: bool) -> Totals:
    """Run some seeds against a server of this process' own."""
    began = told = monotonic()
    ran = 0

    def tell(one: Outcome) -> bool:
        nonlocal told, ran
        ran += 1
        if one.violations:
            _report(one, mutant, whole)
        elif monotonic() - told > EVERY:
            told = monotonic()
            print(f"{ran:,} of {len(seeds):,} seeds in {told - began:,.0f} s", flush=True)
        return not (mutant and one.violations)

    with tempfile.TemporaryDirectory(prefix="sim-") as home, rig(Path(home)) as running:
        make_template(running)
        return campaign(running, seeds, tell, mutant=mutant)


def _table(names: Sequence[str], seeds: Sequence[int]) -> int:
    """A row for each mutant: what noticed it first. Answers how many nothing did."""
    missed = 0
    with tempfile.TemporaryDirectory(prefix="sim-") as home, rig(Path(home)) as running:
        make_template(running)
        for name in names:
            noticed: list[Outcome] = []

            def tell(one: Outcome, noticed: list[Outcome] = noticed) -> bool:
                noticed.extend([one] if one.violations else [])
                return not noticed

            campaign(running, seeds, tell, mutant=name)
            first = noticed[0].violations[0].partition(":")[0] if noticed else "nothing"
            seed = noticed[0].seed if noticed else "none"
            missed += not noticed
            said = f"| {MUTANTS[name].takes_away} | {first.replace('_', ' ')} | {seed} |"
            print(f"| `{name}` {said}", flush=True)
    return missed


def _report(one: Outcome, mutant: str, whole: bool) -> None:
    with_mutant = f" --mutant {mutant}" if mutant else ""
    print(f"seed {one.seed}, the last of its {len(one.story):,} steps:")
    for line in one.story if whole else one.story[-TAIL:]:
        print(f"    {line}")
    for violation in one.violations:
        print(f"  {violation}")
    print(f"  again: python -m tests.simulation --seeds {one.seed}{with_mutant}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
