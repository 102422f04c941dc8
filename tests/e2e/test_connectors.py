"""Connectors at shops that are really installed: what they read and write is so at the shop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connectors.base import Capability, Connection, Connector, connect
from connectors.catalog import channel
from connectors.errors import AuthError, RejectedError
from connectors.http import Http
from connectors.postsale import Cancellation, Parcel, ParcelLine, Refund
from connectors.records import ChannelOrder, Credentials, Listing, OrderStatus, PushOutcome
from connectors.testing.rig import LONG_AGO, offer, ref, walk
from tests.e2e.medusa import MedusaShop
from tests.e2e.oscar import OscarShop
from tests.e2e.vendure import VendureShop
from tests.rig import Rig

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]

Shop = VendureShop | MedusaShop | OscarShop
PRICE = 1250


@pytest.fixture(scope="module", params=["vendure", "medusa", "oscar"])
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, servers: Rig
) -> Iterator[Shop]:
    home = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        if request.param == "vendure":
            yield stack.enter_context(VendureShop(home))
        elif request.param == "oscar":
            yield stack.enter_context(OscarShop(home))
        else:
            yield stack.enter_context(MedusaShop(home, servers))


@pytest.fixture
def connector(shop: Shop) -> Iterator[Connector]:
    yield from connected(shop, shop.credentials())


def connected(shop: Shop, credentials: dict[str, str]) -> Iterator[Connector]:
    http = Http(loopback=(f"127.0.0.1:{shop.port}",), timeout=20)
    given = Credentials(credentials)
    yield connect(channel(shop.channel), Connection(given, http, now, base_url=shop.url))
    http.close()


def needs(shop: Shop, capability: Capability) -> None:
    if not channel(shop.channel).can(capability):
        pytest.skip(f"{shop.channel} does not declare {capability}")


def now() -> datetime:
    return datetime.now(UTC)


def listed(connector: Connector, sku: str) -> Listing:
    pages = walk(connector.list_listings)
    return next(one for page in pages for one in page.items if one.sku == sku)


def ordered(connector: Connector, number: str) -> ChannelOrder:
    """As the walk over changed orders finds it."""
    pages = walk(connector.pull_orders)
    found = [one for page in pages for one in page.items]
    return next(one for one in found if number in (one.number, one.external_id))


def sold(shop: Shop, connector: Connector, sku: str, units: int) -> tuple[str, ChannelOrder]:
    shop.offer(sku, PRICE, 10)
    number = shop.buy(sku, units)
    return number, ordered(connector, number)


def parcel(order: ChannelOrder, units: int, key: str) -> Parcel:
    lines = (ParcelLine(order.lines[0].external_id, units),)
    return Parcel(order.external_id, key, "DHL", f"JD-{key}", now(), lines)


def test_a_wrong_secret_is_told_as_such(shop: Shop) -> None:
    url = {"url": shop.url}
    wrong = {name: "wrong" for name in shop.credentials() if name != "url"}
    for connector in connected(shop, {**wrong, **url}):
        with pytest.raises(AuthError):
            connector.check()


def test_it_says_whose_shop_it_is(connector: Connector) -> None:
    first, again = connector.check(), connector.check()

    assert first.external_id == again.external_id != ""
    assert first.currency in ("USD", "GBP", "EUR")


def test_what_is_on_sale_is_listed(shop: Shop, connector: Connector) -> None:
    shop.offer("LISTED", PRICE, 7)

    listing = listed(connector, "LISTED")

    (stock,) = connector.read_stock([ref(listing)])
    assert stock.quantity == 7


def test_stock_is_written_as_units_free_to_sell(shop: Shop, connector: Connector) -> None:
    _, order = sold(shop, connector, "STOCKED", 3)
    listing = listed(connector, "STOCKED")
    assert order.lines[0].listing_key == listing.external_id

    (result,) = connector.push_stock([offer(listing, 25, "k1", expected=7)]).results

    assert result.outcome is PushOutcome.ACCEPTED
    assert shop.free("STOCKED") == 25
    assert connector.read_stock([ref(listing)])[0].quantity == 25


def test_a_sale_that_was_not_known_stops_the_write(shop: Shop, connector: Connector) -> None:
    shop.offer("RACED", PRICE, 10)
    listing = listed(connector, "RACED")
    shop.buy("RACED", 4)

    (result,) = connector.push_stock([offer(listing, 9, "k1", expected=10)]).results

    assert (result.outcome, result.current) == (PushOutcome.STALE, 6)
    assert shop.free("RACED") == 6


def test_one_listing_that_is_gone_does_not_stop_the_others(
    shop: Shop, connector: Connector
) -> None:
    for sku in ("FIRST", "SECOND"):
        shop.offer(sku, PRICE, 1)
    first, second = listed(connector, "FIRST"), listed(connector, "SECOND")
    gone = replace(
        first,
        external_id="".join(reversed(first.external_id)) + "9",
        handles={name: value + "9" for name, value in first.handles.items()},
    )

    pushed = connector.push_stock(
        [offer(first, 11, "k1"), offer(gone, 12, "k2"), offer(second, 13, "k3")]
    )

    outcomes = [one.outcome for one in pushed.results]
    assert outcomes[0] is outcomes[2] is PushOutcome.ACCEPTED
    assert outcomes[1] in (PushOutcome.GONE, PushOutcome.REJECTED)
    assert (shop.free("FIRST"), shop.free("SECOND")) == (11, 13)


def test_an_order_comes_in_exactly(shop: Shop, connector: Connector) -> None:
    _, order = sold(shop, connector, "EXACT", 2)

    (line,) = order.lines
    assert (line.sku, line.quantity, line.cancelled, line.shipped) == ("EXACT", 2, 0, 0)
    assert order.status is OrderStatus.CONFIRMED
    assert order.total >= 2 * PRICE
    assert order.buyer.email == "ann@example.com"
    (again,) = connector.fetch_orders([order.external_id]).items
    assert again == order


def test_parcels_are_told_once_and_seen(shop: Shop, connector: Connector) -> None:
    needs(shop, Capability.SHIP)
    number, order = sold(shop, connector, "SENT", 3)

    first = connector.ship(parcel(order, 1, "p1"))
    again = connector.ship(parcel(order, 1, "p1"))
    between = ordered(connector, number)
    connector.ship(parcel(order, 2, "p2"))

    assert first == again
    assert sorted(shop.shipped(number)) == ["JD-p1", "JD-p2"]
    assert between.status is OrderStatus.PART_SHIPPED
    assert between.lines[0].shipped == 1
    ended = ordered(connector, number)
    assert ended.status is OrderStatus.SHIPPED
    assert ended.lines[0].shipped == 3
    assert ended.updated_at >= between.updated_at >= order.updated_at
    assert shop.free("SENT") == 7


def test_more_than_was_ordered_is_not_sent(shop: Shop, connector: Connector) -> None:
    needs(shop, Capability.SHIP)
    number, order = sold(shop, connector, "TOOMANY", 1)

    with pytest.raises(RejectedError):
        connector.ship(parcel(order, 2, "p1"))

    assert shop.shipped(number) == []


def test_money_is_given_back_once(shop: Shop, connector: Connector) -> None:
    needs(shop, Capability.REFUND)
    number, order = sold(shop, connector, "REPAID", 2)
    wanted = Refund("r1", order.external_id, 250, order.currency, now(), (), "scratched")

    first = connector.refund(wanted)
    again = connector.refund(wanted)

    assert first.external_id == again.external_id != ""
    assert shop.refunded(number) == 250
    pages = walk(connector.pull_refunds)
    found = [one for page in pages for one in page.items if one.order_key == order.external_id]
    assert [(one.external_id, one.amount) for one in found] == [(first.external_id, 250)]


def test_an_order_is_cancelled_and_comes_again_as_such(shop: Shop, connector: Connector) -> None:
    needs(shop, Capability.CANCEL)
    number, order = sold(shop, connector, "CANCELLED", 2)
    *_, last = walk(connector.pull_orders)
    given = Cancellation(order.external_id, "c1", "the buyer asked")

    connector.cancel_order(given)
    connector.cancel_order(given)

    assert shop.cancelled(number)
    assert shop.free("CANCELLED") == 10
    pages = walk(connector.pull_orders, last.cursor)
    found = [one for page in pages for one in page.items]
    (again,) = [one for one in found if one.external_id == order.external_id]
    assert again.status is OrderStatus.CANCELLED
    assert last.cursor.since >= LONG_AGO
