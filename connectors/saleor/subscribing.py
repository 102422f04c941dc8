"""Keeping our webhook alive: one per address, for all topics, with our subscription.

https://docs.saleor.io/developer/extending/webhooks/overview
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from connectors.errors import AuthError, ProtocolError
from connectors.fields import Unreadable
from connectors.jws import ALGORITHM
from connectors.records import Subscription
from connectors.saleor.client import Client
from connectors.saleor.nodes import Node
from connectors.saleor.queries import RESUBSCRIBE, SUBSCRIBE, WEBHOOKS
from connectors.saleor.webhooks import KEYS, SUBSCRIPTION, TOPICS

NAME = "Storefront Hub"


def subscribe(client: Client, url: str) -> tuple[Subscription, ...]:
    """One that somebody switched off, or that lacks a topic, is mended in its place."""
    try:
        ours = [one for one in _webhooks(client) if one.text("targetUrl") == url]
        whole = [one for one in ours if _is_whole(one)]
        wanted = {"isActive": True, "asyncEvents": list(TOPICS), "query": SUBSCRIPTION}
        if ours and not whole:
            client.change(RESUBSCRIBE, "webhookUpdate", {"id": ours[0].text("id"), "input": wanted})
        elif not ours:
            made = {"name": NAME, "targetUrl": url, **wanted}
            client.change(SUBSCRIBE, "webhookCreate", {"input": made})
    except Unreadable as error:
        raise ProtocolError(f"webhooks cannot be read: {error}", code="bad_record") from error
    return tuple(one for one in subscriptions(client) if one.url == url)


def subscriptions(client: Client) -> tuple[Subscription, ...]:
    """One for each topic of each webhook that is on."""
    try:
        return tuple(
            Subscription(one.text("id"), topic, one.text("targetUrl"))
            for one in _webhooks(client)
            if one.truth("isActive")
            for topic in _topics(one)
        )
    except Unreadable as error:
        raise ProtocolError(f"webhooks cannot be read: {error}", code="bad_record") from error


def keys(client: Client) -> Mapping[str, str]:
    """The published keys, in the one form that is stored and compared."""
    try:
        found = [_key(one) for one in Node(client.keys()).parts("keys")]
    except Unreadable as error:
        raise ProtocolError(f"not a key set: {error}", code="bad_keys") from error
    if not any(found):
        raise ProtocolError("the key set holds no RSA key", code="bad_keys")
    return {KEYS: json.dumps({"keys": [one for one in found if one]}, sort_keys=True)}


def _key(entry: Node) -> dict[str, Any] | None:
    if entry.words("kty") != "RSA" or entry.words("alg") not in ("", ALGORITHM):
        return None
    return {name: entry.text(name) for name in ("kty", "kid", "n", "e")}


def _webhooks(client: Client) -> list[Node]:
    app = Node(client.run(WEBHOOKS)).optional("app")
    if app is None:
        raise AuthError("the token is of no app", code="no_app")
    return app.parts_if_any("webhooks")


def _topics(webhook: Node) -> list[str]:
    return [one.text("eventType") for one in webhook.parts_if_any("asyncEvents")]


def _is_whole(webhook: Node) -> bool:
    asked = " ".join(webhook.words("subscriptionQuery").split())
    return (
        webhook.truth("isActive")
        and set(_topics(webhook)) >= set(TOPICS)
        and (asked == SUBSCRIPTION)
    )
