"""A record the ledger must not hold is kept aside, and the rest of its page goes in."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from connectors.records import ChannelOrder
from hub.db import Database
from hub.secrets import Keyring, bound_to
from tests.builders import NOON, World, line, order, world


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    return world(database, seller, keyring, {"TENT": 10})


def bad(key: str = "bad", **changes: Any) -> ChannelOrder:
    return order(key, line("a", "v-TENT"), **{"raw": {"said": "this"}, **changes})


def with_line(**changes: Any) -> ChannelOrder:
    quantity = changes.pop("quantity", 1)
    key = changes.pop("key", "a")
    return order("bad", line(key, "v-TENT", quantity, **changes), raw={"said": "this"})


def many(count: int) -> ChannelOrder:
    return order("bad", *(line(f"{n}", "v-TENT") for n in range(count)), raw={"said": "this"})


NAN, HUGE = float("nan"), 10**18
ONE = "lines[0]"
BAD = [
    (bad(currency="EURO"), "currency"),
    (bad(currency=""), "currency"),
    (bad(currency="eur"), "currency"),
    (bad(currency="XXX"), "currency"),
    (bad(total=1.5), "total"),
    (bad(total=NAN), "total"),
    (bad(total=True), "total"),
    (bad(total=-HUGE), "total"),
    (bad(status="teleported"), "status"),
    (bad(number="x" * 101), "number"),
    (bad(number="\x00"), "number"),
    (bad(number="\ud800"), "number"),
    (bad(number=None), "number"),
    (bad(channel_status="\udfff"), "channel_status"),
    (bad(placed_at=datetime(2026, 3, 2)), "placed_at"),  # noqa: DTZ001  # the point
    (bad(updated_at=NOON.replace(tzinfo=None)), "updated_at"),
    (bad(updated_at=NOON.replace(year=1)), "updated_at"),
    (bad(placed_at=NOON.replace(year=9999)), "placed_at"),
    (bad(key=""), "external_id"),
    (bad(key="a\x00b"), "external_id"),
    (bad(key="\ud800" * 200), "external_id"),
    (bad(key="x" * 201), "external_id"),
    (bad(key="x" * 2_000), "external_id"),
    (many(0), "lines"),
    (many(10_001), "lines"),
    (order("bad", line("a", "v-TENT"), line("a", "v-TENT")), "lines[1].external_id"),
    (with_line(key=""), f"{ONE}.external_id"),
    (with_line(key="\x00"), f"{ONE}.external_id"),
    (with_line(quantity=0), f"{ONE}.quantity"),
    (with_line(quantity=-1), f"{ONE}.quantity"),
    (with_line(quantity=1.5), f"{ONE}.quantity"),
    (with_line(quantity=2.0), f"{ONE}.quantity"),
    (with_line(quantity=NAN), f"{ONE}.quantity"),
    (with_line(quantity=True), f"{ONE}.quantity"),
    (with_line(quantity="3"), f"{ONE}.quantity"),
    (with_line(quantity=None), f"{ONE}.quantity"),
    (with_line(quantity=HUGE), f"{ONE}.quantity"),
    (with_line(cancelled=2), f"{ONE}.cancelled"),
    (with_line(cancelled=-1), f"{ONE}.cancelled"),
    (with_line(shipped=-1), f"{ONE}.shipped"),
    (with_line(shipped=0.5), f"{ONE}.shipped"),
    (with_line(sku="x" * 256), f"{ONE}.sku"),
    (with_line(title="\ud83d"), f"{ONE}.title"),
    (with_line(title="A\x00"), f"{ONE}.title"),
    (with_line(unit_price=HUGE), f"{ONE}.unit_price"),
    (with_line(unit_price=4.99), f"{ONE}.unit_price"),
    (with_line(total=NAN), f"{ONE}.total"),
    (with_line(total="500"), f"{ONE}.total"),
]
NAMES = [f"{n}-{field}" for n, (_, field) in enumerate(BAD)]


def test_each_bad_order_is_kept_aside_by_its_field_and_the_page_goes_in(
    shop: World, subtests: Any
) -> None:
    for number, (record, field) in enumerate(BAD):
        with subtests.test(NAMES[number]):
            good = order(f"good-{number}", line("a", "v-TENT"))

            taken = shop.take(good, record)

            assert (taken.new, taken.quarantined) == (1, 1)
            kept = kept_aside(shop)
            assert kept[0] == field
    shop.check()


def kept_aside(shop: World) -> tuple[str, Any]:
    """The field and payload of the newest record kept aside; then put out of the way."""
    found = shop.ask(
        "UPDATE conflict SET state = 'auto_resolved', closed_at = now()"
        " WHERE kind = 'poison_record' AND state = 'open' RETURNING subject, evidence, payload"
    )
    assert len(found) == 1
    subject, evidence, payload = found[0]
    binding = bound_to(shop.seller_id, "conflict", subject, "payload")
    return evidence["channel"]["field"], json.loads(shop.keyring.decrypt(payload, binding))


def test_what_the_channel_sent_is_kept_encrypted(shop: World) -> None:
    shop.take(bad(total=1.5))

    payload = shop.ask("SELECT payload FROM conflict WHERE kind = 'poison_record'")[0][0]

    assert b"said" not in payload
    assert kept_aside(shop) == ("total", {"said": "this"})


def test_the_same_bad_record_is_one_conflict_however_often_it_comes(shop: World) -> None:
    for _ in range(3):
        shop.take(bad(total=1.5))

    assert shop.conflicts() == {"poison_record": 1}
    assert shop.ask("SELECT seen FROM conflict") == [(3,)]


def test_a_good_version_goes_in_and_closes_the_conflict(shop: World) -> None:
    shop.take(bad(key="7", total=1.5))

    taken = shop.take(bad(key="7"))

    assert taken.new == 1
    assert shop.conflicts() == {}


def test_a_bad_version_of_a_known_order_leaves_it_as_it_was(shop: World) -> None:
    shop.take(order("7", line("a", "v-TENT", 2)))

    shop.take(order("7", line("a", "v-TENT", -2), at=5))

    assert shop.line("7", "a") == {"quantity": 2, "allocated": 2}
    assert shop.conflicts() == {"poison_record": 1}
    shop.check()


def test_two_bad_records_without_an_id_are_both_kept(shop: World) -> None:
    shop.take(bad(key="", number="#1"), bad(key="", number="#2", raw={"said": "that"}))

    assert shop.conflicts() == {"poison_record": 2}


def test_words_of_any_script_go_in_as_they_are(shop: World) -> None:
    shop.take(order("订单-1", line("行", "v-TENT", title="Zelt 帐篷 🏕"), number="№ 1"))

    assert shop.ask("SELECT title FROM order_line") == [("Zelt 帐篷 🏕",)]
    assert shop.conflicts() == {}
