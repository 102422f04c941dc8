"""The in-memory storefront: a shop that connectors of the same process find by its name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Self
from uuid import uuid4

from connectors.memory.webhooks import SECRET, TOPICS
from connectors.records import (
    ChannelLocation,
    PushOutcome,
    PushResult,
    ShopInfo,
    StockOffer,
    Subscription,
)
from connectors.signing import hmac_sha256_base64
from connectors.simulators.server import Simulator
from connectors.simulators.shop import Event, EventKind, Position, Sale, Stale, Variant
from connectors.simulators.webhooks import Post

_OPEN: dict[str, MemorySimulator] = {}


def find(name: str) -> MemorySimulator | None:
    return _OPEN.get(name)


class MemorySimulator(Simulator):
    """Has no server: connectors call it. Webhooks do go out over HTTP."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.name = uuid4().hex
        self.token = uuid4().hex
        self.secret = uuid4().hex
        self.subscriptions: dict[str, Subscription] = {}
        self._written: dict[str, PushResult] = {}
        self.done: set[str] = set()

    def start(self) -> Self:
        _OPEN[self.name] = self
        return super().start()

    def stop(self) -> None:
        _OPEN.pop(self.name, None)
        super().stop()

    def app(self) -> None:
        return None

    def credentials(self) -> dict[str, str]:
        return {"shop": self.name, "token": self.token, SECRET: self.secret}

    def rotate_secret(self) -> str:
        self.secret = uuid4().hex
        return self.secret

    def describe(self) -> ShopInfo:
        return ShopInfo(
            external_id=self.name,
            name=self.shop.name,
            currency=self.shop.currency,
            locations=(ChannelLocation("main", "Main"),),
            server_time=self.now(),
        )

    def changed(self, after: Position, limit: int) -> tuple[Sale, ...]:
        ends = self.now() - timedelta(seconds=self.faults.index_lag)
        found = self.shop.orders_after(after, limit)
        return tuple(one for one in found if not self.faults.index_lag or one.updated_at <= ends)

    def find_variant(self, handles: Mapping[str, str]) -> Variant | None:
        return self.shop.by_inventory(handles.get("inventory_key", ""))

    def set_stock(self, offer: StockOffer) -> PushResult:
        """Once per idempotency key: a repeat gets the first answer again."""
        with self.shop.lock:
            if offer.idempotency_key not in self._written:
                self._written[offer.idempotency_key] = self._set_stock(offer)
            return self._written[offer.idempotency_key]

    def _set_stock(self, offer: StockOffer) -> PushResult:
        variant = self.find_variant(offer.handles)
        if variant is None:
            return PushResult(offer.key, PushOutcome.GONE, None, "unknown")
        if offer.quantity < 0:
            return PushResult(offer.key, PushOutcome.REJECTED, variant.quantity, "negative")
        try:
            self.shop.set_quantity(variant.inventory_key, offer.quantity, offer.expected)
        except Stale as stale:
            return PushResult(offer.key, PushOutcome.STALE, stale.current, "stale")
        return PushResult(offer.key, PushOutcome.ACCEPTED, offer.quantity)

    def subscribe(self, url: str) -> tuple[Subscription, ...]:
        for topic in TOPICS:
            key = f"{topic} {url}"
            self.subscriptions.setdefault(key, Subscription(key, topic, url))
        return tuple(one for one in self.subscriptions.values() if one.url == url)

    def drop_subscription(self, subscription: str) -> None:
        self.subscriptions.pop(subscription, None)

    def on_event(self, event: Event) -> None:
        if not self.subscriptions:
            return
        topic = event.kind.value if event.kind in (EventKind.STOCK, EventKind.LISTING) else "order"
        changed = event.sale or event.variant
        told = {
            "event_id": uuid4().hex,
            "topic": topic,
            "key": changed.key if changed else "",
            "sent_at": self.now().isoformat(),
        }
        body = json.dumps(told).encode()
        headers = {"X-Memory-Signature": hmac_sha256_base64(self.secret, body)}
        forged = {"X-Memory-Signature": hmac_sha256_base64("forged", body)}
        for one in list(self.subscriptions.values()):
            if one.topic == topic:
                self.webhooks.send(Post(one.external_id, topic, one.url, headers, body), forged)
