"""The walk over changed orders loses none: in crowded seconds, among edits, in the trash."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import responses

from connectors.errors import CursorExpired, ProtocolError
from connectors.postsale import ParcelLine, Refund
from connectors.records import Cursor, OrderStatus
from connectors.testing import Rig
from connectors.testing.rig import LONG_AGO, walk
from connectors.woocommerce import CHANNEL
from connectors.woocommerce.pages import Place
from connectors.woocommerce.paths import ORDERS_PAGE
from connectors.woocommerce.simulator import WooCommerceSimulator
from tests.connectors.woocommerce.desk import at, connector, query
from tests.connectors.woocommerce.recorded import CHANGED, gmt, order, product


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig(CHANNEL, WooCommerceSimulator(pings=False), timeout=2.0) as rig:
        rig.stock_up()
        yield rig


def simulator(rig: Rig) -> WooCommerceSimulator:
    assert isinstance(rig.simulator, WooCommerceSimulator)
    return rig.simulator


def test_bounds_are_whole_seconds_and_left_out_so_one_is_added() -> None:
    until = CHANGED + timedelta(minutes=1)
    with connector() as shop, responses.RequestsMock() as web:
        web.get(at("/orders"), json=[])
        shop.pull_orders(Cursor(CHANGED, until=until))
        asked = query(web.calls[0])

    assert asked["modified_after"] == gmt(CHANGED - CHANNEL.orders.overlap - timedelta(seconds=1))
    assert asked["modified_before"] == gmt(until + timedelta(seconds=1))
    assert (asked["dates_are_gmt"], asked["status"]) == ("true", "any")
    assert (asked["orderby"], asked["order"]) == ("modified", "asc")


def test_a_second_page_is_asked_for_by_time_without_what_was_met() -> None:
    first = [order(id=n, date_modified_gmt=gmt(CHANGED)) for n in range(1, ORDERS_PAGE + 1)]
    with connector() as shop, responses.RequestsMock() as web:
        web.get(at("/orders"), json=first)
        web.get(at("/orders"), json=[order(id=90, date_modified_gmt=gmt(CHANGED))])
        web.get(at("/orders"), json=[])
        pages = list(walk(shop.pull_orders))
        asked = query(web.calls[1])

    assert asked["modified_after"] == gmt(CHANGED - timedelta(seconds=1))
    assert asked["exclude"].split(",") == [str(n) for n in range(1, ORDERS_PAGE + 1)]
    assert "page" not in asked
    assert [one.external_id for one in pages[1].items] == ["90"]


def test_what_is_still_at_the_checkout_is_no_order() -> None:
    found = [order(id=1, status="checkout-draft", line_items=[]), order(id=2)]
    with connector() as shop, responses.RequestsMock() as web:
        web.get(at("/orders"), json=found)
        web.get(at("/orders"), json=[])
        page = shop.pull_orders(Cursor(CHANGED))

    assert [one.external_id for one in page.items] == ["2"]
    assert page.bad == ()


def test_a_list_that_takes_no_notice_of_the_filter_is_told() -> None:
    with connector() as shop, responses.RequestsMock() as web:
        old = [order(id=n, date_modified_gmt="2020-01-01T00:00:00") for n in range(1, 51)]
        web.get(at("/orders"), json=old)
        with pytest.raises(ProtocolError):
            shop.pull_orders(Cursor(CHANGED))


def test_an_order_leaving_a_crowded_second_hides_no_other(rig: Rig) -> None:
    moment = datetime.now(UTC) - timedelta(hours=1)
    count = 4 * ORDERS_PAGE
    numbers = {rig.shop.buy([("SKU-0", 1)], at=moment).number for _ in range(count)}
    shop, cursor, more = rig.connector(), Cursor(LONG_AGO), True
    seen: set[str] = set()
    sales = iter(rig.shop.orders)

    while more:
        page = shop.pull_orders(cursor)
        seen |= {one.number for one in page.items}
        cursor, more = page.cursor, page.more
        for _ in range(3):
            rig.shop.edit(next(sales).key, "SKU-0", 2)

    assert seen == numbers


def test_an_order_in_the_trash_comes_as_cancelled(rig: Rig) -> None:
    sale = rig.shop.buy([("SKU-0", 1)])
    shop = rig.connector()
    *_, last = walk(shop.pull_orders)
    simulator(rig).trash(sale.key)

    (found,) = rig.orders(shop, last.cursor)

    assert (found.status, found.channel_status) == (OrderStatus.CANCELLED, "trash")


def test_a_full_trash_is_walked_page_by_page(rig: Rig) -> None:
    rig.sell(ORDERS_PAGE + 7)
    for sale in rig.shop.orders:
        simulator(rig).trash(sale.key)

    found = rig.orders(rig.connector())

    assert len({one.number for one in found}) == ORDERS_PAGE + 7


def test_an_order_is_fetched_out_of_the_trash_too(rig: Rig) -> None:
    sale, other = (rig.shop.buy([("SKU-0", 1)]) for _ in range(2))
    simulator(rig).trash(sale.key)

    page = rig.connector().fetch_orders([sale.key, other.key, "no number"])

    assert {one.external_id: one.channel_status for one in page.items} == {
        sale.key: "trash",
        other.key: "processing",
    }


def test_units_refunded_in_the_shop_are_taken_off_what_is_to_be_sent(rig: Rig) -> None:
    sale = rig.shop.buy([("SKU-0", 3)])
    line = ParcelLine(sale.lines[0].key, 2)
    given = Refund("", sale.key, 100, "GBP", datetime.now(UTC), (line,))
    rig.shop.refund(sale.key, given)

    (found,) = rig.orders(rig.connector())

    assert [(one.quantity, one.cancelled) for one in found.lines] == [(3, 2)]


def test_products_taken_away_during_the_walk_hide_no_other(rig: Rig) -> None:
    skus = [rig.shop.add_variant(f"T-{n}", "Tea", 100, 1).sku for n in range(320)]
    shop, cursor, more = rig.connector(), Cursor(LONG_AGO), True
    seen: list[str] = []

    while more:
        page = shop.list_listings(cursor)
        seen += [one.sku for one in page.items]
        cursor, more = page.cursor, page.more
        for sku in [one for one in seen[-60:-50] if one in skus]:
            rig.shop.remove_variant(sku)
            skus.remove(sku)

    assert set(skus) <= set(seen)
    assert len(seen) == len(set(seen))


def test_a_catalogue_that_shrank_too_far_is_walked_from_its_start_again(rig: Rig) -> None:
    shop = rig.connector()
    there = Place(int(rig.shop.variant("SKU-2").key), 5_000)

    with pytest.raises(CursorExpired):
        shop.list_listings(Cursor(LONG_AGO, token=f"{there.last} {there.offset}"))


def test_a_product_without_an_id_stops_no_other() -> None:
    with connector() as shop, responses.RequestsMock() as web:
        web.get(at("/data/currencies/current"), json={"code": "GBP"})
        web.get(at("/products"), json=[product(id=5), product(id=None), None, product(id=7)])
        page = shop.list_listings(Cursor(CHANGED))

    assert [one.external_id for one in page.items] == ["5", "7"]
    assert [one.field for one in page.bad] == ["id", "record"]


def test_many_variable_products_are_listed_over_several_pages(rig: Rig) -> None:
    for n in range(45):
        skus = [rig.shop.add_variant(f"V-{n}-{m}", f"Size {m}", 100, n).sku for m in range(2)]
        simulator(rig).shelves.family(f"Shirt {n}", skus)

    pages = list(walk(rig.connector().list_listings))

    found = [one for page in pages for one in page.items]
    assert len(found) == len({one.external_id for one in found}) == 3 + 90
    assert len(pages) == 3
    assert {one.title for one in found if one.sku == "V-44-1"} == {"Shirt 44 - Size 1"}


def refund(number: int) -> dict[str, Any]:
    return {"id": number, "date_created_gmt": gmt(CHANGED), "amount": "1.00", "line_items": []}


def test_refunds_that_were_read_are_not_asked_for_again_until_their_order_changes() -> None:
    named = [{"id": 5, "reason": "", "total": "-1.00"}]
    with connector() as shop, responses.RequestsMock() as web:
        web.get(at("/orders"), json=[order(id=1, refunds=named)])  # the trash has it too
        web.get(at("/orders/1/refunds"), json=[refund(5)])
        walk_once = [shop.pull_orders(Cursor(CHANGED)), shop.pull_refunds(Cursor(CHANGED))]
        asked = len([one for one in web.calls if "refunds" in str(one.request.url)])

        more = [*named, {"id": 6, "reason": "", "total": "-1.00"}]
        web.replace(responses.GET, at("/orders"), json=[order(id=1, refunds=more)])
        web.replace(responses.GET, at("/orders/1/refunds"), json=[refund(5), refund(6)])
        again = shop.pull_refunds(Cursor(CHANGED))

    assert asked == 1
    assert {one.external_id for one in walk_once[1].items} == {"5"}
    assert {one.external_id for one in again.items} == {"5", "6"}


def test_an_answer_that_misses_refunds_is_not_kept() -> None:
    named = [{"id": 5, "reason": "", "total": "-1.00"}]
    with connector() as shop, responses.RequestsMock() as web:
        web.get(at("/orders"), json=[order(id=1, refunds=named)])
        web.get(at("/orders/1/refunds"), json=[])
        first = shop.pull_refunds(Cursor(CHANGED))
        web.replace(responses.GET, at("/orders/1/refunds"), json=[refund(5)])
        second = shop.pull_refunds(Cursor(CHANGED))

    assert not first.items
    assert {one.external_id for one in second.items} == {"5"}
