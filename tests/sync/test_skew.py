"""Clocks that differ are seen in what channels answer, and told seldom."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from connectors.errors import SignatureError, TransientError
from connectors.http import Response, Unlimited
from connectors.memory.webhooks import SECRET, verify
from connectors.records import WebhookRequest
from connectors.signing import hmac_sha256_base64
from hub.channels import clocks
from hub.channels.clocks import Clock
from hub.db import Database, create
from sync.carrier import Carrier
from sync.skew import SAME, SELDOM, SLOWEST, Clocked, Told, ahead
from tests.pump import World

SENT = datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp()


def answered(at: float, **headers: str) -> dict[str, str]:
    """Headers of an answer that a channel gave when its clock showed this."""
    date = format_datetime(datetime.fromtimestamp(int(at), UTC), usegmt=True)
    return {"date": date, **headers}


class TestOneAnswer:
    @pytest.mark.parametrize("differs", [-45.0, 0.0, 3.0, 7_200.0])
    def test_it_shows_by_how_much_we_run_ahead_to_a_second(self, differs: float) -> None:
        middle = SENT + 0.2

        seen = ahead(SENT, SENT + 0.4, answered(middle - differs))

        assert seen is not None
        assert abs(seen - differs) <= 1

    @pytest.mark.parametrize(
        ("took", "headers"),
        [
            (SLOWEST + 0.1, answered(SENT)),
            (-5.0, answered(SENT)),
            (0.1, answered(SENT, age="120")),
            (0.1, {"date": "yesterday"}),
            (0.1, {}),
        ],
        ids=["slow", "clock set back", "from a cache", "nonsense", "no date"],
    )
    def test_what_says_nothing_is_left_alone(self, took: float, headers: dict[str, str]) -> None:
        assert ahead(SENT, SENT + took, headers) is None


class TestTellingSeldom:
    def test_the_same_is_told_once_an_hour_and_a_change_at_once(self) -> None:
        told = Told()

        news = [
            told.is_news(1.0, 0.0),
            told.is_news(1.0 + SAME, 10.0),
            told.is_news(40.0, 20.0),
            told.is_news(40.0, 20.0 + SELDOM - 1),
            told.is_news(40.0, 20.0 + SELDOM),
        ]

        assert news == [True, False, True, False, True]

    def test_the_budget_is_asked_first_and_what_it_refuses_shows_no_clock(self) -> None:
        class UsedUp(Unlimited):
            def before(self, cost: float) -> None:
                raise TransientError("too fast", throttled=True)

        seen: list[float] = []
        clocked = Clocked(UsedUp(), seen.append, lambda: SENT)
        with pytest.raises(TransientError):
            clocked.before(1.0)
        clocked.after(Response(200, answered(SENT), b""))

        assert seen == []


@pytest.fixture
def world(open_world: Callable[..., World]) -> World:
    return open_world(channels=("shopify",))


def seen(world: World) -> Clock | None:
    with world.database.transaction(world.seller_id) as tx:
        return clocks.seen(tx, world.accounts["north"])


def test_an_accounts_clock_is_known_once_anything_was_asked_of_it_written_or_not(
    world: World,
) -> None:
    nowhere = Database(create("postgresql+psycopg://nobody@127.0.0.1:1/none"))
    cut_off = Carrier(world.carrier.settings, nowhere, world.carrier.keyring)

    cut_off._note_clock(world.seller_id, world.accounts["north"], 99.0)

    clock = seen(world)
    assert clock is not None
    assert abs(clock.ahead) <= 2
    assert clocks.said(clock) == ""


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (-timedelta(days=31), "it was sent 2678400 s before now by our clock"),
        (timedelta(hours=3), "it was sent 10800 s after now by our clock"),
    ],
)
def test_a_webhook_refused_for_its_time_says_by_how_much(sent: timedelta, said: str) -> None:
    now = datetime.now(UTC)
    told = {"event_id": "e", "topic": "order", "key": "1", "sent_at": (now + sent).isoformat()}
    body = json.dumps(told).encode()
    headers = {"x-memory-signature": hmac_sha256_base64("secret", body)}
    request = WebhookRequest("POST", "https://hub.example.org/webhooks/x", headers, body)

    with pytest.raises(SignatureError) as refused:
        verify(request, {SECRET: ["secret"]}, now)

    assert said in refused.value.message
