"""The installation in figures, read from rows when somebody asks: they are true of all processes
and hosts, and of those that have died.

Two functions of the database count across sellers; they tell no seller and no account. Any web
process gives the same answer, so that it does not matter which is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from hub import logs
from hub.channels.flows import FLOWS
from hub.conflicts.kinds import KINDS
from hub.db import Database
from hub.errors import HubError
from hub.heartbeat import Beat, beats

log = logs.logger(__name__)

#: A process that has been silent for so many seconds counts as gone.
STALE = 20.0
HEALTHS = ("healthy", "throttled", "failing", "reauthorise")
QUERY = text(
    "SELECT figure, label, amount, oldest FROM hub_figures()"
    " UNION ALL SELECT figure, label, amount, oldest FROM hub_vitals()"
)


class Gauge(NamedTuple):
    """``labels`` are the values that are shown as 0 where there is none."""

    name: str
    said: str
    label: str = ""
    labels: tuple[str, ...] = ("",)


#: What is counted, and (by the same name) how many seconds the oldest of it has waited.
COUNTED = {
    "flows_due": Gauge("hub_flows_due", "Flows due and not taken up", "flow", FLOWS),
    "pushes": Gauge("hub_pushes_waiting", "Listings of live accounts not told their offer yet"),
    "readbacks": Gauge("hub_readbacks_waiting", "Listings told, and still to be read back"),
    "webhooks": Gauge("hub_webhooks_waiting", "Webhooks taken in and not worked off"),
    "outbox": Gauge("hub_outbox_waiting", "What channels are still to be told after a sale"),
    "conflicts": Gauge("hub_conflicts_open", "Conflicts nobody has settled", "kind", tuple(KINDS)),
    "accounts": Gauge("hub_accounts", "Accounts by their worst flow", "health", HEALTHS),
    "changes": Gauge("hub_order_changes", "Changes of orders in three hours, where webhooks tell"),
    "lost": Gauge("hub_webhooks_lost", "Those of them that came without their webhook"),
    "unheard": Gauge("hub_accounts_unheard", "Accounts with more than one in five of them lost"),
}
OLDEST = {
    "flows_due": Gauge("hub_flow_overdue_seconds", "The flow overdue the longest", "flow", FLOWS),
    "pushes": Gauge("hub_push_oldest_seconds", "Age of the oldest offer not told yet"),
    "webhooks": Gauge("hub_webhook_oldest_seconds", "Age of the oldest webhook not worked off"),
    "outbox": Gauge("hub_outbox_oldest_seconds", "Age of the oldest thing not told"),
    "clocks": Gauge("hub_channel_clock_skew_seconds", "The channel furthest from a host's clock"),
}


class Row(NamedTuple):
    figure: str
    label: str
    amount: int
    oldest: float | None


class Figures(Collector):
    """Asked at each scrape. A database that is away is a figure too."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            rows, alive = self._read()
            answers = 1.0
        except (HubError, SQLAlchemyError) as error:
            log.warning("no figures", kind=type(error).__name__)
            rows, alive, answers = None, [], 0.0
        yield GaugeMetricFamily("hub_database_answers", "The database answers", answers)
        if rows is not None:
            yield from told(rows)
            yield from processes(alive)

    def _read(self) -> tuple[list[Row], list[Beat]]:
        with self._database.across_sellers() as connection:
            rows = [Row(*row) for row in connection.execute(QUERY)]
        return rows, beats(self._database)


def told(rows: Iterable[Row]) -> Iterator[GaugeMetricFamily]:
    """Every figure, zeros too: a figure that is missing would look like one that is well."""
    found = list(rows)
    for name, gauge in COUNTED.items():
        yield _family(gauge, {r.label: float(r.amount) for r in found if r.figure == name})
    for name, gauge in OLDEST.items():
        yield _family(gauge, {r.label: r.oldest or 0.0 for r in found if r.figure == name})


def _family(gauge: Gauge, values: dict[str, float]) -> GaugeMetricFamily:
    made = GaugeMetricFamily(gauge.name, gauge.said, labels=[gauge.label] if gauge.label else [])
    for label, value in (dict.fromkeys(gauge.labels, 0.0) | values).items():
        made.add_metric([label] if gauge.label else [], value)
    return made


def processes(alive: Iterable[Beat]) -> Iterator[GaugeMetricFamily]:
    """Who says that it lives, and what the clock that leads sees of Redis."""
    count = GaugeMetricFamily("hub_processes", "Processes alive", labels=["kind", "lane"])
    age = GaugeMetricFamily(
        "hub_heartbeat_seconds", "Age of the newest sign of life", labels=["kind", "lane"]
    )
    ages: dict[tuple[str, str], list[float]] = {
        ("clock", ""): [], ("worker", "live"): [], ("worker", "long"): [],
        ("worker", "bulk"): [],
    }  # fmt: skip
    clocks = []
    alive = list(alive)
    for one in alive:
        ages.setdefault((one.kind, str(one.details.get("lane", ""))), []).append(one.age)
        clocks += [one] if one.kind == "clock" else []
    for (kind, lane), found in ages.items():
        count.add_metric([kind, lane], sum(1 for old in found if old < STALE))
        if found:
            age.add_metric([kind, lane], min(found))
    yield count
    yield age
    yield _host_clocks(alive)
    yield from _queues(clocks)


def _host_clocks(alive: Iterable[Beat]) -> GaugeMetricFamily:
    furthest = max((abs(one.ahead) for one in alive if one.age < STALE), default=0.0)
    return GaugeMetricFamily(
        "hub_host_clock_skew_seconds", "The host furthest from the database's clock", furthest
    )


def _queues(clocks: Iterable[Beat]) -> Iterator[GaugeMetricFamily]:
    answers = GaugeMetricFamily("hub_redis_answers", "Redis answers the clock that leads")
    depth = GaugeMetricFamily("hub_queue_jobs", "Jobs waiting in Redis", labels=["lane"])
    depths = depths_seen(clocks)
    if depths is not None:
        answers.add_metric([], float(None not in depths.values()))
        for lane, jobs in depths.items():
            if jobs is not None:
                depth.add_metric([lane], float(jobs))
    yield answers
    yield depth


def furthest_clock(database: Database) -> float:
    """Seconds between a host's clock and the channel furthest from it."""
    with database.across_sellers() as connection:
        rows = [Row(*row) for row in connection.execute(QUERY)]
    return max((row.oldest or 0.0 for row in rows if row.figure == "clocks"), default=0.0)


def depths_seen(alive: Iterable[Beat]) -> dict[str, int | None] | None:
    """What the clock that leads saw of its queues; None where none leads."""
    clocks = [one for one in alive if one.kind == "clock" and one.age < STALE]
    if not clocks:
        return None
    newest = min(clocks, key=lambda one: one.age)
    return dict(newest.details.get("queues", {}))
