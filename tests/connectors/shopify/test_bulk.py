"""A long history comes as a file: asked for once, read in pieces, and then on by pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.errors import CursorExpired, TransientError
from connectors.records import ChannelOrder, Cursor, Page
from connectors.shopify import CHANNEL, bulk
from connectors.shopify.simulator import ShopifySimulator
from connectors.testing import Rig
from connectors.testing.rig import LONG_AGO, stored

COUNT = bulk.MANY + 30


@pytest.fixture
def rig() -> Iterator[Rig]:
    """A shop with a long history that ended an hour ago."""
    with Rig(CHANNEL, ShopifySimulator(restore_rate=10_000), timeout=5) as rig:
        rig.stock_up()
        begin = datetime.now(UTC) - timedelta(hours=1)
        for n in range(COUNT):
            rig.shop.buy([("SKU-0", 1), ("SKU-1", 2)], at=begin + timedelta(seconds=n))
        yield rig


def pages(rig: Rig, cursor: Cursor | None = None) -> list[Page[ChannelOrder]]:
    """A whole walk, each page by a connector as if after a restart."""
    cursor, found = cursor or Cursor(LONG_AGO), []
    for _ in range(40):
        page = rig.connector().pull_orders(stored(cursor))
        found.append(page)
        cursor = page.cursor
        if not page.more:
            return found
    pytest.fail("the walk does not end")


def numbers(found: list[Page[ChannelOrder]]) -> list[str]:
    return [one.number for page in found for one in page.items]


def asked(rig: Rig, operation: str) -> int:
    return rig.simulator.requests[operation]


def test_every_order_of_a_long_history_comes_once_out_of_a_file(rig: Rig) -> None:
    found = pages(rig)

    assert sorted(numbers(found)) == sorted(sale.number for sale in rig.shop.orders)
    assert not [one for page in found for one in page.bad]
    assert (asked(rig, "Export"), asked(rig, "Orders")) == (1, 1)


def test_what_comes_out_of_a_file_is_what_the_list_says(rig: Rig) -> None:
    found = {one.number: one for page in pages(rig) for one in page.items}
    connector = rig.connector()

    listed = connector.fetch_orders([one.external_id for one in list(found.values())[:20]]).items

    for one in listed:
        assert [line.quantity for line in one.lines] == [1, 2]
        assert one.lines == found[one.number].lines
        assert (one.total, one.status, one.updated_at, one.buyer) == (
            found[one.number].total,
            found[one.number].status,
            found[one.number].updated_at,
            found[one.number].buyer,
        )


def test_the_watermark_moves_only_at_the_end(rig: Rig) -> None:
    found = pages(rig)

    assert {page.cursor.since for page in found[:-1]} == {LONG_AGO}
    latest = max(sale.updated_at for sale in rig.shop.orders)
    assert found[-1].cursor == Cursor(latest.replace(microsecond=0))


def test_pieces_are_small_and_none_is_read_twice(rig: Rig) -> None:
    found = pages(rig)

    file = next(iter(rig.simulator.exports.made.values())).body
    assert asked(rig, "File") >= 2
    assert max(len(page.items) for page in found) <= bulk.MOST
    assert asked(rig, "File") <= len(file) // bulk.PIECE + 3


def test_while_the_file_is_made_the_hub_comes_again_later(rig: Rig) -> None:
    rig.simulator.exports.slow = True
    connector = rig.connector()

    first = connector.pull_orders(Cursor(LONG_AGO))
    second = connector.pull_orders(first.cursor)

    assert (first.items, first.more, second.items, second.more) == ((), True, (), True)
    assert 0 < first.again_in < second.again_in <= bulk.LATER
    assert first.cursor != second.cursor
    rig.simulator.exports.finish()
    assert len(numbers(pages(rig, second.cursor))) == COUNT


def test_orders_placed_and_edited_while_the_file_is_made_are_not_lost(rig: Rig) -> None:
    first = rig.connector().pull_orders(Cursor(LONG_AGO))
    early = rig.shop.orders[0]
    rig.shop.edit(early.key, "SKU-0", 5)
    late = rig.shop.buy([("SKU-2", 1)])

    found = pages(rig, first.cursor)

    latest = {one.number: one for page in found for one in page.items}
    assert len(latest) == COUNT + 1
    assert late.number in latest
    assert latest[early.number].lines[0].quantity == 5


@pytest.mark.parametrize("fate", ["FAILED", "CANCELED", "EXPIRED"])
def test_an_operation_that_comes_to_nothing_gives_way_to_pages(rig: Rig, fate: str) -> None:
    rig.simulator.exports.fate = fate

    found = pages(rig)

    assert sorted(numbers(found)) == sorted(sale.number for sale in rig.shop.orders)
    assert asked(rig, "File") == 0


def test_a_file_that_is_gone_gives_way_to_pages(rig: Rig) -> None:
    connector = rig.connector()
    cursor = connector.pull_orders(Cursor(LONG_AGO)).cursor
    read = connector.pull_orders(cursor)
    assert read.items
    rig.simulator.exports.lost = True

    found = pages(rig, read.cursor)

    assert found[0].again_in > 0  # what it read already comes again: not in the same breath
    assert sorted(numbers(found)) == sorted(sale.number for sale in rig.shop.orders)


def test_while_another_operation_has_the_place_it_waits(rig: Rig) -> None:
    rig.simulator.exports.busy = True
    connector = rig.connector()

    page = connector.pull_orders(Cursor(LONG_AGO))

    assert page.again_in > 0
    assert page.cursor.since == LONG_AGO
    rig.simulator.exports.busy = False
    assert len(numbers(pages(rig, page.cursor))) == COUNT


def test_it_does_not_wait_for_ever(rig: Rig) -> None:
    rig.simulator.exports.busy = True
    tired = Cursor(LONG_AGO, bulk.Place(looks=bulk.MOST_LOOKS + 1).pack())

    assert rig.connector().pull_orders(tired).items


def test_an_operation_whose_start_went_unanswered_is_taken_up(rig: Rig) -> None:
    connector = rig.connector()
    rig.simulator.faults.next("error_after", where="Export")
    with pytest.raises(TransientError):
        connector.pull_orders(Cursor(LONG_AGO))

    assert len(numbers(pages(rig))) == COUNT
    assert len(rig.simulator.exports.made) == 1


def test_a_broken_piece_is_read_again(rig: Rig) -> None:
    rig.simulator.faults.next("truncated", where="File")

    assert len(numbers(pages(rig))) == COUNT


def test_an_app_that_may_not_ask_for_files_reads_pages(rig: Rig) -> None:
    rig.simulator.denied = {"Export"}

    assert len(numbers(pages(rig))) == COUNT


def test_a_file_of_nothing_is_the_end_of_it(rig: Rig) -> None:
    first = rig.connector().pull_orders(Cursor(LONG_AGO))
    for made in rig.simulator.exports.made.values():
        made.sales = ()

    read = rig.connector().pull_orders(first.cursor)

    assert (read.items, read.more) == ((), True)
    assert asked(rig, "File") == 0


@pytest.mark.parametrize("since", [timedelta(days=1), timedelta(days=400)])
def test_what_is_short_or_near_is_paged(since: timedelta) -> None:
    with Rig(CHANNEL, ShopifySimulator(restore_rate=10_000)) as rig:
        rig.stock_up()
        rig.sell(3)

        page = rig.connector().pull_orders(Cursor(datetime.now(UTC) - since))

        assert (len(page.items), page.more) == (3, False)
        assert asked(rig, "Export") == 0


@pytest.mark.parametrize("token", ["{}", '{"bulk": 1}', '{"bulk": ["", "x", 0, "", ""]}', "{"])
def test_a_token_that_is_not_ours_starts_the_walk_again(token: str) -> None:
    with pytest.raises(CursorExpired):
        bulk.unpack(token)


def test_a_place_is_kept_whole() -> None:
    now = datetime.now(UTC)
    place: Any = bulk.Place("gid://shopify/BulkOperation/1", 4096, 2, now, now)

    assert bulk.unpack(place.pack()) == place


def test_the_shops_token_does_not_go_to_the_file_store(rig: Rig) -> None:
    heard: list[dict[str, str]] = []
    connector: Any = rig.connector()
    http = connector.connection.http

    class Ears:
        def request(self, method: str, url: str, **given: Any) -> Any:
            if method == "GET":
                heard.append(given["headers"])
            return http.request(method, url, **given)

    connector.client._http = Ears()
    cursor = connector.pull_orders(Cursor(LONG_AGO)).cursor
    connector.pull_orders(cursor)

    assert [sorted(one) for one in heard] == [["Accept-Encoding", "Range"]]
