"""The conflict API: what each role sees, previews, decides; and how it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from hub.conflicts.kinds import KINDS
from hub.db import Database
from hub.resolution.verbs import PUT_OFF, VERBS
from hub.secrets import Keyring
from tests.builders import World, line, order, world
from tests.hub.resolution.steps import show
from tests.web import Speaker, Web


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    return world(database, seller, keyring, {"TENT": 5})


@pytest.fixture
def web(database: Database, keyring: Keyring) -> Web:
    return Web(database, keyring)


@pytest.fixture
def support(web: Web, seller: int) -> Speaker:
    return Speaker(web, seller, "support")


def the(speaker: Speaker, kind: str) -> dict[str, Any]:
    (one,) = speaker.get(f"/conflicts?kind={kind}").get_json()["items"]
    shown: dict[str, Any] = speaker.get(f"/conflicts/{one['id']}").get_json()
    return shown


def test_every_declared_action_is_planned_put_off_or_done_elsewhere() -> None:
    declared = {
        (kind.name, action.verb)
        for kind in KINDS.values()
        for action in kind.actions
        if action.verb not in PUT_OFF and not action.elsewhere
    }

    assert declared == set(VERBS)


def test_a_conflict_offers_each_role_what_it_may_do(
    web: Web, seller: int, shop: World, support: Speaker
) -> None:
    shop.take(order("1", line("a", "v-TENT", 8)))

    verbs = [one["verb"] for one in the(support, "oversold")["actions"]]

    assert verbs == ["reallocate", "cancel_units", "wait", "dismiss"]
    assert the(Speaker(web, seller, "viewer"), "oversold")["actions"] == []


def test_a_preview_tells_and_changes_nothing(shop: World, support: Speaker) -> None:
    shop.take(order("1", line("a", "v-TENT", 8)))
    one = the(support, "oversold")

    answer = support.post(f"/conflicts/{one['id']}/preview", {"verb": "cancel_units"})

    told = answer.get_json()
    assert (told["leads_to"], answer.headers["ETag"]) == ("resolved", f'"{one["version"]}"')
    assert [(row["before"], row["after"]) for row in told["changes"]] == [(3, 0), (0, 3)]
    assert len(told["notes"]) == 2
    assert the(support, "oversold") == one


def test_a_resolution_is_answered_with_its_history(shop: World, support: Speaker) -> None:
    shop.take(order("1", line("a", "v-TENT", 8)))
    one = the(support, "oversold")
    body = {"verb": "cancel_units", "arguments": {"units": 3}, "reason": "the buyer agrees"}

    answer = support.post(f"/conflicts/{one['id']}/resolve", body, match=one["version"])

    told = answer.get_json()
    assert (told["state"], told["actions"]) == ("resolved", [])
    assert told["resolution"]["arguments"] == {"units": 3}
    assert told["events"][0]["actor"] == told["resolution"]["actor"]
    again = support.post(f"/conflicts/{one['id']}/resolve", body, match=one["version"])
    assert (again.status_code, again.get_json()) == (200, told)


def test_it_compares_versions(shop: World, support: Speaker) -> None:
    shop.take(order("1", line("a", "v-TENT", 8)))
    one = the(support, "oversold")
    path, body = f"/conflicts/{one['id']}/resolve", {"verb": "dismiss", "reason": "r"}

    assert support.post(path, body).status_code == 428
    assert support.post(path, body, match=one["version"] + 1).status_code == 412
    assert the(support, "oversold")["state"] == "open"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"verb": "link"}, "verb"),
        ({"verb": "wait"}, "arguments.until"),
        ({"verb": "cancel_units", "arguments": {"units": "3"}}, "arguments.units"),
        ({"verb": "cancel_units", "arguments": {"sku": "TENT"}}, "arguments.sku"),
        ({"verb": "cancel_units", "arguments": {"unit": 3}}, "arguments.unit"),
        ({"verb": "cancel_units"}, "reason"),
    ],
)
def test_what_is_wrong_is_named(
    shop: World, support: Speaker, body: dict[str, Any], field: str
) -> None:
    shop.take(order("1", line("a", "v-TENT", 8)))
    one = the(support, "oversold")

    answer = support.post(f"/conflicts/{one['id']}/resolve", body, match=one["version"])

    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, [field])


def test_somebody_takes_it_and_finds_it_among_theirs(shop: World, support: Speaker) -> None:
    shop.take(order("1", line("a", "v-TENT", 8)))
    one = the(support, "oversold")
    path = f"/conflicts/{one['id']}/assign"

    taken = support.post(path, {"assignee": "me"}, match=one["version"]).get_json()

    assert taken["state"] == "in_progress"
    assert len(support.get("/conflicts?assignee=me").get_json()["items"]) == 1
    assert support.get("/conflicts?assignee=nobody").get_json()["items"] == []
    left = support.post(path, {"assignee": "nobody"}, match=taken["version"]).get_json()
    assert (left["state"], left["assignee"]) == ("open", None)


def test_a_dismissed_one_is_counted_as_such_and_opened_again(shop: World, support: Speaker) -> None:
    show(shop, "v-1", sku="ANOTHER")
    one = the(support, "listing_unmapped")
    path = f"/conflicts/{one['id']}"

    support.post(f"{path}/dismiss", {"reason": "known"}, match=one["version"])

    counted = support.get("/conflicts/counts").get_json()["items"]
    assert counted == [{"kind": "listing_unmapped", "state": "dismissed", "count": 1}]
    now = the(support, "listing_unmapped")
    opened = support.post(f"{path}/reopen", {"reason": "not so"}, match=now["version"])
    assert opened.get_json()["state"] == "open"


def test_a_payload_is_shown_to_an_owner_and_the_look_is_written_down(
    web: Web, seller: int, shop: World, support: Speaker
) -> None:
    shop.take(order("7", line("a", "v-TENT"), total=1.5, raw={"name": "Berta Buyer"}))
    path = f"/conflicts/{the(support, 'poison_record')['id']}/payload"

    refused = support.get(path)
    shown = Speaker(web, seller, "owner").get(path)

    assert refused.status_code == 403
    assert shown.get_json() == {"payload": {"name": "Berta Buyer"}}
    assert shop.ask("SELECT action FROM audit") == [("conflict.payload",)]
    assert "Berta" not in str(the(support, "poison_record"))


def test_a_payload_that_is_not_there_is_not_found(
    web: Web, seller: int, shop: World, support: Speaker
) -> None:
    shop.take(order("1", line("a", "v-TENT", 8)))

    path = f"/conflicts/{the(support, 'oversold')['id']}/payload"

    assert Speaker(web, seller, "owner").get(path).status_code == 404


def test_many_are_resolved_at_once_each_with_its_own_answer(shop: World, support: Speaker) -> None:
    for key in ("v-1", "v-2"):
        show(shop, key, sku=f"ANOTHER-{key}")
    shop.take(order("1", line("a", "v-TENT", 8)))
    asked = {"verb": "ignore", "reason": "sold by somebody else"}
    other = the(support, "oversold")["id"]

    told = support.post("/conflicts/bulk", {**asked, "filter": {"kind": "listing_unmapped"}})
    refused = support.post("/conflicts/bulk", {**asked, "ids": [other]})

    assert [(one["done"], one["state"]) for one in told.get_json()["items"]] == [
        (True, "dismissed"),
        (True, "dismissed"),
    ]
    (one,) = refused.get_json()["items"]
    assert (refused.status_code, one["done"], one["code"]) == (200, False, "invalid_input")


@pytest.mark.parametrize(
    "choice",
    [{}, {"ids": []}, {"ids": [1] * 201}, {"ids": [1], "filter": {"kind": "oversold"}},
     {"filter": {}}, {"filter": {"kind": "oversold", "unknown": 1}}],
)  # fmt: skip
def test_a_choice_of_many_is_one_of_both_and_bounded(
    shop: World, support: Speaker, choice: dict[str, Any]
) -> None:
    answer = support.post("/conflicts/bulk", {"verb": "dismiss", "reason": "r", **choice})

    assert answer.status_code == 422


def test_many_sent_again_under_their_key_are_answered_as_before(
    shop: World, support: Speaker
) -> None:
    show(shop, "v-1", sku="ANOTHER")
    body = {"verb": "ignore", "reason": "r", "filter": {"kind": "listing_unmapped"}}
    key = {"Idempotency-Key": "bulk-1"}

    first = support.post("/conflicts/bulk", body, headers=key)
    again = support.post("/conflicts/bulk", body, headers=key)

    assert first.get_json() == again.get_json()
    assert [one["done"] for one in first.get_json()["items"]] == [True]
