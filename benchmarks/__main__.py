"""``python -m benchmarks [--only NAME]… [--scale quick|usual|full]``"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from benchmarks import (
    budget_use,
    change_to_push,
    fairness,
    footprint,
    hot_sku,
    intake,
    push_drain,
    receipt,
    recovery,
    ring,
    webhook_burst,
)
from benchmarks.ground import ground
from benchmarks.harness import BENCHMARKS, SCALES, run

MODULES = (
    intake,
    hot_sku,
    ring,
    push_drain,
    change_to_push,
    webhook_burst,
    budget_use,
    fairness,
    recovery,
    footprint,
    receipt,
)
BUILD = Path(__file__).resolve().parent.parent / "build"


def main() -> int:
    """Results go to build/bench.json; those of the quick scale, which prove nothing, beside it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    parser.add_argument("--only", action="append", choices=list(BENCHMARKS), metavar="NAME")
    parser.add_argument("--scale", choices=list(SCALES), default="usual")
    chosen = parser.parse_args()
    logging.getLogger().setLevel(logging.WARNING)
    scale = SCALES[chosen.scale]
    file = BUILD / ("bench-quick.json" if scale.name == "quick" else "bench.json")
    with ground(BUILD / "bench") as running:
        sound = run(running, chosen.only or list(BENCHMARKS), scale, file)
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
