"""Setting up the push of notifications: a Pub/Sub subscription on the app's own topic.

https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions. The topic is named
in the Play Console by a person; that part Google lets nobody else do.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from connectors.errors import AuthError, ProtocolError, RejectedError
from connectors.fields import Unreadable, each
from connectors.google_play import answers, mapping
from connectors.google_play.client import Client
from connectors.google_play.fields import Resource
from connectors.records import Subscription

EXISTS = "409"
PAGE = "100"


def subscribe(client: Client, topic: str, url: str, audience: str, email: str) -> Subscription:
    """The name is made of the address, so that a second time finds the first."""
    name = _name(topic, url)
    push = {
        "pushEndpoint": url,
        "oidcToken": {"serviceAccountEmail": email, "audience": audience},
    }
    try:
        client.write_push("PUT", name, {"topic": topic, "pushConfig": push})
    except RejectedError as error:
        if error.code != EXISTS:
            raise RejectedError(error.message, code=error.code, field="topic") from error
        client.write_push("POST", f"{name}:modifyPushConfig", {"pushConfig": push})
    except AuthError as error:
        raise _no_right(error) from error
    return Subscription(name, topic, url)


def subscriptions(client: Client, topic: str) -> tuple[Subscription, ...]:
    """All on the topic that push; others may have theirs."""
    try:
        names = _names(client, topic)
        found = [client.read_push(one) for one in names]
    except AuthError as error:
        raise _no_right(error) from error
    read, _ = each(found, mapping.subscription)
    return tuple(one for one in read if one.url)


def _names(client: Client, topic: str) -> list[str]:
    """Of this project's own; Pub/Sub writes the whole name of each."""
    if not topic:
        return []
    names: list[str] = []
    token, more = "", True
    while more:
        asked = [("pageSize", PAGE), *([("pageToken", token)] if token else [])]
        body = client.read_push(f"{topic}/subscriptions", asked)
        found = answers.listed(body, "subscriptions", "nextPageToken")
        names += [one for one in found if isinstance(one, str)]
        onward = _onward(body)
        if onward and onward == token:
            raise ProtocolError("the list of subscriptions does not move on", code="page_repeated")
        token, more = onward, bool(onward)
    return names


def _onward(body: Mapping[str, Any]) -> str:
    try:
        return Resource(body).words("nextPageToken")
    except Unreadable as error:
        raise ProtocolError(f"not a page: {error}", code="bad_page") from error


def _name(topic: str, url: str) -> str:
    project, found, _ = topic.partition("/topics/")
    if not found or not project.startswith("projects/"):
        raise RejectedError("is not of the form projects/…/topics/…", field="topic")
    return f"{project}/subscriptions/hub-{sha256(url.encode()).hexdigest()[:24]}"


def _no_right(error: AuthError) -> RejectedError:
    """The account opens the shop all the same; only this is not its to do."""
    return RejectedError(
        "the service account may not set up pushes: give it the role Pub/Sub Editor, or create "
        "the push subscription by hand",
        code=error.code,
        field="topic",
    )
