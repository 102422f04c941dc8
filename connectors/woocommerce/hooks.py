"""The simulated shop's webhooks: what is kept of each, and which of them send."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import count
from typing import Any

from connectors.woocommerce import lists
from connectors.woocommerce import storefront as words
from connectors.woocommerce.gate import Refused

VERBS = ("created", "updated", "deleted", "restored")
RESOURCES = ("order", "product", "customer", "coupon")
STATUSES = ("active", "paused", "disabled")


class Hooks:
    """``secrets`` by webhook: they are never told again."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._numbers = count(101)
        self._kept: dict[str, dict[str, Any]] = {}
        self.secrets: dict[str, str] = {}

    def listed(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        status = query.get("status", "all")
        found = [one for one in self._kept.values() if status in ("all", one["status"])]
        ways = {"id": lambda one: one["id"], "date": lambda one: one["date_created"]}
        return list(lists.page(lists.sort(found, query, ways), query, lambda one: int(one["id"])))

    def create(self, given: Mapping[str, Any]) -> dict[str, Any]:
        topic = str(given.get("topic", ""))
        resource, _, verb = topic.partition(".")
        if resource not in RESOURCES or verb not in VERBS:
            said = "Webhook topic is required and must be valid."
            raise Refused("woocommerce_rest_invalid_webhook_topic", said, 400)
        if not str(given.get("delivery_url", "")).startswith(("http://", "https://")):
            said = "Webhook delivery URL must be a valid URL starting with http:// or https://."
            raise Refused("woocommerce_rest_invalid_webhook_delivery_url", said, 400)
        number, now = next(self._numbers), self._now()
        self._kept[str(number)] = {
            "id": number,
            "name": "",
            "status": "active",
            "topic": topic,
            "resource": resource,
            "event": verb,
            "hooks": [],
            "delivery_url": given["delivery_url"],
            **words.dates("date_created", now),
            **words.dates("date_modified", now),
        }
        return self.update(str(number), given)

    def update(self, key: str, given: Mapping[str, Any]) -> dict[str, Any]:
        if key not in self._kept:
            raise Refused("woocommerce_rest_shop_webhook_invalid_id", "Invalid ID.", 404)
        if given.get("status", "active") not in STATUSES:
            raise lists.invalid("status")
        told = {name: given[name] for name in ("name", "status") if name in given}
        if "secret" in given:
            self.secrets[key] = str(given["secret"])
        self._kept[key] |= {**told, **words.dates("date_modified", self._now())}
        return dict(self._kept[key])

    def disable(self, key: str) -> None:
        if key in self._kept:
            self._kept[key]["status"] = "disabled"

    def listening(self, topic: str) -> list[dict[str, Any]]:
        return [
            one
            for one in list(self._kept.values())
            if one["topic"] == topic and one["status"] == "active"
        ]
