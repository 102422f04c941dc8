"""The web's own worker process: who is answered, with more connections than threads and fewer."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http.parser import RequestParser

from hub.config import environment
from hub.serving import Worker
from servers import process

ROOT = Path(__file__).resolve().parents[2]
THREADS = 2


def served(environ: Any, start_response: Any) -> Iterable[bytes]:
    """What the process under test serves."""
    start_response("200 OK", [("Content-Length", "5")])
    return [b"heard"]


@dataclass
class House:
    port: int
    child: subprocess.Popen[bytes]

    def connection(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=20)


def ask(connection: HTTPConnection) -> bytes:
    connection.request("POST", "/", b"x" * 2_000)
    return connection.getresponse().read()


@pytest.fixture
def house() -> Iterator[House]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        fd = listening.fileno()
        words = ["--worker-class", "hub.serving.Worker", "--threads", str(THREADS)]
        words += ["--bind", f"fd://{fd}", "--no-control-socket", "--log-level", "critical"]
        child = process.spawn(
            [sys.executable, "-m", "gunicorn", *words, "tests.hub.test_serving:served"],
            stop_signal=signal.SIGTERM,
            env=environment(),
            stdout=subprocess.DEVNULL,
            cwd=ROOT,
            pass_fds=[fd],
        )
        try:
            yield House(listening.getsockname()[1], child)
        finally:
            process.stop(child, signal.SIGTERM, 15)


@dataclass
class Line:
    """A connection as a thread holds it after an answer, and the caller's end of it."""

    sock: socket.socket
    caller: socket.socket
    parser: Any = field(default_factory=lambda: RequestParser(Config(), iter(()), None))


@pytest.fixture
def line() -> Iterator[Line]:
    mine, callers = socket.socketpair()
    with mine, callers:
        yield Line(mine, callers)


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker(1, os.getpid(), [], None, 30, Config(), None)
    yield made
    made.tmp.close()


def test_a_thread_stays_with_a_connection_that_speaks_on(worker: Worker, line: Line) -> None:
    line.caller.send(b"POST")

    assert worker._speaks_on(line)


def test_it_does_not_wait_for_one_that_is_silent(worker: Worker, line: Line) -> None:
    assert not worker._speaks_on(line)


def test_whoever_waits_for_a_thread_comes_first(worker: Worker, line: Line) -> None:
    line.caller.send(b"POST")
    worker._waiting.append(None)

    assert not worker._speaks_on(line)


def test_a_thread_of_a_process_that_stops_stays_with_nobody(worker: Worker, line: Line) -> None:
    line.caller.send(b"POST")
    worker.alive = False

    assert not worker._speaks_on(line)


def test_more_connections_than_threads_are_all_answered(house: House) -> None:
    lines = [house.connection() for _ in range(4 * THREADS)]

    def speak(line: HTTPConnection) -> int:
        return len([ask(line) for _ in range(25)])

    with ThreadPoolExecutor(len(lines)) as crew:
        answered = list(crew.map(speak, lines))
    for line in lines:
        line.close()

    assert answered == [25] * len(lines)


def test_one_who_sends_two_requests_at_once_gets_two_answers(house: House) -> None:
    request = b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n"
    with socket.create_connection(("127.0.0.1", house.port), 20) as line:
        line.sendall(request + request)
        got = b""
        while got.count(b"200 OK") < 2:
            came = line.recv(65_536)
            assert came
            got += came

    assert got.count(b"200 OK") == 2


def test_a_process_told_to_stop_closes_what_it_kept_open_and_leaves(house: House) -> None:
    with closing(house.connection()) as one:
        ask(one)
        house.child.send_signal(signal.SIGTERM)

        assert house.child.wait(15) == 0
        assert one.sock.recv(1) == b""
