"""Keeping the shop's webhooks to us alive.

WooCommerce switches a webhook off after some failures, and says so to nobody: an inactive one is no
subscription. The secret is never told again, so the name says by which one a webhook signs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import NamedTuple

from connectors.errors import UnknownOutcome
from connectors.fields import Unreadable, each
from connectors.records import Subscription
from connectors.woocommerce import pages
from connectors.woocommerce.client import Client
from connectors.woocommerce.fields import Record
from connectors.woocommerce.pages import Place
from connectors.woocommerce.paths import LARGEST, WEBHOOKS, webhook
from connectors.woocommerce.webhooks import TOPICS

NAME = "Storefront Hub"
ACTIVE = "active"


class Hook(NamedTuple):
    key: str
    name: str
    topic: str
    url: str
    active: bool

    @property
    def subscription(self) -> Subscription:
        return Subscription(self.key, self.topic, self.url)


def listed(client: Client, secret: str) -> tuple[Subscription, ...]:
    """Those of ours that send, and sign by the secret we hold."""
    return tuple(
        hook.subscription
        for hook in _hooks(client)
        if hook.active and hook.topic in TOPICS and hook.name == name(hook.topic, secret)
    )


def subscribe(client: Client, url: str, secret: str) -> tuple[Subscription, ...]:
    """One webhook for each topic: what is there is woken up or given the secret, if need be."""
    there = {hook.topic: hook for hook in _hooks(client) if hook.url == url}
    for topic in TOPICS:
        hook = there.get(topic)
        given = {"name": name(topic, secret), "status": ACTIVE, "secret": secret}
        if hook is None:
            made = client.write("POST", WEBHOOKS, {**given, "topic": topic, "delivery_url": url})
            there[topic] = _made(made)
        elif not hook.active or hook.name != given["name"]:
            there[topic] = _made(client.write("PUT", webhook(hook.key), given))
    return tuple(there[topic].subscription for topic in TOPICS)


def name(topic: str, secret: str) -> str:
    """With four digits of the secret's hash: enough to see that it was changed, useless else."""
    return f"{NAME} {topic} {sha256(secret.encode()).hexdigest()[:4]}"


def _hooks(client: Client) -> Iterator[Hook]:
    place, more = Place(), True
    while more:
        found, place, more = pages.by_id(client, WEBHOOKS, {"status": "all"}, place, LARGEST)
        yield from each(found, _hook)[0]


def _hook(data: object) -> Hook:
    node = Record(data)
    active = node.words("status") == ACTIVE
    words = (node.words("name"), node.words("topic"), node.words("delivery_url"))
    return Hook(node.key("id"), *words, active)


def _made(answer: Mapping[str, object]) -> Hook:
    try:
        return _hook(answer)
    except Unreadable as error:
        raise UnknownOutcome(f"the answer to a webhook is not one: {error}") from error
