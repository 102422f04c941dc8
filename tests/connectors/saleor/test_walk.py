"""The walk over changed orders: what Saleor is asked for, and where it goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import responses

from connectors.base import Connection
from connectors.errors import ProtocolError
from connectors.http import Http
from connectors.records import Credentials, Cursor
from connectors.saleor.connector import SaleorConnector
from connectors.saleor.ids import gid
from tests.connectors.saleor.recorded import ORDER, event, order, paid

URL = "https://tea.saleor.cloud/graphql/"
SINCE = datetime(2026, 11, 1, 9, 0, 0, 5, tzinfo=UTC)


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as web:
        yield web


@pytest.fixture
def shop() -> Iterator[SaleorConnector]:
    http = Http()
    yield SaleorConnector(
        Connection(
            credentials=Credentials({"url": "https://tea.saleor.cloud", "token": "t"}),
            http=http,
            now=lambda: datetime.now(UTC),
            settings={"channel": "uk"},
        )
    )
    http.close()


def answer(web: responses.RequestsMock, *nodes: Any, end: str = "", **info: Any) -> None:
    found = {"pageInfo": {"hasNextPage": bool(end), "endCursor": end or None, **info}}
    edges = [{"node": one} for one in nodes]
    body = json.dumps({"data": {"orders": {**found, "edges": edges}}}, default=float)
    web.post(URL, body=body, content_type="application/json")


def asked(web: responses.RequestsMock, index: int = 0) -> dict[str, Any]:
    found = json.loads(web.calls[index].request.body or b"{}")["variables"]
    assert isinstance(found, dict)
    return found


def test_a_walk_begins_a_little_before_the_watermark(
    shop: SaleorConnector, web: responses.RequestsMock
) -> None:
    answer(web, order())

    page = shop.pull_orders(Cursor(SINCE))

    assert asked(web) == {
        "filter": {"updatedAt": {"gte": "2026-11-01T08:55:00.000005+00:00"}},
        "channel": "uk",
        "after": None,
    }
    assert page.cursor == Cursor(page.items[0].updated_at)


def test_an_upper_bound_is_asked_for_too(
    shop: SaleorConnector, web: responses.RequestsMock
) -> None:
    answer(web)
    until = SINCE + timedelta(days=1)

    page = shop.pull_orders(Cursor(SINCE, until=until))

    assert asked(web)["filter"]["updatedAt"]["lte"] == "2026-11-02T09:00:00.000005+00:00"
    assert page.cursor == Cursor(SINCE, until=until)


def test_a_page_goes_on_behind_its_last_order(
    shop: SaleorConnector, web: responses.RequestsMock
) -> None:
    answer(web, order(), end="WyJhIl0=")
    answer(web)

    first = shop.pull_orders(Cursor(SINCE))
    last = shop.pull_orders(first.cursor)

    assert first.more
    assert asked(web, 1) == {**asked(web), "after": "WyJhIl0="}
    assert last.cursor == Cursor(first.items[0].updated_at)


def test_a_page_that_leads_nowhere_ends_the_walk(
    shop: SaleorConnector, web: responses.RequestsMock
) -> None:
    answer(web, order(), hasNextPage=True)

    with pytest.raises(ProtocolError):
        shop.pull_orders(Cursor(SINCE))


def test_a_bad_order_moves_the_watermark_on_all_the_same(
    shop: SaleorConnector, web: responses.RequestsMock
) -> None:
    answer(web, order(number=None))

    page = shop.pull_orders(Cursor(SINCE))

    assert [one.external_id for one in page.bad] == [ORDER]
    assert page.cursor.since > SINCE


def test_orders_are_fetched_by_ids_that_can_be(
    shop: SaleorConnector, web: responses.RequestsMock
) -> None:
    answer(web, order())

    page = shop.fetch_orders([ORDER, ORDER, "x", gid("Order", "7"), gid("OrderLine", "7")])

    assert asked(web) == {"filter": {"ids": [ORDER]}, "channel": "uk", "after": None}
    assert [one.external_id for one in page.items] == [ORDER]


def test_ids_of_another_kind_are_not_asked_for(shop: SaleorConnector) -> None:
    assert shop.fetch_orders(["x"]).items == ()


def test_refunds_of_a_page_come_with_the_walk_over_its_orders(
    shop: SaleorConnector, web: responses.RequestsMock
) -> None:
    some = [event("REFUND_SUCCESS", "1.5", "1"), event("REFUND_SUCCESS", "2", "2")]
    answer(web, paid(events=some), {"id": ORDER, "transactions": "x"}, paid())

    page = shop.pull_refunds(Cursor(SINCE))

    assert [one.amount for one in page.items] == [150, 200]
    assert [one.external_id for one in page.bad] == [ORDER]
    assert page.cursor.token == ""
