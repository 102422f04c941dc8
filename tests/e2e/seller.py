"""A seller at the API of a running installation."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import requests


class Shop(Protocol):
    """What is needed to connect a shop."""

    @property
    def url(self) -> str: ...

    def credentials(self) -> dict[str, str]: ...

    def settings(self) -> dict[str, str]: ...


@dataclass
class Seller:
    """One seller's session with the API."""

    url: str
    token: str

    def call(self, method: str, path: str, expect: int, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        answer = requests.request(
            method, f"{self.url}/api/v1{path}", headers=headers, timeout=60, **options
        )
        assert answer.status_code == expect, answer.text
        return answer

    def connect(self, name: str, channel: str, shop: Shop) -> int:
        body = {
            "channel": channel,
            "name": name,
            "credentials": shop.credentials(),
            "settings": shop.settings(),
            "base_url": shop.url,
        }
        return int(self.call("POST", "/accounts", 201, json=body).json()["id"])

    def ask(self, account: int, kind: str, **argument: Any) -> dict[str, Any]:
        body = {"kind": kind, "argument": argument}
        number = self.call("POST", f"/accounts/{account}/requests", 202, json=body).json()["id"]
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found: dict[str, Any] = self.call("GET", f"/requests/{number}", 200).json()
            if found["state"] != "new":
                assert found["state"] == "done", found
                return dict(found["answer"])
            time.sleep(0.1)
        raise AssertionError(f"nobody answered {kind}")

    def go_live(self, account: int) -> None:
        tag = self.call("GET", f"/accounts/{account}", 200).headers["ETag"]
        path = f"/accounts/{account}"
        self.call("PATCH", path, 200, json={"mode": "live"}, headers={"If-Match": tag})


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came to be so"
        time.sleep(0.1)
