"""A shop's server as a process of ours, and its HTTP API as a person or a buyer calls it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import requests

START_SECONDS = 120


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Running:
    """A server that is started in a place of its own, and ended with all it started."""

    def __init__(
        self, command: Sequence[str], place: Path, environment: Mapping[str, str], log: Path
    ) -> None:
        self._log = log.open("w")
        self.log = log
        self._process = subprocess.Popen(
            command,
            cwd=place,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait(self, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._is(ready):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the shop does not start: {self.log.read_text()[-3000:]}")
            time.sleep(0.1)

    def _is(self, ready: Callable[[], bool]) -> bool:
        """Nothing is left running where the question itself goes wrong."""
        try:
            return ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        self._log.close()


class Api:
    """JSON over HTTP with the headers of one caller; whatever is refused fails the test."""

    def __init__(self, url: str, **headers: str) -> None:
        self.url = url
        self.headers = headers

    def answers(self, path: str) -> bool:
        try:
            return requests.get(self.url + path, timeout=2).ok
        except requests.RequestException:
            return False

    def post(self, path: str, body: object) -> Any:
        return self._read(requests.post(self.url + path, json=body, **self._options()))

    def get(self, path: str, **params: str) -> Any:
        return self._read(requests.get(self.url + path, params=params, **self._options()))

    def _options(self) -> dict[str, Any]:
        return {"headers": self.headers, "timeout": 60}

    def _read(self, answer: requests.Response) -> Any:
        assert answer.ok, f"{answer.status_code} {answer.text[:1000]}"
        return answer.json()


class GraphQL(Api):
    """Keeps the session token that Vendure hands out."""

    def run(self, query: str, **variables: object) -> Any:
        body = {"query": query, "variables": variables}
        answer = requests.post(self.url, json=body, **self._options())
        token = answer.headers.get("vendure-auth-token")
        if token:
            self.headers["Authorization"] = f"Bearer {token}"
        found = self._read(answer)
        assert "errors" not in found, found["errors"]
        (value,) = found["data"].values()
        assert not (isinstance(value, dict) and value.get("errorCode")), value
        return value
