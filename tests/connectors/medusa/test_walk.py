"""The walks: orders by what changed and by what was paid, variants while some are deleted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Response

from connectors.errors import CursorExpired, ProtocolError
from connectors.medusa import CHANNEL, calls, orders, place
from connectors.medusa.place import KNOWN, Place
from connectors.medusa.simulator import MedusaSimulator
from connectors.records import Cursor, OrderStatus
from connectors.simulators.server import json_response
from connectors.testing import Rig
from connectors.testing.rig import LONG_AGO, walk

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


@pytest.fixture
def shop() -> MedusaSimulator:
    return MedusaSimulator()


@pytest.fixture
def rig(shop: MedusaSimulator) -> Iterator[Rig]:
    with Rig(CHANNEL, shop, timeout=2) as rig:
        rig.stock_up()
        yield rig


def test_a_payment_captured_later_makes_the_order_come_again(
    rig: Rig, shop: MedusaSimulator
) -> None:
    sale = rig.shop.buy([("SKU-0", 1)], at=datetime.now(UTC) - timedelta(days=3))
    rig.shop.set_status(sale.key, OrderStatus.UNPAID)
    connector = rig.connector()
    *_, last = walk(connector.pull_orders)
    shop.office.capture(sale.key)
    rig.shop.buy([("SKU-1", 1)])
    later = Cursor(datetime.now(UTC) + timedelta(minutes=8))

    (again,) = [one for one in rig.orders(connector, later) if one.external_id == sale.key]

    assert last.items[0].status is OrderStatus.UNPAID
    assert again.status is OrderStatus.CONFIRMED
    assert again.updated_at > last.items[0].updated_at


def test_a_payment_that_came_with_its_order_is_not_read_twice(rig: Rig) -> None:
    rig.sell(3)

    rig.orders(rig.connector())

    assert rig.simulator.requests["Orders"] == 1


def test_many_payments_are_paged_and_each_order_comes_once(rig: Rig, shop: MedusaSimulator) -> None:
    count = calls.PAYMENTS_PAGE + 5
    rig.sell(count, ago=timedelta(days=3))
    for sale in rig.shop.orders:
        shop.office.capture(sale.key)
    since = Cursor(datetime.now(UTC) - timedelta(days=1))

    found = rig.orders(rig.connector(), since)

    assert len(found) == len({one.external_id for one in found}) == count


def test_a_filter_that_is_not_heeded_is_noticed(rig: Rig, shop: MedusaSimulator) -> None:
    rig.sell(2, ago=timedelta(days=3))
    heedless(shop, "Orders")

    with pytest.raises(ProtocolError) as caught:
        rig.connector().pull_orders(Cursor(datetime.now(UTC)))

    assert caught.value.code == "filter_ignored"


def test_ids_that_are_not_heeded_are_noticed(rig: Rig, shop: MedusaSimulator) -> None:
    rig.sell(3)
    heedless(shop, "Orders")

    with pytest.raises(ProtocolError) as caught:
        rig.connector().fetch_orders([rig.shop.orders[0].key])

    assert caught.value.code == "filter_ignored"


def heedless(shop: MedusaSimulator, where: str) -> None:
    """As Medusa is with every filter that it does not know."""
    shop.heedless.add(where)


def test_one_bad_order_leaves_the_rest_of_its_page(rig: Rig, shop: MedusaSimulator) -> None:
    rig.sell(3)
    spoil(shop, "orders", 1)

    page = rig.connector().pull_orders(Cursor(LONG_AGO))

    assert [one.number for one in page.items] == ["#1001", "#1003"]
    (bad,) = page.bad
    assert (bad.external_id, bad.field) == (rig.shop.orders[1].key, "currency_code")


def spoil(shop: MedusaSimulator, name: str, index: int) -> None:
    """Let one record of a list come without its currency."""
    told = shop._told

    def tell(act: object) -> Response:
        body = json.loads(told(act).get_data())  # type: ignore[arg-type]
        if name in body:
            body[name][index]["currency_code"] = None
        return json_response(body)

    shop._told = tell  # type: ignore[method-assign]


def test_a_variant_deleted_during_the_walk_hides_no_other(rig: Rig) -> None:
    skus = rig.stock_up(2 * calls.LISTINGS_PAGE + 30)
    connector = rig.connector()

    first = connector.list_listings(Cursor(LONG_AGO))
    for sku in skus[:3]:
        rig.shop.remove_variant(sku)
    rest = [one.sku for page in walk(connector.list_listings, first.cursor) for one in page.items]

    assert set(skus) <= {*rest, *(one.sku for one in first.items)}


def test_a_catalogue_that_never_stands_still_is_given_up(rig: Rig) -> None:
    rig.stock_up(calls.LISTINGS_PAGE + 30)
    token = json.dumps([101, "variant_that_went", 20])

    with pytest.raises(ProtocolError) as caught:
        rig.connector().list_listings(Cursor(LONG_AGO, token))

    assert caught.value.code == "list_unstable"


def row(key: str, at: datetime) -> dict[str, str]:
    return {"id": key, "updated_at": place.spelled(at)}


def test_the_next_page_begins_at_the_latest_change_without_what_is_known() -> None:
    start = Place(place.ORDERS, NOW, NOW)
    later = NOW + timedelta(seconds=1)

    at, fresh = start.met([row("a", NOW), row("b", later), row("c", later)], more=True)
    after, more = at.met([row("b", later), row("c", later), row("d", later)], more=True)

    assert len(fresh) == 3
    assert (at.start, at.known, at.offset) == (later, ("b", "c"), 0)
    assert [one["id"] for one in more] == ["d"]  # type: ignore[index]
    assert after.known == ("b", "c", "d")


def test_of_very_many_changes_of_one_moment_the_last_are_known() -> None:
    at = Place(place.ORDERS, NOW, NOW)
    for n in range(0, 300, 50):
        at, _ = at.met([row(f"o{n + one}", NOW) for one in range(50)], more=True)

    assert (at.ties, len(at.known), at.offset) == (300, KNOWN, 100)


@pytest.mark.parametrize(
    "rows",
    [
        [row("a", NOW - timedelta(milliseconds=1))],
        [row("a", NOW + timedelta(seconds=2)), row("b", NOW)],
    ],
    ids=["older than asked for", "not in order"],
)
def test_a_list_that_is_not_what_was_asked_for_is_refused(rows: list[dict[str, str]]) -> None:
    with pytest.raises(ProtocolError):
        Place(place.ORDERS, NOW, NOW).met(rows, more=False)


def test_a_page_of_nothing_new_does_not_go_on_for_ever() -> None:
    with pytest.raises(ProtocolError) as caught:
        Place(place.ORDERS, NOW, NOW, ("a",), 1).met([row("a", NOW)], more=True)

    assert caught.value.code == "page_repeated"


def test_a_place_comes_back_from_its_token() -> None:
    at = Place(place.PAYMENTS, NOW, NOW + timedelta(1), ("a", "b"), 7, NOW)

    assert place.resume(at.onward(Cursor(NOW)), orders.OVERLAP) == at


@pytest.mark.parametrize("token", ["x", "[]", '["orders", "x", "y", [], 0, ""]', "{}", "[1,2]"])
def test_a_token_that_is_not_ours_starts_again(token: str) -> None:
    with pytest.raises(CursorExpired):
        place.resume(Cursor(NOW, token), orders.OVERLAP)
