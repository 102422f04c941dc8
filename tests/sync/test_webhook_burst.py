"""A burst of webhooks while workers and Redis are dead: taken in by real web processes, worked off
once the others are back. How fast is a benchmark's business."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from connectors.signing import hmac_sha256_base64
from hub.channels import accounts
from tests.pump import World, eventually
from tests.sync.premises import Premises, premises

WEBHOOKS, SENDERS, ORDERS = 600, 12, 25
#: Of every twenty: known already, forged, recorded last week.
TWICE, FORGED, OLD = 4, 1, 1


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Premises]:
    with premises(tmp_path, webhooks=False, goods={"MUG": 1_000}) as made:
        yield made


@dataclass
class Burst:
    """Posts, one for one with the answer each is to get; the events that are to be in the hub."""

    posts: list[tuple[str, bytes, dict[str, str]]] = field(default_factory=list)
    expected: list[int] = field(default_factory=list)
    events: set[tuple[int, str]] = field(default_factory=set)


def burst(world: World) -> Burst:
    """Shops tell of their orders again and again, and others pretend to be shops."""
    chance, made = random.Random(1), Burst()
    orders = {name: [world.buy(name, ("MUG", 1)) for _ in range(ORDERS)] for name in world.shops}
    with world.database.transaction(world.seller_id) as tx:
        paths = {name: accounts.get(tx, one).webhook_path for name, one in world.accounts.items()}
    genuine: list[tuple[str, bytes, dict[str, str]]] = []
    for number in range(WEBHOOKS):
        kind = number % 20
        if kind < TWICE and genuine:
            # Every second one while the first is still under way.
            made.posts.append(genuine[-1] if kind % 2 else chance.choice(genuine))
            made.expected.append(200)
            continue
        name = chance.choice(list(world.shops))
        forged, old = kind == TWICE, kind == TWICE + FORGED
        secret = "guessed" if forged else world.shops[name].credentials()["client_secret"]
        sent_at = datetime.now(UTC) - timedelta(days=8 if old else 0)
        body = json.dumps({"id": int(chance.choice(orders[name])), "number": number}).encode()
        post = (f"/webhooks/{paths[name]}", body, headers(f"event-{number}", body, secret, sent_at))
        made.posts.append(post)
        made.expected.append(401 if forged or old else 200)
        if not forged and not old:
            genuine.append(post)
            made.events.add((world.accounts[name], f"event-{number}"))
    return made


def headers(event_id: str, body: bytes, secret: str, sent_at: datetime) -> dict[str, str]:
    return {
        "X-Shopify-Topic": "orders/updated",
        "X-Shopify-Webhook-Id": event_id,
        "X-Shopify-Triggered-At": sent_at.isoformat(),
        "X-Shopify-Hmac-Sha256": hmac_sha256_base64(secret, body),
    }


def post_all(url: str, posts: Sequence[tuple[str, bytes, dict[str, str]]]) -> list[int]:
    """From many connections at once; answers the status of each."""
    where = urlsplit(url)
    statuses = [0] * len(posts)

    def share(first: int) -> None:
        connection = HTTPConnection(str(where.hostname), where.port, timeout=60)
        for number in range(first, len(posts), SENDERS):
            path, body, told = posts[number]
            connection.request("POST", path, body, told)
            answer = connection.getresponse()
            answer.read()
            statuses[number] = answer.status
        connection.close()

    with ThreadPoolExecutor(SENDERS) as crew:
        list(crew.map(share, range(SENDERS)))
    return statuses


def stored(world: World) -> list[tuple[int, str]]:
    return [(a, e) for a, e in world.query("SELECT account_id, event_id FROM webhook ORDER BY id")]


def test_a_burst_with_workers_and_redis_dead_is_neither_lost_nor_doubled_and_caught_up(
    place: Premises,
) -> None:
    world = place.world
    with socket.socket() as listening:
        place.open_the_web(listening)
        place.settings["HUB_WEB_PROCESSES"] = "2"
        place.kill_redis()
        place.start("web")
        sent = burst(world)

        statuses = post_all(world.doorway.url, sent.posts)

        assert statuses == sent.expected, place.logs()
        assert sorted(stored(world)) == sorted(sent.events)
        assert world.inbox() == {"new": len(sent.events)}
        place.restore_redis()
        place.start("clock")
        place.start("worker --lane live")
        done = {"done": len(sent.events)}
        eventually(lambda: world.inbox() == done, 40, "every event is worked off")
        eventually(lambda: world.picture().converged, 30, "shops and hub agree")
        assert [len(world.orders(name)) for name in world.shops] == [ORDERS, ORDERS]
        assert world.conflicts() == {}
        world.check()
