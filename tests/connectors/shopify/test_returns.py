"""Returns at Shopify, found through the orders they belong to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.errors import RejectedError
from connectors.fields import Unreadable
from connectors.postsale import Return, ReturnLine, ReturnStatus
from connectors.records import Cursor
from connectors.shopify.nodes import Node
from connectors.shopify.returns import read
from connectors.testing.rig import LONG_AGO, walk
from tests.connectors.shopify.shopfloor import Fixed, Floor, floor, order_key

ORDER = Node({"id": "gid://shopify/Order/1", "updatedAt": "2026-11-03T09:00:00Z"})


@pytest.fixture
def shop() -> Iterator[Floor]:
    with floor() as found:
        yield found


def returns(shop: Floor, cursor: Cursor | None = None) -> list[Return]:
    return [one for page in walk(shop.connector().pull_returns, cursor) for one in page.items]


def node(**changed: Any) -> dict[str, Any]:
    line = {
        "__typename": "ReturnLineItem",
        "id": "gid://shopify/ReturnLineItem/3",
        "quantity": 2,
        "returnReasonNote": "tight",
        "customerNote": "sorry",
        "returnReasonDefinition": {"handle": "size-too-small", "name": "Size was too small"},
        "fulfillmentLineItem": {"lineItem": {"id": "gid://shopify/LineItem/11"}},
    }
    return {
        "id": "gid://shopify/Return/2",
        "name": "#1001-R1",
        "status": "OPEN",
        "createdAt": "2026-11-02T10:00:00Z",
        "requestApprovedAt": None,
        "closedAt": None,
        "decline": None,
        "returnLineItems": {
            "pageInfo": {"hasNextPage": False, "endCursor": None},
            "nodes": [line],
        },
        **changed,
    }


def test_a_return_is_read_field_by_field() -> None:
    found = Fixed(node()).read(lambda client, one: read(client, one, ORDER))

    assert (found.external_id, found.order_key) == (
        "gid://shopify/Return/2",
        "gid://shopify/Order/1",
    )
    assert (found.status, found.channel_status) == (ReturnStatus.APPROVED, "OPEN")
    assert found.requested_at == datetime(2026, 11, 2, 10, tzinfo=UTC)
    assert found.updated_at == datetime(2026, 11, 3, 9, tzinfo=UTC)
    assert found.lines == (
        ReturnLine("gid://shopify/LineItem/11", 2, "Size was too small", "tight\nsorry"),
    )


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("REQUESTED", ReturnStatus.REQUESTED),
        ("DECLINED", ReturnStatus.DECLINED),
        ("CANCELED", ReturnStatus.CANCELLED),
        ("CLOSED", ReturnStatus.CLOSED),
    ],
)
def test_every_word_has_its_meaning(word: str, status: ReturnStatus) -> None:
    found = Fixed(node(status=word)).read(lambda client, one: read(client, one, ORDER))

    assert found.status is status


def test_a_word_of_tomorrow_is_named() -> None:
    with pytest.raises(Unreadable, match="status: 'LOST'"):
        Fixed(node(status="LOST")).read(lambda client, one: read(client, one, ORDER))


def test_a_return_comes_when_it_is_opened_and_when_it_is_closed(shop: Floor) -> None:
    sale = shop.buy(3)
    shop.shop.ship(sale.key)
    assert returns(shop) == []
    made = shop.simulator.backoffice.open_return(sale.key, {sale.lines[0].key: 1})

    (opened,) = returns(shop)
    shop.simulator.backoffice.move_return(made.key, "CLOSED")
    (closed,) = returns(shop, Cursor(opened.updated_at))

    assert (opened.order_key, opened.status) == (order_key(sale), ReturnStatus.REQUESTED)
    assert closed.status is ReturnStatus.CLOSED
    assert closed.external_id == opened.external_id
    assert [one.quantity for one in closed.lines] == [1]


def test_a_line_that_names_nothing_of_the_order_comes_without_a_key(shop: Floor) -> None:
    sale = shop.buy(3)
    shop.simulator.backoffice.open_return(sale.key, {"": 2})

    (found,) = returns(shop)

    assert [(one.line_key, one.quantity) for one in found.lines] == [("", 2)]


def test_many_returns_of_many_lines_all_come(shop: Floor) -> None:
    sale = shop.buy(*[1] * 25)
    for _ in range(8):
        shop.simulator.backoffice.open_return(sale.key, {one.key: 1 for one in sale.lines})

    found = returns(shop)

    assert len({one.external_id for one in found}) == 8
    assert {len(one.lines) for one in found} == {25}


def test_a_bad_return_stops_no_other(shop: Floor) -> None:
    sale = shop.buy(1)
    shop.simulator.backoffice.open_return(sale.key, {}, "STRANGE")
    shop.simulator.backoffice.open_return(sale.key, {})

    page = shop.connector().pull_returns(Cursor(LONG_AGO))

    assert len(page.items) == 1
    assert [one.field for one in page.bad] == ["returns.nodes.0.status"]


def test_without_the_access_scope_it_says_which(shop: Floor) -> None:
    shop.simulator.denied = {"Returns"}

    with pytest.raises(RejectedError, match="read_returns"):
        shop.connector().pull_returns(Cursor(LONG_AGO))
