"""A connector at a desk of its own: answers are laid out for it, and what it asked is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import responses

from connectors.base import Connection
from connectors.http import Http
from connectors.records import Credentials, StockOffer
from connectors.woocommerce.connector import WooCommerceConnector

HTTPS = "https://shop.example"
HTTP = "http://shop.example"
CREDENTIALS = {
    "consumer_key": "ck_1",
    "consumer_secret": "cs_1",
    "webhook_secret": "hush",
}


def at(path: str, shop: str = HTTPS) -> str:
    return f"{shop}/wp-json/wc/v3{path}"


@contextmanager
def connector(
    url: str = HTTPS, settings: Mapping[str, str] | None = None
) -> Iterator[WooCommerceConnector]:
    http = Http(allow_http=True)
    connection = Connection(
        credentials=Credentials({**CREDENTIALS, "url": url}),
        http=http,
        now=lambda: datetime.now(UTC),
        settings=settings or {},
    )
    try:
        yield WooCommerceConnector(connection)
    finally:
        http.close()


def query(call: responses.Call) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(call.request.url or "").query))


def body(call: responses.Call) -> Any:
    return json.loads(call.request.body or b"null")


def refusal(code: str, message: str = "No.", status: int = 400) -> dict[str, Any]:
    return {"code": code, "message": message, "data": {"status": status}}


def offer(key: str, quantity: int, **handles: str) -> StockOffer:
    return StockOffer(key, quantity, f"k-{key}", None, handles or {"product_id": key})
