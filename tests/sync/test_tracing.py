"""One trace from the request through the job to the channel; and none unless it is asked for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from rq import Queue

from connectors.errors import ConnectorError
from hub import metrics, tracing
from hub.config import settings
from hub.db import CHANNEL, Database
from hub.secrets import Keyring
from sync import carrier, clock, queues
from sync.aside import COUNTER
from sync.lanes import LIVE
from sync.watching import Watched, watched
from tests.pump import World
from tests.rig import Rig
from tests.sync.premises import KEYS
from tests.web import as_owner

Open = Callable[..., World]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def traced() -> Iterator[InMemorySpanExporter]:
    kept = InMemorySpanExporter()
    tracing.begin("test", SimpleSpanProcessor(kept))
    yield kept
    tracing.end()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def installed(
    monkeypatch: pytest.MonkeyPatch, servers: Rig, database_name: str, world: World, tmp_path: Path
) -> Iterator[None]:
    """This process as a worker of the world's installation."""
    names = {
        "DATABASE_URL": servers.app_url(database_name),
        "REDIS_URL": servers.redis_url,
        "HUB_HOME": str(tmp_path),
        "HUB_SECRET_KEYS": KEYS,
        "HUB_LOOPBACK": ",".join(one.address for one in world.shops.values()),
    }
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(carrier, "_carrier", None)
    yield
    carrier.process_carrier().close()


def spans(kept: InMemorySpanExporter, start: str) -> list[ReadableSpan]:
    return [one for one in kept.get_finished_spans() if one.name.startswith(start)]


def adjusted(world: World, keyring: Keyring) -> None:
    body = {
        "key": "found-some",
        "reason": "found",
        "lines": [{"sku": "MUG", "location": "MAIN", "change": 3}],
    }
    answer = as_owner(world.database, keyring, world.seller_id).post("/stock/adjustments", body)
    assert answer.status_code < 300, answer.get_data(as_text=True)


def rung(servers: Rig, database_name: str, act: Callable[[], object]) -> list[str]:
    """What is heard in the database while something is done."""
    with clock.listener(servers.app_url(database_name)) as connection:
        connection.execute(f"LISTEN {CHANNEL}")
        act()
        return [one.payload for one in connection.notifies(timeout=2, stop_after=1)]


def works_off(rings: list[str]) -> None:
    """The clock hears the rings, and a worker does the jobs that it asks for."""
    found = settings()
    connection = queues.connect(found)
    queue = Queue(queues.lane_name(found, LIVE), connection=connection, serializer="json")
    database = carrier.process_carrier().database
    hears = clock.Clock("", database, queues.Queues(found, connection), 1.0, clock.Event())
    for ring in rings:
        hears.hear(ring)
    for job in queue.jobs:
        job.perform()
    assert COUNTER.rest(30)
    queue.empty()
    connection.close()


@pytest.mark.usefixtures("installed")
def test_a_request_its_job_and_the_calls_to_both_shops_are_one_trace(
    servers: Rig, database_name: str, world: World, keyring: Keyring, traced: InMemorySpanExporter
) -> None:
    rings = rung(servers, database_name, lambda: adjusted(world, keyring))
    works_off(rings)

    (asked,) = spans(traced, "POST /api/v1/stock/adjustments")
    (job,) = spans(traced, "job stock")
    calls = spans(traced, "call shopify")
    assert job.parent
    assert job.parent.span_id == asked.context.span_id
    assert len(calls) >= 2
    assert {one.parent.span_id for one in calls if one.parent} == {job.context.span_id}
    assert {one.context.trace_id for one in calls if one.context} == {asked.context.trace_id}
    assert world.shown("MUG") == {"north": 13, "south": 13}


@pytest.mark.usefixtures("installed")
def test_no_span_tells_an_address_a_secret_or_what_was_said(
    servers: Rig, database_name: str, world: World, keyring: Keyring, traced: InMemorySpanExporter
) -> None:
    works_off(rung(servers, database_name, lambda: adjusted(world, keyring)))

    told = "\n".join(one.to_json() for one in traced.get_finished_spans())
    hidden = ["http://", "MUG", "found", "Bearer", KEYS.partition(":")[2]]
    for shop in world.shops.values():
        hidden += [shop.address, *shop.credentials().values()]
    assert [one for one in hidden if one in told] == []


def test_without_being_asked_for_nothing_is_traced_loaded_or_added_to_a_ring(
    servers: Rig, database_name: str, world: World, keyring: Keyring
) -> None:
    code = "import sys, hub.app, sync.jobs; print('opentelemetry.sdk.trace' in sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    rings = rung(servers, database_name, lambda: adjusted(world, keyring))

    assert rings == [f"{world.seller_id}:stock"]
    assert loaded.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("environ", "on"),
    [
        ({}, False),
        ({"HUB_TRACING": "1"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "HUB_TRACING": "0"}, False),
    ],
)
def test_tracing_is_on_where_it_is_asked_for(environ: dict[str, str], on: bool) -> None:
    assert settings({"HUB_HOME": "/nowhere", **environ}).tracing is on


def counted(counter: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(f"{counter}_total", labels) or 0.0


def test_a_job_that_fails_is_counted_and_its_span_tells_the_kind_not_the_message(
    traced: InMemorySpanExporter,
) -> None:
    before = counted("hub_jobs", topic="push", outcome="failed")

    with pytest.raises(RuntimeError, match="Berta"), watched("push", 1, 2):
        raise RuntimeError("the order of Berta Buyer")

    (job,) = spans(traced, "job push")
    assert job.status.description == "RuntimeError"
    assert "Berta" not in job.to_json()
    assert counted("hub_jobs", topic="push", outcome="failed") == before + 1


def test_the_log_lines_of_a_job_carry_its_ids_and_those_after_it_do_not() -> None:
    def bound() -> dict[str, Any]:
        return dict(structlog.contextvars.get_contextvars())

    with watched("push", 7, 8):
        inside = bound()

    assert inside == {"job": "push", "job_id": "", "seller": 7, "account": 8}
    assert bound() == {}


def test_a_call_that_gets_no_answer_is_counted_by_how_it_ended() -> None:
    http = Watched("memory", loopback={"127.0.0.1:9"})
    before = counted("hub_channel_calls", channel="memory", outcome="failed")

    with pytest.raises(ConnectorError):
        http.request("GET", "http://127.0.0.1:9/", write=False, timeout=0.3)
    http.close()

    assert counted("hub_channel_calls", channel="memory", outcome="failed") == before + 1


def test_the_database_of_the_world_is_the_one_that_rings(
    servers: Rig, database: Database, database_name: str, seller: int
) -> None:
    def ring() -> None:
        with database.transaction(seller) as tx:
            tx.ring("stock")

    with_span: list[str] = []
    tracing.begin("test", SimpleSpanProcessor(InMemorySpanExporter()))
    try:
        with tracing.span("POST", "server"):
            with_span = rung(servers, database_name, ring)
    finally:
        tracing.end()
        structlog.contextvars.clear_contextvars()

    ring_text, _, cause = with_span[0].partition("|")
    assert clock.parse(ring_text) == ("stock", seller, 0)
    assert cause.startswith("00-")
