"""Records that could not be read, and credentials that are not accepted: tried again, or left."""

from __future__ import annotations

from typing import Any

import pytest

from hub.channels import accounts, flows, vitals
from hub.conflicts.life import Who
from hub.conflicts.record import Finding, close_conflicts, open_conflicts
from hub.db import Database
from hub.errors import Conflict, Forbidden, InvalidInput
from hub.sales.findings import Poison, quarantine
from hub.secrets import Keyring
from tests.builders import World, line, order, world
from tests.hub.resolution.steps import ANNA, as_told, conflict, preview, resolve, run


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    return world(database, seller, keyring, {"TENT": 5})


def bad(shop: World, key: str = "7") -> None:
    shop.take(order(key, line("a", "v-TENT"), total=1.5))


def asked(shop: World) -> list[tuple[Any, ...]]:
    return shop.ask("SELECT kind, argument FROM request ORDER BY id")


def refused(shop: World) -> None:
    """The channel turns the account away."""
    subject = f"account:{shop.account_id}"
    finding = Finding("auth_expired", subject, "no longer accepted", {}, shop.account_id, "high")
    run(shop, lambda tx: flows.note(tx, shop.account_id, flows.PULL, flows.REAUTHORISE))
    run(shop, lambda tx: open_conflicts(tx, [finding]))


def test_a_bad_record_is_fetched_again_and_closes_when_it_has_gone_in(shop: World) -> None:
    bad(shop)

    done = as_told(shop, "poison_record", "retry")

    assert done.state == "in_progress"
    assert asked(shop) == [("refetch", {"orders": ["7"]})]
    shop.take(order("7", line("a", "v-TENT")))
    assert conflict(shop, "poison_record").state == "auto_resolved"


def test_a_record_that_is_bad_again_is_open_again(shop: World) -> None:
    bad(shop)
    resolve(shop, "poison_record", "retry")

    bad(shop)

    assert conflict(shop, "poison_record").state == "open"


def test_its_payload_is_gone_once_it_has_gone_in(shop: World) -> None:
    bad(shop)
    assert shop.ask("SELECT payload IS NULL FROM conflict") == [(False,)]

    shop.take(order("7", line("a", "v-TENT")))

    assert shop.ask("SELECT payload IS NULL FROM conflict") == [(True,)]


def test_a_listing_that_could_not_be_read_has_the_catalogue_read(shop: World) -> None:
    poison = [Poison("v-9", "title", "is too long", {"id": "v-9"})]
    run(shop, lambda tx: quarantine(tx, shop.keyring, shop.account_id, poison, "listing_record"))

    as_told(shop, "poison_record", "retry")

    assert asked(shop) == [("listings", {})]


def test_a_record_without_an_id_cannot_be_fetched(shop: World) -> None:
    bad(shop, key="")

    with pytest.raises(Conflict, match="no id"):
        preview(shop, "poison_record", "retry")


def test_a_skipped_record_stays_skipped_however_often_it_comes(shop: World) -> None:
    bad(shop)
    resolve(shop, "poison_record", "dismiss", reason="a test of theirs")

    bad(shop)

    assert conflict(shop, "poison_record").state == "dismissed"


def test_credentials_are_tried_again(shop: World) -> None:
    refused(shop)

    done = as_told(shop, "auth_expired", "retry")

    assert done.state == "in_progress"
    assert [kind for kind, _ in asked(shop)] == ["test"]
    assert run(shop, vitals.healths) == {shop.account_id: "healthy"}


def test_credentials_that_are_refused_again_are_open_again(shop: World) -> None:
    refused(shop)
    resolve(shop, "auth_expired", "retry")

    refused(shop)

    assert conflict(shop, "auth_expired").state == "open"


def test_it_closes_itself_when_the_channel_answers(shop: World) -> None:
    refused(shop)
    resolve(shop, "auth_expired", "retry")

    run(shop, lambda tx: close_conflicts(tx, "auth_expired", [f"account:{shop.account_id}"]))

    assert conflict(shop, "auth_expired").state == "auto_resolved"


def test_the_account_is_paused(shop: World) -> None:
    refused(shop)

    done = as_told(shop, "auth_expired", "pause")

    assert done.state == "resolved"
    assert run(shop, lambda tx: accounts.get(tx, shop.account_id)).mode == "paused"


def test_a_paused_account_is_not_tried(shop: World) -> None:
    refused(shop)
    run(shop, lambda tx: accounts.set_mode(tx, shop.account_id, "paused"))

    for verb, why in (("retry", "resume it first"), ("pause", "already")):
        with pytest.raises(Conflict, match=why):
            preview(shop, "auth_expired", verb)


def test_new_credentials_are_given_elsewhere_and_by_an_owner(shop: World) -> None:
    refused(shop)

    with pytest.raises(Conflict, match=f"PUT /api/v1/accounts/{shop.account_id}/credentials"):
        resolve(shop, "auth_expired", "reauthorise", who=Who("token:2", "owner"))
    with pytest.raises(Forbidden):
        resolve(shop, "auth_expired", "reauthorise", who=ANNA)


def test_an_action_of_another_kind_names_those_there_are(shop: World) -> None:
    refused(shop)

    with pytest.raises(InvalidInput, match="one of reauthorise, retry, pause, dismiss"):
        resolve(shop, "auth_expired", "reallocate")


def test_an_argument_the_action_does_not_take_is_named(shop: World) -> None:
    refused(shop)

    with pytest.raises(InvalidInput, match=r"arguments\.sku: is nothing retry takes"):
        resolve(shop, "auth_expired", "retry", sku="TENT")
