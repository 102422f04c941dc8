"""The webhooks an account has asked for: which there are, and the missing ones made."""

from __future__ import annotations

from connectors.errors import AuthError, ProtocolError, RejectedError
from connectors.fields import each
from connectors.records import Subscription
from connectors.shopify import answers, mapping
from connectors.shopify.client import Client
from connectors.shopify.lists import page
from connectors.shopify.queries import SUBSCRIBE, SUBSCRIPTIONS
from connectors.shopify.webhooks import OPTIONAL, TOPICS

#: What Shopify says where the topic and the address are there already.
TAKEN = "already been taken"


def subscribe(client: Client, url: str) -> tuple[Subscription, ...]:
    there = {one.topic for one in listed(client) if one.url == url}
    for topic in TOPICS:
        if topic not in there:
            _make(client, topic, url)
    return tuple(one for one in listed(client) if one.url == url)


def listed(client: Client) -> tuple[Subscription, ...]:
    found: list[Subscription] = []
    after, more = "", True
    while more:
        data = client.run(SUBSCRIPTIONS, {"after": after or None})
        some, more, end = page(data, "webhookSubscriptions")
        if more and end == after:
            raise ProtocolError("the list of subscriptions does not move on")
        found += each(some, mapping.subscription)[0]
        after = end
    return tuple(found)


def _make(client: Client, topic: str, url: str) -> None:
    """A topic that only quickens what is read anyway is left out where the app may not have it."""
    try:
        data = client.run(SUBSCRIBE, {"topic": topic, "uri": url})
        for refusal in answers.refusals(answers.payload(data, "webhookSubscriptionCreate")):
            if TAKEN not in refusal.message:
                raise RejectedError(refusal.message, code=refusal.code, field="url")
    except (AuthError, RejectedError) as error:
        if topic not in OPTIONAL or isinstance(error, AuthError) and error.code != "ACCESS_DENIED":
            raise
