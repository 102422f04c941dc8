"""The workers' own metrics, and who may read them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from hub import metrics
from hub.errors import Misconfigured
from sync.exposing import address, expose

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "a-token-of-the-installation"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a worker that has ended left behind."""
    code = "from hub import metrics; metrics.JOBS.labels('push', 'failed').inc(3)"
    shared = {**os.environ, metrics.FOLDER_VARIABLE: str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=shared, cwd=ROOT, check=True)
    return tmp_path


@pytest.fixture(params=["", TOKEN], ids=["on loopback", "with a token"])
def served(request: pytest.FixtureRequest, folder: Path) -> Iterator[tuple[str, str]]:
    server = expose("127.0.0.1:0", request.param, str(folder))
    yield f"http://127.0.0.1:{server.server_port}", request.param
    server.shutdown()
    server.server_close()


def test_what_workers_counted_is_told_to_whoever_may_read_it(served: tuple[str, str]) -> None:
    url, token = served

    answer = requests.get(f"{url}/metrics", headers={"Authorization": f"Bearer {token}"}, timeout=5)
    other = requests.get(f"{url}/metrics", timeout=5)
    elsewhere = requests.get(f"{url}/", timeout=5)

    assert answer.status_code == 200
    assert 'hub_jobs_total{outcome="failed",topic="push"} 3.0' in answer.text
    assert other.status_code == (401 if token else 200)
    assert elsewhere.status_code == 404


@pytest.mark.parametrize(
    ("bind", "token"), [("0.0.0.0:9101", ""), ("192.0.2.7:9101", ""), ("9101", ""), ("here:x", "")]
)
def test_an_address_that_others_reach_needs_the_token_and_nonsense_is_refused(
    bind: str, token: str
) -> None:
    with pytest.raises(Misconfigured, match="HUB_METRICS_BIND"):
        address(bind, token)


def test_with_the_token_others_may_reach_it() -> None:
    assert address("0.0.0.0:9101", TOKEN) == ("0.0.0.0", 9101)
