"""A connector whose answers are written down beforehand, and what it asked."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.base import Connection
from connectors.google_play.connector import GooglePlayConnector
from connectors.google_play.simulator import GooglePlaySimulator
from connectors.http import Response
from connectors.records import Credentials

URL = "https://androidpublisher.googleapis.com/androidpublisher/v3/applications/com.example.game"
NOT_FOUND = (404, {"error": {"code": 404, "status": "NOT_FOUND", "message": "No such thing"}})
GRANTED = (200, {"access_token": "ya29.a", "expires_in": 3599, "token_type": "Bearer"})


class Script:
    """In place of the network: what is answered, in turn, and what was asked."""

    def __init__(self, *told: tuple[int, Any]) -> None:
        self.told = deque(told)
        self.asked: list[tuple[str, str, Mapping[str, Any]]] = []

    def request(self, method: str, url: str, **given: Any) -> Response:
        self.asked.append((method, url, given))
        status, body = self.told.popleft()
        return Response(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())

    @property
    def urls(self) -> list[str]:
        return [url for _, url, _ in self.asked]


def scripted(*told: tuple[int, Any], **changed: Any) -> tuple[GooglePlayConnector, Script]:
    """A connector that is let in at once, and the script behind it."""
    script = Script(GRANTED, *told)
    given = {**GooglePlaySimulator().credentials(), "package_name": "com.example.game"}
    connection = Connection(
        credentials=Credentials(given),
        http=script,  # type: ignore[arg-type]
        now=lambda: datetime.now(UTC),
        **changed,
    )
    return GooglePlayConnector(connection), script
