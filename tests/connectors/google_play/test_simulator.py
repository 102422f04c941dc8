"""The simulated Google does what Google does: on and off, pushes until they are taken in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from connectors.google_play import CHANNEL, access, tokens
from connectors.google_play.simulator import ACCOUNT_KEY, GooglePlaySimulator, _key
from connectors.google_play.webhooks import TEST, verify
from connectors.records import Cursor, HintKind
from connectors.simulators.faults import Faults
from connectors.simulators.shop import OutOfStock
from connectors.testing import Rig
from connectors.testing.rig import Inbox, offer
from connectors.testing.webhooks import secrets


@pytest.fixture
def shop() -> Iterator[GooglePlaySimulator]:
    faults = Faults(hang=0.3, late=0.4)
    with GooglePlaySimulator(None, faults, webhook_backoff=(0.01,) * 3) as shop:
        shop.shop.add_variant("A", "Apple", 199, 100)
        yield shop


@pytest.fixture
def rig(shop: GooglePlaySimulator) -> Iterator[Rig]:
    with Rig(CHANNEL, shop, timeout=5.0) as rig:
        yield rig


def ask(shop: GooglePlaySimulator, path: str, token: str = "", **given: Any) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        headers = {"Authorization": f"Bearer {token}"}
        return session.get(f"{shop.url}{path}", headers=headers, params=given, timeout=5)


def grant(shop: GooglePlaySimulator, assertion: str) -> requests.Response:
    form = {"grant_type": access.GRANT, "assertion": assertion}
    with requests.Session() as session:
        session.trust_env = False
        return session.post(f"{shop.url}/token", data=form, timeout=5)


def assertion(shop: GooglePlaySimulator, **changed: Any) -> str:
    key_file = shop._key_file()
    now = int(datetime.now(UTC).timestamp())
    claims = {
        "iss": key_file["client_email"],
        "scope": access.SCOPE,
        "aud": access.AUDIENCE,
        "iat": now,
        "exp": now + 3600,
        **changed,
    }
    return tokens.write(claims, _key(ACCOUNT_KEY), key_file["private_key_id"])


# -- access ----------------------------------------------------------------------------------------


def test_a_good_assertion_opens_the_app(shop: GooglePlaySimulator) -> None:
    token = grant(shop, assertion(shop)).json()["access_token"]

    path = f"/androidpublisher/v3/applications/{shop.package}/oneTimeProducts"
    assert ask(shop, path, token).status_code == 200
    assert ask(shop, path, "other").status_code == 401
    assert ask(shop, path.replace(shop.package, "com.other"), token).status_code == 403
    assert ask(shop, f"/v1/{shop.topic}/subscriptions", token).status_code == 403


@pytest.mark.parametrize(
    "changed",
    [{"iss": "a@b.c"}, {"aud": "https://evil.example"}, {"exp": 1}, {"exp": 10**11}, {"iat": None}],
)
def test_an_assertion_that_is_not_right_opens_nothing(
    shop: GooglePlaySimulator, changed: dict[str, Any]
) -> None:
    answer = grant(shop, assertion(shop, **changed))

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


# -- selling ---------------------------------------------------------------------------------------


def test_what_is_on_can_be_bought_any_number_of_times(shop: GooglePlaySimulator) -> None:
    for _ in range(3):
        shop.shop.buy([("A", 5)])

    assert shop.shop.quantity("A") == 1
    assert shop.shop.sold["A"] == 15


def test_what_is_switched_off_cannot_be_bought_until_it_is_on_again(rig: Rig) -> None:
    connector = rig.connector()
    listing = rig.listing(connector, "A")

    connector.push_stock([offer(listing, 0, "k1")])
    with pytest.raises(OutOfStock):
        rig.shop.buy([("A", 1)])

    connector.push_stock([offer(listing, 7, "k2")])
    assert rig.shop.buy([("A", 1)]).lines[0].quantity == 1


def test_orders_have_the_ids_that_google_gives(shop: GooglePlaySimulator) -> None:
    keys = [shop.shop.buy([("A", 1)]).key for _ in range(2)]

    assert keys == ["GPA.3300-0000-0000-00000", "GPA.3300-0000-0000-00001"]


# -- pushes ----------------------------------------------------------------------------------------


def test_a_push_is_repeated_until_it_is_taken_in(rig: Rig) -> None:
    with Inbox(failures=12) as inbox:
        rig.connector().subscribe(inbox.url)
        rig.shop.buy([("A", 1)])
        come = inbox.wait(13)
        rig.simulator.webhooks.drain()

    assert len({one.body for one in come}) == 1
    assert len(inbox.received) == 13
    assert len(rig.simulator.subscriptions) == 1


def test_a_repeated_push_is_one_event(rig: Rig) -> None:
    rig.simulator.faults.next("webhook_duplicate")
    with Inbox() as inbox:
        rig.connector().subscribe(inbox.url)
        valid = secrets(rig)
        rig.shop.buy([("A", 1)])
        come = inbox.wait(2)

    events = [verify(one, valid, datetime.now(UTC)) for one in come]
    assert events[0] == events[1]


def test_a_refund_whose_push_is_lost_is_among_the_voided(rig: Rig) -> None:
    with Inbox() as inbox:
        connector = rig.connector()
        connector.subscribe(inbox.url)
        sale = rig.shop.buy([("A", 1)])
        inbox.wait(1)
        rig.simulator.faults.next("webhook_lost")
        rig.shop.cancel(sale.key)
        rig.simulator.webhooks.drain()

    assert len(inbox.received) == 1
    page = connector.pull_events(Cursor(datetime.now(UTC) - timedelta(hours=1)))
    assert [one.key for one in page.items] == [sale.key]


def test_the_button_in_the_console_sends_a_test_that_is_nothing(rig: Rig) -> None:
    with Inbox() as inbox:
        rig.connector().subscribe(inbox.url)
        valid = secrets(rig)
        rig.simulator.send_test()
        (request,) = inbox.wait(1)

    found = verify(request, valid, datetime.now(UTC))
    assert (found.topic, found.hints[0].kind) == (TEST, HintKind.NOTHING)


def test_a_new_signing_key_has_a_new_name_and_is_published_alone(
    shop: GooglePlaySimulator,
) -> None:
    before = ask(shop, "/oauth2/v3/certs").json()["keys"]

    name = shop.rotate_secret()

    after = ask(shop, "/oauth2/v3/certs").json()["keys"]
    assert [one["kid"] for one in after] == [name]
    assert before[0]["kid"] != name
    assert before[0]["n"] != after[0]["n"]


def test_what_a_seller_types_in_holds_no_key_of_googles(shop: GooglePlaySimulator) -> None:
    given = shop.credentials()

    assert json.loads(given["service_account"])["type"] == "service_account"
    assert "google_keys" not in given
