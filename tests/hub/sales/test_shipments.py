"""Sending and cancelling over HTTP: what it does to the ledger, and what the channel is to hear."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connectors.base import Capability, Fulfilment
from connectors.catalog import channel
from hub.channels import connecting
from hub.channels.telling import Abilities, Parcel, Units, Unreadable, dump, load
from hub.db import Database
from hub.errors import Conflict, InvalidInput
from hub.inventory.models import State
from hub.sales import cancelling, shipments
from hub.secrets import Keyring
from tests.builders import NOON, World, line, order, world
from tests.keyed import key_shop
from tests.web import Speaker, as_owner

ABLE = connecting.abilities(channel("memory"))
DHL = {"carrier": "DHL", "tracking_number": "JD01", "tracking_url": "https://dhl.example/JD01"}


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    """Two lines, of which the second is short of two."""
    made = world(database, seller, keyring, {"TENT": 5, "MAP": 2})
    made.take(order("1", line("a", "v-TENT", 3), line("b", "v-MAP", 4)))
    return made


@pytest.fixture
def owner(shop: World) -> Speaker:
    return as_owner(shop.database, shop.keyring, shop.seller_id)


def lines(shop: World) -> dict[str, int]:
    """Line key → id."""
    return dict(shop.ask("SELECT external_id, id FROM order_line"))


def path(shop: World, rest: str) -> str:
    return f"/orders/{shop.order_id('1')}/{rest}"


def boxes(shop: World) -> list[tuple[Any, ...]]:
    return shop.ask("SELECT kind, version, state, payload -> 'lines' FROM outbox ORDER BY id")


def ship(shop: World, able: Abilities, units: dict[int, int] | None = None) -> shipments.Shipment:
    leaving = shipments.Leaving("DHL", "JD01", lines=units)
    number = shop.order_id("1")
    return shop.database.command(
        shop.seller_id, lambda tx: shipments.ship(tx, number, leaving, able)
    )


def test_what_is_allocated_leaves_and_the_channel_is_to_hear_of_it(
    owner: Speaker, shop: World
) -> None:
    answer = owner.post(path(shop, "shipments"), DHL)

    assert answer.status_code == 201
    told = answer.get_json()
    assert (told["number"], told["state"], told["carrier"]) == ("#1-1", "waiting", "DHL")
    assert [(one["sku"], one["quantity"]) for one in told["lines"]] == [("v-TENT", 3), ("v-MAP", 2)]
    assert shop.line("1", "b") == {"quantity": 4, "shipped": 2, "claimed": 2}
    assert shop.level("TENT", State.ALLOCATED) == 0
    assert boxes(shop) == [("ship", 1, "waiting", [["a", 3], ["b", 2]])]
    assert owner.get(answer.headers["Location"].removeprefix("/api/v1")).get_json() == told
    assert owner.get(path(shop, "shipments")).get_json() == {"items": [told]}
    waiting = owner.get(f"/accounts/{shop.account_id}/outbox", query_string={"state": "waiting"})
    assert [one["kind"] for one in waiting.get_json()["items"]] == ["ship"]
    shop.check()


def test_sent_again_with_its_key_the_goods_leave_once(owner: Speaker, shop: World) -> None:
    body = {**DHL, "lines": [{"line_id": lines(shop)["a"], "quantity": 1}]}
    key = {"Idempotency-Key": "parcel-1"}

    first = owner.post(path(shop, "shipments"), body, headers=key)
    again = owner.post(path(shop, "shipments"), body, headers=key)

    assert (first.status_code, again.get_json()) == (201, first.get_json())
    assert shop.line("1", "a") == {"quantity": 3, "shipped": 1, "allocated": 2}
    assert len(boxes(shop)) == 1


@pytest.mark.parametrize(
    ("line_key", "quantity", "field"),
    [
        ("b", 3, "lines[0].quantity"),
        ("none", 1, "lines[0].line_id"),
        ("a", 0, "lines[0].quantity"),
    ],
)
def test_more_than_is_allocated_is_refused_by_name(
    owner: Speaker, shop: World, line_key: str, quantity: int, field: str
) -> None:
    given = {"line_id": lines(shop).get(line_key, 1), "quantity": quantity}

    answer = owner.post(path(shop, "shipments"), {**DHL, "lines": [given]})

    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, [field])
    assert boxes(shop) == []
    shop.check()


def test_a_line_that_is_named_twice_is_refused(owner: Speaker, shop: World) -> None:
    given = {"line_id": lines(shop)["a"], "quantity": 1}

    answer = owner.post(path(shop, "shipments"), {**DHL, "lines": [given, given]})

    assert list(answer.get_json()["errors"]) == ["lines[1].line_id"]


def test_nothing_is_left_to_send_a_second_time(owner: Speaker, shop: World) -> None:
    owner.post(path(shop, "shipments"), DHL)

    answer = owner.post(path(shop, "shipments"), DHL)

    assert (answer.status_code, answer.get_json()["code"]) == (409, "nothing_to_ship")


def test_a_correction_needs_the_version_that_was_read(owner: Speaker, shop: World) -> None:
    made = owner.post(path(shop, "shipments"), DHL).get_json()
    where = f"/shipments/{made['id']}"

    stale = owner.patch(where, {"tracking_number": "JD02"}, match=7)
    same = owner.patch(where, {"tracking_number": "JD01"}, match=1)
    changed = owner.patch(where, {"tracking_number": "JD02"}, match=1)

    assert (stale.status_code, same.get_json()["version"]) == (412, 1)
    assert changed.get_json()["tracking_number"] == "JD02"
    assert changed.headers["ETag"] == '"2"'
    assert [row[:3] for row in boxes(shop)] == [("ship", 1, "waiting"), ("ship", 2, "waiting")]
    assert shop.ask("SELECT action FROM audit WHERE action LIKE 'shipment.%' ORDER BY at") == [
        ("shipment.send",),
        ("shipment.correct",),
    ]
    shop.check()


def test_what_the_channel_sends_itself_is_not_told_to_it(shop: World) -> None:
    shop.take(order("1", line("a", "v-TENT", 3), line("b", "v-MAP", 4), at=1, number="#1A",
                    fulfilled_by_channel=True))  # fmt: skip

    made = ship(shop, ABLE)

    assert made.state == "own"
    assert boxes(shop) == []
    shop.check()


def test_a_channel_that_cannot_be_told_is_not(shop: World) -> None:
    assert ship(shop, Abilities()).state == "own"
    assert boxes(shop) == []


def test_a_channel_that_takes_an_order_whole_is_told_of_no_part(shop: World) -> None:
    whole = replace(ABLE, partial=False)
    with pytest.raises(InvalidInput, match="in one parcel"):
        ship(shop, whole)

    shop.adjust("delivery", "MAP", 2)
    shop.derive()
    assert ship(shop, whole).state == "waiting"


def test_keys_do_not_leave_in_parcels(database: Database, seller: int, keyring: Keyring) -> None:
    shop = key_shop(database, seller, keyring, {"GAME": ["A-1"]})
    shop.take(order("1", line("a", "v-GAME")))

    with pytest.raises(Conflict, match="nothing of this order"):
        ship(shop, ABLE)


def test_a_declaration_says_what_a_channel_can_be_told() -> None:
    declared = replace(
        channel("memory"),
        capabilities=frozenset({Capability.CANCEL}),
        fulfilment=Fulfilment(partial=False, corrects=False),
    )

    able = connecting.abilities(declared)

    assert able == Abilities(cancel=True, partial=False, corrects=False)
    assert connecting.abilities(channel("memory")) == Abilities(
        ship=True, cancel=True, refund=True, cancels_lines=True
    )


# -- cancelling -----------------------------------------------------------------------------------


def test_units_taken_off_are_free_and_stay_off(owner: Speaker, shop: World) -> None:
    body = {"reason": "sold out", "lines": [{"line_id": lines(shop)["b"], "quantity": 3}]}

    answer = owner.post(path(shop, "cancellations"), body)

    assert (answer.status_code, answer.get_json()["state"]) == (201, "waiting")
    assert shop.line("1", "b") == {"quantity": 4, "allocated": 1, "cancelled": 3}
    assert shop.level("MAP") == 1
    assert boxes(shop) == [("cancel", 1, "waiting", [["b", 3]])]
    assert shop.conflicts() == {}
    shop.take(order("1", line("a", "v-TENT", 3), line("b", "v-MAP", 6, cancelled=1), at=9))
    assert shop.line("1", "b")["cancelled"] == 3
    assert owner.get(path(shop, "cancellations")).get_json()["items"] == [answer.get_json()]
    shop.check()


def test_all_that_is_left_is_cancelled_as_a_whole_order(owner: Speaker, shop: World) -> None:
    owner.post(path(shop, "cancellations"), {"reason": "the buyer called"})

    assert boxes(shop) == [("cancel", 1, "waiting", [])]
    assert shop.level("TENT") == 5
    again = owner.post(path(shop, "cancellations"), {"reason": "once more"})
    assert (again.status_code, again.get_json()["code"]) == (409, "nothing_to_cancel")
    shop.check()


def test_a_channel_that_cancels_whole_orders_takes_no_part_of_one(shop: World) -> None:
    able, number = replace(ABLE, cancels_lines=False), shop.order_id("1")
    part = cancelling.TakenOff("sold out", {lines(shop)["b"]: 1})

    with pytest.raises(InvalidInput, match="lines: this channel cancels whole orders only"):
        shop.database.command(shop.seller_id, lambda tx: cancelling.cancel(tx, number, part, able))

    assert shop.line("1", "b") == {"quantity": 4, "allocated": 2, "claimed": 2}


def test_what_waits_for_a_link_can_be_taken_off_too(shop: World) -> None:
    shop.take(order("2", line("a", "v-NEW", 2)))
    number = shop.order_id("2")

    shop.database.command(
        shop.seller_id,
        lambda tx: cancelling.cancel(tx, number, cancelling.TakenOff("unknown"), Abilities()),
    )

    assert shop.line("2", "a") == {"quantity": 2, "cancelled": 2}
    assert "order_line_unmapped" not in shop.conflicts()
    shop.check()


# -- refunds --------------------------------------------------------------------------------------


def test_money_is_asked_for_in_the_orders_currency_and_within_what_was_paid(
    owner: Speaker, shop: World
) -> None:
    ask = {"amount": 600, "reason": "it came late"}

    first = owner.post(path(shop, "refunds"), ask)

    assert (first.status_code, first.get_json()["state"]) == (202, "pending")
    assert first.get_json()["currency"] == "EUR"
    for body, field in (
        ({**ask, "amount": 401}, "amount"),
        ({**ask, "amount": 1, "currency": "USD"}, "currency"),
        ({**ask, "amount": 1, "lines": [{"line_id": 1, "quantity": 1}]}, "lines[0].line_id"),
    ):
        answer = owner.post(path(shop, "refunds"), body)
        assert (answer.status_code, list(answer.get_json()["errors"])) == (422, [field])
    assert owner.post(path(shop, "refunds"), {**ask, "amount": 400}).status_code == 202
    assert len(owner.get(path(shop, "refunds")).get_json()["items"]) == 2
    assert shop.line("1", "a") == {"quantity": 3, "allocated": 3}
    shop.check()


# -- payloads -------------------------------------------------------------------------------------

PARCEL = Parcel("1", "k", "DHL", "JD01", "", NOON, (Units("a", 2),))


def test_a_payload_is_read_as_it_was_written() -> None:
    assert load("ship", dump(PARCEL)) == PARCEL


@pytest.mark.parametrize(
    "broken",
    [{"lines": [["a", -1]]}, {"lines": [["a", "2"]]}, {"carrier": 7}, {"shipped_at": "noon"}, {}],
)
def test_a_payload_that_cannot_be_read_is_not_guessed_at(broken: dict[str, Any]) -> None:
    payload = {**dump(PARCEL), **broken}
    if not broken:
        del payload["key"]

    with pytest.raises(Unreadable):
        load("ship", payload)
