"""Three kinds of access: a token that stays, one renewed by another, one had by id and secret."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from connectors.base import Connection
from connectors.errors import AuthError, ProtocolError, TransientError
from connectors.http import Http
from connectors.records import Credentials
from connectors.shopify import CHANNEL, tokens
from connectors.shopify.connector import ShopifyConnector
from connectors.shopify.gatehouse import Grant
from connectors.shopify.simulator import ShopifySimulator

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LONG = timedelta(days=2)


@dataclass
class Account:
    """An account whose credentials are kept as the hub keeps them."""

    simulator: ShopifySimulator
    http: Http
    kept: dict[str, str] = field(repr=False)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    stored: int = 0
    asked: int = 0

    def connector(self) -> ShopifyConnector:
        connection = Connection(
            credentials=Credentials(self.kept),
            http=self.http,
            now=lambda: self.now,
            on_refresh=self._store,
            base_url=self.simulator.url,
        )
        return ShopifyConnector(connection)

    def _store(self, fresh: Credentials) -> None:
        assert self.simulator.requests["Shop"] == self.asked  # before it is used
        self.kept = dict(fresh)
        self.stored += 1


def account(simulator: ShopifySimulator) -> Account:
    http = Http(hosts=CHANNEL.hosts, loopback=(simulator.address,), timeout=2)
    return Account(simulator, http, simulator.credentials())


@pytest.fixture(params=[Grant.REFRESH, Grant.OWN])
def renewing(request: pytest.FixtureRequest) -> Iterator[Account]:
    with ShopifySimulator(grant=request.param) as simulator:
        found = account(simulator)
        yield found
        found.http.close()


@pytest.fixture
def refreshing() -> Iterator[Account]:
    with ShopifySimulator(grant=Grant.REFRESH) as simulator:
        found = account(simulator)
        yield found
        found.http.close()


# -- decided ---------------------------------------------------------------------------------------

APP = {"client_id": "i", "client_secret": "s", "access_token": "t"}


@pytest.mark.parametrize(
    ("credentials", "due"),
    [
        ({"access_token": "t", "client_secret": "s"}, False),
        ({"access_token": "", "client_secret": "s"}, False),
        (APP, False),
        ({**APP, "access_token": ""}, True),
        ({**APP, tokens.EXPIRES: str(int((NOW + tokens.EARLY).timestamp()))}, True),
        ({**APP, tokens.EXPIRES: str(int((NOW + 2 * tokens.EARLY).timestamp()))}, False),
        ({**APP, tokens.EXPIRES: "soon"}, False),
    ],
)
def test_a_token_is_due_a_little_before_it_ends(credentials: dict[str, str], due: bool) -> None:
    assert tokens.due(credentials, NOW) is due


def test_the_question_is_that_of_the_kind_of_app() -> None:
    who = {"client_id": "i", "client_secret": "s"}

    assert tokens.question(APP) == {**who, "grant_type": "client_credentials"}
    assert tokens.question({**APP, "refresh_token": "r"}) == {
        **who,
        "grant_type": "refresh_token",
        "refresh_token": "r",
    }


def test_a_new_refresh_token_takes_the_place_of_the_old() -> None:
    answer = {"access_token": "new", "expires_in": 3600, "refresh_token": "r2"}

    found = tokens.renewed(Credentials({**APP, "refresh_token": "r1"}), answer, NOW)

    assert (found["access_token"], found["refresh_token"]) == ("new", "r2")
    assert found[tokens.EXPIRES] == str(int((NOW + timedelta(hours=1)).timestamp()))


@pytest.mark.parametrize("answer", [{}, {"access_token": 5}, [], None, {"access_token": ""}])
def test_an_answer_without_a_token_is_none(answer: object) -> None:
    with pytest.raises(ProtocolError):
        tokens.renewed(Credentials(APP), answer, NOW)


# -- at a shop -------------------------------------------------------------------------------------


def test_a_token_about_to_end_is_renewed_and_stored_first(renewing: Account) -> None:
    renewing.now += LONG - timedelta(days=1, minutes=3)
    if "refresh_token" in renewing.kept:
        renewing.now = datetime.now(UTC) + timedelta(minutes=57)
    old = renewing.kept["access_token"]

    renewing.connector().check()

    assert renewing.stored == 1
    assert renewing.kept["access_token"] != old


def test_a_token_that_is_refused_is_renewed_once(renewing: Account) -> None:
    renewing.simulator.gatehouse.revoke()

    renewing.connector().check()

    assert renewing.simulator.requests["Token"] == 1
    assert renewing.stored == 1


def test_an_app_of_the_sellers_own_needs_no_token_to_begin_with() -> None:
    with ShopifySimulator(grant=Grant.OWN) as simulator:
        found = account(simulator)
        del found.kept["access_token"]

        assert found.connector().check().name == "Rehearsal"
        assert found.kept["access_token"] == simulator.access_token
        found.http.close()


def test_refresh_tokens_rotate_from_renewal_to_renewal(refreshing: Account) -> None:
    seen = {refreshing.kept["refresh_token"]}
    for _ in range(3):
        refreshing.simulator.gatehouse.revoke()
        refreshing.connector().check()
        refreshing.asked = refreshing.simulator.requests["Shop"]
        seen.add(refreshing.kept["refresh_token"])

    assert len(seen) == 4


def test_a_renewal_whose_answer_got_lost_is_made_again(refreshing: Account) -> None:
    refreshing.simulator.gatehouse.revoke()
    refreshing.simulator.faults.next("error_after", where="Token")
    with pytest.raises(TransientError):
        refreshing.connector().check()

    refreshing.connector().check()

    assert refreshing.kept["access_token"] == refreshing.simulator.access_token


def test_a_spent_refresh_token_asks_for_a_person(refreshing: Account) -> None:
    refreshing.simulator.gatehouse.revoke()
    refreshing.kept["refresh_token"] = "shprt_spent"  # noqa: S105 - of nobody

    with pytest.raises(AuthError):
        refreshing.connector().check()

    assert refreshing.stored == 0


def test_an_early_renewal_that_fails_does_no_harm(refreshing: Account) -> None:
    refreshing.now += timedelta(minutes=57)
    refreshing.simulator.faults.next("error_before", where="Token")

    assert refreshing.connector().check().name == "Rehearsal"
    assert refreshing.stored == 0


def test_a_custom_apps_token_is_left_alone() -> None:
    with ShopifySimulator() as simulator:
        found = account(simulator)
        found.now += timedelta(days=400)

        found.connector().check()
        simulator.gatehouse.revoke()
        with pytest.raises(AuthError):
            found.connector().check()

        assert simulator.requests["Token"] == 0
        found.http.close()


def test_no_token_is_ever_said(refreshing: Account, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    names = ("access_token", "refresh_token", "client_secret")
    secrets = [refreshing.kept[name] for name in names]
    refreshing.simulator.gatehouse.revoke()
    connector = refreshing.connector()
    connector.check()
    secrets += [refreshing.kept[name] for name in names]
    refreshing.kept["refresh_token"] = "shprt_spent"  # noqa: S105 - of nobody
    refreshing.simulator.gatehouse.revoke()
    with pytest.raises(AuthError) as caught:
        refreshing.connector().check()

    said = f"{caplog.text} {caught.value!r} {caught.value.__cause__!r} {connector.connection!r}"
    assert not [one for one in [*secrets, "shprt_spent"] if one in said]
