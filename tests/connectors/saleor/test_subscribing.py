"""Our webhook at Saleor is made once, mended where it is broken, and others are let be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.base import Connector
from connectors.errors import AuthError, ProtocolError
from connectors.saleor import CHANNEL
from connectors.saleor.simulator import SaleorSimulator
from connectors.saleor.subscribing import keys
from connectors.saleor.webhooks import KEYS, SUBSCRIPTION, TOPICS
from connectors.testing import Rig

URL = "https://hub.example/hooks/1"


@pytest.fixture
def shop() -> SaleorSimulator:
    return SaleorSimulator()


@pytest.fixture
def connector(shop: SaleorSimulator) -> Iterator[Connector]:
    with Rig(CHANNEL, shop, timeout=5) as rig:
        yield rig.connector()


def test_one_webhook_tells_of_every_topic(connector: Connector, shop: SaleorSimulator) -> None:
    made = connector.subscribe(URL)

    assert [one.topic for one in made] == list(TOPICS)
    assert len(shop.hooks) == 1


@pytest.mark.parametrize(
    "broken",
    [
        {"isActive": False},
        {"subscriptionQuery": None},
        {"subscriptionQuery": "subscription { event { issuedAt } }"},
        {"asyncEvents": [{"eventType": "ORDER_CREATED"}]},
    ],
)
def test_a_broken_one_is_mended_in_its_place(
    connector: Connector, shop: SaleorSimulator, broken: dict[str, Any]
) -> None:
    (first, *_) = connector.subscribe(URL)
    shop.hooks[first.external_id].update(broken)

    connector.subscribe(URL)

    (hook,) = shop.hooks.values()
    assert (hook["isActive"], hook["subscriptionQuery"]) == (True, SUBSCRIPTION)
    assert [one["eventType"] for one in hook["asyncEvents"]] == list(TOPICS)


def test_a_whole_one_is_not_touched(connector: Connector, shop: SaleorSimulator) -> None:
    connector.subscribe(URL)
    connector.subscribe(URL)

    assert (shop.requests["Subscribe"], shop.requests["Resubscribe"]) == (1, 0)


def test_another_address_has_a_webhook_of_its_own(
    connector: Connector, shop: SaleorSimulator
) -> None:
    connector.subscribe(URL)
    other = connector.subscribe("https://hub.example/hooks/2")

    assert len(shop.hooks) == 2
    assert {one.url for one in other} == {"https://hub.example/hooks/2"}
    assert len(connector.subscriptions()) == 2 * len(TOPICS)


def test_without_an_app_nothing_is_subscribed(connector: Connector, shop: SaleorSimulator) -> None:
    shop._answers["Webhooks"] = lambda given: {"app": None}

    with pytest.raises(AuthError):
        connector.subscribe(URL)


class Published:
    """Stands for a client whose shop publishes this."""

    def __init__(self, found: object) -> None:
        self.found = found

    def keys(self) -> object:
        return self.found


KEY = {"kty": "RSA", "kid": "k1", "n": "AQAB", "e": "AQAB"}


def test_keys_are_kept_in_one_form_without_what_is_not_ours() -> None:
    told = {"keys": [{"kty": "EC", "kid": "x"}, {**KEY, "alg": "RS256", "use": "sig", "new": 1}]}

    found = keys(Published(told))  # type: ignore[arg-type]

    assert json.loads(found[KEYS]) == {"keys": [KEY]}
    assert found == keys(Published({"keys": [dict(reversed(KEY.items()))]}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "told", [[], {}, {"keys": []}, {"keys": [{"kty": "EC"}]}, {"keys": [{**KEY, "n": None}]}]
)
def test_what_is_no_key_set_is_told_as_such(told: object) -> None:
    with pytest.raises(ProtocolError):
        keys(Published(told))  # type: ignore[arg-type]
