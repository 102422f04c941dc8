"""A connector at a desk of its own: answers are laid out for it, and what it asked is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import responses

from connectors.base import Connection
from connectors.http import Http
from connectors.records import Credentials, StockOffer
from connectors.tiktok_shop import CHANNEL
from connectors.tiktok_shop.client import API
from connectors.tiktok_shop.connector import TikTokShopConnector

CREDENTIALS = {
    "app_key": "key-1",
    "app_secret": "hush-1",
    "access_token": "access-1",
    "refresh_token": "refresh-1",
}
REFRESH = "https://auth.tiktok-shops.com/api/v2/token/refresh"
PRODUCT = "1729000000000000031"


def at(path: str) -> str:
    return API + path


STOCK = at(f"/product/202309/products/{PRODUCT}/inventory/update")
INVENTORY = at("/product/202309/inventory/search")
ORDERS = at("/order/202309/orders/search")
SHOPS = at("/authorization/202309/shops")


@contextmanager
def connector(
    on_refresh: Callable[[Credentials], None] = lambda fresh: None,
    settings: Mapping[str, str] | None = None,
    expires: datetime | None = None,
    cipher: str = "cipher-1",
) -> Iterator[TikTokShopConnector]:
    until = {"access_token_expires": str(int(expires.timestamp()))} if expires else {}
    http = Http(hosts=CHANNEL.hosts)
    connection = Connection(
        credentials=Credentials({**CREDENTIALS, "shop_cipher": cipher, **until}),
        http=http,
        now=lambda: datetime.now(UTC),
        settings=settings or {},
        on_refresh=on_refresh,
    )
    try:
        yield TikTokShopConnector(connection)
    finally:
        http.close()


def asked(web: responses.RequestsMock, index: int = -1) -> Any:
    """The body of a request."""
    body = web.calls[index].request.body
    assert isinstance(body, str | bytes)
    return json.loads(body)


def offer(
    key: str, quantity: int, *, warehouses: str = "w1", product: str = PRODUCT, **handles: str
) -> StockOffer:
    return StockOffer(
        key,
        quantity,
        f"k-{key}",
        handles={"product_id": product, "warehouses": warehouses, **handles},
    )
