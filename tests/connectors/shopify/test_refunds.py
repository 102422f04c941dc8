"""Refunds that Shopify tells of: every one of every order that changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.postsale import ParcelLine, Refund
from connectors.records import Cursor
from connectors.shopify.postsale_queries import REFUNDS_PAGE, REFUNDS_SEEN
from connectors.shopify.refunds import read
from connectors.simulators.shop import Sale
from connectors.testing.fulfilment import refunds
from connectors.testing.rig import LONG_AGO
from tests.connectors.shopify.shopfloor import Fixed, Floor, floor, lines, order_key, parcel

NOW = datetime.now(UTC)


@pytest.fixture
def shop() -> Iterator[Floor]:
    with floor() as found:
        yield found


def give(shop: Floor, sale: Sale, amount: int, *units: int) -> None:
    """The shop's own people give money back."""
    goods = tuple(
        ParcelLine(line.key, count) for line, count in zip(sale.lines, units, strict=False)
    )
    shop.shop.refund(sale.key, Refund("", sale.key, amount, "GBP", NOW, goods, "kind"))


def node(**changed: Any) -> dict[str, Any]:
    return {
        "id": "gid://shopify/Refund/7",
        "note": "wrong size [r-1]",
        "createdAt": "2026-11-02T10:00:00Z",
        "processedAt": "2026-11-02T10:00:00Z",
        "totalRefundedSet": {"shopMoney": {"amount": "12.50", "currencyCode": "GBP"}},
        "refundLineItems": {
            "pageInfo": {"hasNextPage": False, "endCursor": None},
            "nodes": [
                {
                    "quantity": 2,
                    "restockType": "NO_RESTOCK",
                    "lineItem": {"id": "gid://shopify/LineItem/11"},
                }
            ],
        },
        "refundShippingLines": {
            "nodes": [
                {
                    "subtotalAmountSet": {"shopMoney": {"amount": "2.00"}},
                    "taxAmountSet": {"shopMoney": {"amount": "0.40"}},
                }
            ]
        },
        **changed,
    }


def test_a_refund_is_read_field_by_field() -> None:
    found = Fixed(node()).read(lambda client, one: read(client, one, "O1", "GBP"))

    assert (found.external_id, found.order_key) == ("gid://shopify/Refund/7", "O1")
    assert (found.amount, found.currency, found.shipping) == (1250, "GBP", 240)
    assert found.refunded_at == datetime(2026, 11, 2, 10, tzinfo=UTC)
    assert found.lines == (ParcelLine("gid://shopify/LineItem/11", 2),)
    assert found.reason == "wrong size"


def test_one_without_a_time_of_making_has_one_of_processing() -> None:
    found = Fixed(node(createdAt=None, note=None)).read(
        lambda client, one: read(client, one, "O1", "GBP")
    )

    assert found.refunded_at == datetime(2026, 11, 2, 10, tzinfo=UTC)
    assert found.reason == ""


def test_lines_and_key_are_those_of_the_order(shop: Floor) -> None:
    sale = shop.buy(2, 3)
    shop.shop.ship(sale.key)
    give(shop, sale, 777, 1, 2)

    (found,) = refunds(shop.connector())

    assert (found.amount, found.order_key, found.reason) == (777, order_key(sale), "kind")
    assert found.lines == lines(sale, [1, 2])


def test_an_order_of_many_refunds_tells_all_of_them(shop: Floor) -> None:
    sale = shop.buy(1, 1)
    for n in range(REFUNDS_SEEN + 3):
        give(shop, sale, n + 1)

    found = refunds(shop.connector())

    assert sorted(one.amount for one in found) == list(range(1, REFUNDS_SEEN + 4))


def test_a_refund_of_many_lines_tells_all_of_them(shop: Floor) -> None:
    sale = shop.buy(*[1] * 25)
    shop.shop.ship(sale.key)
    give(shop, sale, 500, *[1] * 25)

    (found,) = refunds(shop.connector())

    assert len(found.lines) == 25


def test_goods_put_back_without_money_are_no_refund(shop: Floor) -> None:
    give(shop, shop.buy(1), 0, 1)

    assert refunds(shop.connector()) == []


def test_the_watermark_is_the_orders_time_of_change(shop: Floor) -> None:
    for _ in range(REFUNDS_PAGE + 1):
        give(shop, shop.buy(1), 5)
    connector = shop.connector()

    first = connector.pull_refunds(Cursor(LONG_AGO))
    last = connector.pull_refunds(first.cursor)

    assert (first.more, first.cursor.since) == (True, LONG_AGO)
    assert not last.more
    assert abs(last.cursor.since - datetime.now(UTC)) < timedelta(minutes=1)


def test_money_back_for_sent_goods_cancels_no_unit(shop: Floor) -> None:
    sale = shop.buy(3)
    connector = shop.connector()
    connector.ship(parcel(sale))
    give(shop, sale, 1001, 1)

    (order,) = connector.fetch_orders([order_key(sale)]).items

    assert [(one.quantity, one.cancelled, one.shipped) for one in order.lines] == [(3, 0, 3)]
