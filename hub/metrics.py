"""What each process counts of its own work, in Prometheus' terms.

Processes that share a folder are shown as one: web processes behind one port answer for each other,
a supervisor for its workers. Counters and times only: what is true of the whole installation is
read from rows (:mod:`hub.health.figures`). No label holds a seller, an account or a path as it was
asked for, so that their number is bounded and they tell nothing of anybody.
"""

from __future__ import annotations

import hmac
import os
import shutil
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
#: The library reads it when it is first imported.
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

REGISTRY = CollectorRegistry()
QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15)
SLOW = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

REQUESTS = Counter(
    "hub_requests", "Requests answered", ("method", "route", "status"), registry=REGISTRY
)
REQUEST_SECONDS = Histogram(
    "hub_request_seconds", "Time to answer", ("route",), buckets=QUICK, registry=REGISTRY
)
JOBS = Counter(
    "hub_jobs", "Jobs that ended: done, nothing (there was none left to do), failed",
    ("topic", "outcome"), registry=REGISTRY,
)  # fmt: skip
JOB_SECONDS = Histogram(
    "hub_job_seconds", "Time a job took", ("topic",), buckets=SLOW, registry=REGISTRY
)
CALLS = Counter(
    "hub_channel_calls", "Calls to channels, by how they ended",
    ("channel", "outcome"), registry=REGISTRY,
)  # fmt: skip
CALL_SECONDS = Histogram(
    "hub_channel_call_seconds",
    "Time a call took, with its repetitions and its wait for the budget",
    ("channel",), buckets=SLOW, registry=REGISTRY,
)  # fmt: skip


def page(folder: str, *more: Collector) -> bytes:
    """All that is counted under ``folder`` ("": by this process alone), and what ``more`` adds."""
    registry = CollectorRegistry()
    if folder:
        MultiProcessCollector(registry, path=folder)  # type: ignore[no-untyped-call]  # theirs
    else:
        registry.register(REGISTRY)
    for one in more:
        registry.register(one)
    return generate_latest(registry)


def may_read(header: str, token: str) -> bool:
    """Whether an Authorization header carries the token."""
    return bool(token) and hmac.compare_digest(header.encode(), f"Bearer {token}".encode())


def open_folder(home: Path, service: str) -> Path:
    """A folder for this process and those it starts. Those whose process is gone are removed."""
    parent = home / "metrics"
    parent.mkdir(parents=True, exist_ok=True)
    for old in parent.glob(f"{service}-*"):
        if not _runs(old.name.rpartition("-")[2]):
            shutil.rmtree(old, ignore_errors=True)
    folder = parent / f"{service}-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)  # of a process that had our number
    folder.mkdir(mode=0o700)
    return folder


def _runs(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    return True
