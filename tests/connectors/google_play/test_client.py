"""Around single calls: access, what is asked, refusals, and the set-up of pushes."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.errors import AuthError, ProtocolError, RejectedError, TransientError
from connectors.google_play import CHANNEL, answers
from connectors.google_play.simulator import GooglePlaySimulator
from connectors.records import Cursor
from connectors.testing import Rig
from connectors.testing.rig import LONG_AGO
from tests.connectors.google_play.script import NOT_FOUND, URL, scripted


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig(CHANNEL, GooglePlaySimulator(), timeout=5.0) as rig:
        yield rig


# -- access ----------------------------------------------------------------------------------------


def test_one_access_token_serves_many_calls(rig: Rig) -> None:
    connector = rig.connector()

    for _ in range(3):
        connector.check()

    assert rig.simulator.requests["Token"] == 1


def test_a_token_is_renewed_before_it_runs_out(rig: Rig) -> None:
    connector = rig.connector()
    connector.check()
    connector.connection.now = lambda: datetime.now(UTC) + timedelta(minutes=56)
    rig.simulator._clock = connector.connection.now

    connector.check()

    assert rig.simulator.requests["Token"] == 2


def test_a_token_refused_before_its_time_is_renewed_at_once(rig: Rig) -> None:
    connector = rig.connector()
    connector.check()
    rig.simulator._granted.clear()

    connector.check()

    assert rig.simulator.requests["Token"] == 2


def test_an_account_that_is_not_let_in_is_not_asked_for_ever(rig: Rig) -> None:
    connector = rig.connector()
    connector.check()
    rig.simulator.faults.next("unauthorized", times=50, where="Products")

    with pytest.raises(AuthError):
        connector.check()

    assert rig.simulator.requests["Products"] == 3


@pytest.mark.parametrize(
    "key_file",
    ["", "{", "[]", "{}", '{"client_email": "a@b.c", "private_key_id": "k", "private_key": "x"}'],
)
def test_a_file_that_is_no_service_account_key_is_told_as_such(rig: Rig, key_file: str) -> None:
    with pytest.raises(AuthError):
        rig.connector(service_account=key_file).check()


def test_the_key_of_another_account_is_refused(rig: Rig) -> None:
    other = GooglePlaySimulator().credentials()["service_account"]

    with pytest.raises(AuthError):
        rig.connector(service_account=other).check()


def test_another_app_is_not_ours_to_see(rig: Rig) -> None:
    with pytest.raises(AuthError):
        rig.connector(package_name="com.example.other").check()


def test_the_key_file_does_not_choose_whom_we_call() -> None:
    connector, script = scripted((200, {}))
    given = connector.connection.credentials
    evil = json.dumps({**json.loads(given["service_account"]), "token_uri": "https://evil.example"})
    connector.connection.credentials = given.replace(service_account=evil)

    connector.check()

    assert script.urls[0] == "https://oauth2.googleapis.com/token"


# -- what is asked ---------------------------------------------------------------------------------


def test_the_addresses_are_googles() -> None:
    connector, script = scripted((200, {}), (200, {"keys": [{"kid": "k"}]}))

    connector.check()
    connector.webhook_keys()

    assert script.urls[1:] == [
        f"{URL}/oneTimeProducts",
        "https://www.googleapis.com/oauth2/v3/certs",
    ]
    assert script.asked[1][2]["headers"] == {"Authorization": "Bearer ya29.a"}


def test_a_purchase_token_cannot_add_a_verb_or_leave_its_place() -> None:
    connector, script = scripted(NOT_FOUND)

    connector.fetch_orders(["../../x:consume?a=b"])

    place = f"{URL}/purchases/productsv2/tokens/"
    assert script.urls[1] == place + "..%2F..%2Fx%3Aconsume%3Fa%3Db"


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (400, {"status": "INVALID_ARGUMENT"}, RejectedError),
        (404, {"status": "NOT_FOUND"}, RejectedError),
        (403, {"status": "PERMISSION_DENIED"}, AuthError),
        (403, {"errors": [{"reason": "permissionDenied"}]}, AuthError),
        (403, {"errors": [{"reason": "quotaExceeded"}]}, TransientError),
        (403, {"status": "PERMISSION_DENIED", "errors": [{"reason": "rateLimitExceeded"}]},
         TransientError),
        (400, {"status": "RESOURCE_EXHAUSTED"}, TransientError),
        (403, {"errors": ["odd"], "status": ["odd"]}, AuthError),
        (400, "invalid_grant", AuthError),
        (400, 5, RejectedError),
    ],
)  # fmt: skip
def test_what_a_refusal_means(status: int, error: Any, expected: type[Exception]) -> None:
    found = answers.refusal("GET", status, {}, json.dumps({"error": error}).encode())

    assert type(found) is expected


def test_a_refusal_that_is_no_json_is_judged_by_its_status() -> None:
    assert isinstance(answers.refusal("GET", 403, {}, b"<html>"), AuthError)
    assert isinstance(answers.refusal("GET", 404, {}, b"<html>"), RejectedError)


def test_a_refusal_repeats_nothing_of_what_google_says() -> None:
    body = {"error": {"status": "NOT_FOUND", "message": "token tok-123 of a@b.c"}}

    found = answers.refusal("GET", 404, {}, json.dumps(body).encode())

    assert "tok-123" not in f"{found!r} {found.message} {found.code}"


def test_an_answer_of_another_shape_is_not_an_empty_catalogue() -> None:
    for odd in ({"unexpected": []}, [], {"oneTimeProducts": {}}):
        connector, _ = scripted((200, odd))
        with pytest.raises(ProtocolError):
            connector.list_listings(Cursor(LONG_AGO))


def test_a_key_set_without_keys_is_refused() -> None:
    connector, script = scripted()
    script.told = deque([(200, {"keys": []})])

    with pytest.raises(ProtocolError):
        connector.webhook_keys()


# -- setting up pushes -----------------------------------------------------------------------------


def test_a_new_audience_reaches_the_subscription_that_is_there(rig: Rig) -> None:
    rig.connector().subscribe("https://hub.example/1")

    rig.connector(push_audience="another").subscribe("https://hub.example/1")

    (there,) = rig.simulator.subscriptions.values()
    assert there["pushConfig"]["oidcToken"]["audience"] == "another"


def test_without_the_right_to_push_the_account_is_not_paused(rig: Rig) -> None:
    denied = (403, {"error": {"status": "PERMISSION_DENIED"}})
    connector, _ = scripted(denied, settings={"topic": "projects/p/topics/t"})

    with pytest.raises(RejectedError) as caught:
        connector.subscribe("https://hub.example/1")

    assert caught.value.field == "topic"


@pytest.mark.parametrize("topic", ["", "play", "projects/p", "topics/t"])
def test_a_topic_that_is_none_is_refused_by_its_name(topic: str) -> None:
    connector, _ = scripted(settings={"topic": topic})

    with pytest.raises(RejectedError) as caught:
        connector.subscribe("https://hub.example/1")

    assert caught.value.field == "topic"


def test_subscriptions_that_pull_are_not_ours(rig: Rig) -> None:
    name = f"projects/{rig.simulator.project}/subscriptions/theirs"
    rig.simulator.subscriptions[name] = {"name": name, "topic": rig.simulator.topic}
    connector = rig.connector()

    made = connector.subscribe("https://hub.example/1")

    assert connector.subscriptions() == made
