from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
import redis

from servers import marker
from servers.errors import AlreadyRunning, StartFailed, WrongVersion
from servers.marker import Release
from servers.valkey import Valkey, _may_open
from tests.rig import Rig


def ask(url: str, *command: str) -> object:
    with redis.Redis.from_url(url, decode_responses=True) as client:
        return client.execute_command(*command)


def test_what_was_written_survives_a_restart(home: Path) -> None:
    with Valkey(home) as first:
        ask(first.url, "SET", "kept", "42")

    with Valkey(home) as second:
        assert ask(second.url, "GET", "kept") == "42"


def test_it_starts_after_a_crash(home: Path) -> None:
    first = Valkey(home)
    first.start()
    os.kill(first.pid, signal.SIGKILL)
    first.stop()

    with Valkey(home) as second:
        assert ask(second.url, "PING") in {True, "PONG"}


def test_a_home_is_run_by_one_process_only(home: Path) -> None:
    with Valkey(home), pytest.raises(AlreadyRunning, match=str(os.getpid())):
        Valkey(home).start()


def test_data_of_a_newer_version_is_refused(home: Path) -> None:
    with Valkey(home) as server:
        path = server.place.data / marker.NAME
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": "99.0.1"}))

    with pytest.raises(WrongVersion, match="BGSAVE"):
        Valkey(home).start()


@pytest.mark.parametrize(
    ("found", "present", "expected"),
    [
        (Release("Valkey", (9, 1, 2)), Release("Valkey", (9, 1, 2)), True),
        (Release("Valkey", (8, 1, 8)), Release("Valkey", (9, 1, 2)), True),
        (Release("Valkey", (9, 1, 3)), Release("Valkey", (9, 1, 2)), False),
        (Release("Redis", (7, 0, 15)), Release("Valkey", (9, 1, 2)), True),
        (Release("Redis", (7, 4, 0)), Release("Valkey", (9, 1, 2)), False),
        (Release("Valkey", (7, 2, 0)), Release("Redis", (8, 0, 0)), False),
    ],
)
def test_data_travels_up_only(found: Release, present: Release, expected: bool) -> None:
    assert _may_open(found, present) is expected


def test_a_server_that_does_not_start_shows_its_log(home: Path) -> None:
    with pytest.raises(StartFailed, match="no-such-setting"):
        Valkey(home, options={"no-such-setting": "1"}).start()


def test_a_throwaway_keeps_nothing_on_disk(home: Path) -> None:
    with Valkey(home, throwaway=True) as server:
        run = server.place.run
        ask(server.url, "SET", "lost", "1")

    assert not run.exists()
    assert not home.exists()


def test_nothing_is_evicted_when_memory_is_short(servers: Rig) -> None:
    if servers.valkey is None:
        pytest.skip("TEST_REDIS_URL names a server whose settings are not ours")

    answer = ask(servers.redis_url, "CONFIG", "GET", "maxmemory-policy")

    assert "noeviction" in str(answer)
