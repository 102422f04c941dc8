"""A connector at a desk of its own: answers are laid out for it, and what it asked is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import responses

from connectors.base import Connection
from connectors.http import Http
from connectors.prestashop.connector import PrestaShopConnector
from connectors.records import Credentials

KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
SHOP = "https://shop.example"


def at(resource: str) -> str:
    return f"{SHOP}/api/{resource}"


@contextmanager
def connector(
    settings: Mapping[str, str] | None = None, url: str = SHOP
) -> Iterator[PrestaShopConnector]:
    http = Http(hosts=())
    connection = Connection(
        credentials=Credentials({"url": url, "key": KEY}),
        http=http,
        now=lambda: datetime.now(UTC),
        settings=settings or {},
    )
    try:
        yield PrestaShopConnector(connection)
    finally:
        http.close()


def asked(web: responses.RequestsMock, index: int = -1) -> dict[str, str]:
    """The query of a request, the last one by default."""
    return dict(parse_qsl(urlsplit(str(web.calls[index].request.url)).query))


def sent(web: responses.RequestsMock, index: int = -1) -> str:
    body = web.calls[index].request.body
    assert isinstance(body, bytes)
    return body.decode()


def errors(code: Any, message: str = "no") -> dict[str, Any]:
    return {"errors": [{"code": code, "message": message}]}
