"""The simulated storefront does what Shopify does, and misbehaves exactly as told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import pytest
import requests

from connectors.records import Cursor
from connectors.shopify import CHANNEL, queries, storefront
from connectors.shopify.budget import Bucket, size
from connectors.shopify.simulator import ShopifySimulator
from connectors.simulators.faults import Faults
from connectors.testing import Rig
from connectors.testing.rig import LONG_AGO, Inbox
from connectors.testing.writes import eventually


@pytest.fixture
def shop() -> Iterator[ShopifySimulator]:
    backoff = (0.01,) * 10
    faults = Faults(hang=0.3, late=0.4)
    with ShopifySimulator(None, faults, webhook_backoff=backoff) as shop:
        shop.shop.add_variant("A", "Apple", 199, 100)
        shop.shop.add_variant("B", "Bear", 999, 100)
        yield shop


def ask(
    shop: ShopifySimulator, operation: queries.Operation, token: str = "", **variables: Any
) -> requests.Response:
    with requests.Session() as session:
        return session.post(
            f"{shop.url}/admin/api/2026-07/graphql.json",
            headers={"X-Shopify-Access-Token": token or shop.access_token},
            json={
                "query": operation.document,
                "operationName": operation.name,
                "variables": variables,
            },
            timeout=5,
        )


def set_stock(shop: ShopifySimulator, quantity: int, key: str, change_from: int | None) -> Any:
    item = shop.shop.variant("A").inventory_key
    entry = {
        "inventoryItemId": f"gid://shopify/InventoryItem/{item}",
        "locationId": storefront.LOCATION,
        "quantity": quantity,
        "changeFromQuantity": change_from,
    }
    given = {"name": "available", "reason": "correction", "quantities": [entry]}
    body = ask(shop, queries.SET_STOCK, input=given, key=key).json()
    return body["data"]["inventorySetQuantities"]["userErrors"]


# -- throttling ------------------------------------------------------------------------------------


def test_the_bucket_leaks_as_published() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    bucket = Bucket(2000, 100, lambda: now)

    bucket.pay(1500)
    assert bucket.available() == 500
    now += timedelta(seconds=3)
    assert bucket.available() == 800
    now += timedelta(hours=1)
    assert bucket.available() == 2000


def test_the_size_of_a_connection_is_the_one_observed() -> None:
    assert 1 + size(250) * 2 == 25


def test_a_query_is_charged_by_what_it_brought(shop: ShopifySimulator) -> None:
    cost = ask(shop, queries.ORDERS, filter="").json()["extensions"]["cost"]

    assert cost["requestedQueryCost"] == 784
    assert cost["actualQueryCost"] == 1
    assert cost["throttleStatus"]["currentlyAvailable"] >= 1999


def test_an_empty_bucket_throttles_inside_200(shop: ShopifySimulator) -> None:
    shop.bucket.pay(1900)

    response = ask(shop, queries.ORDERS, filter="")

    assert response.status_code == 200
    body = response.json()
    assert body["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert "data" not in body
    assert body["extensions"]["cost"]["actualQueryCost"] is None


# -- stock -----------------------------------------------------------------------------------------


def test_a_sale_takes_the_shops_own_stock(shop: ShopifySimulator) -> None:
    shop.shop.buy([("A", 2), ("A", 3)])

    assert shop.shop.quantity("A") == 95


def test_the_same_key_and_input_is_answered_again(shop: ShopifySimulator) -> None:
    assert set_stock(shop, 50, "k", 100) == []
    shop.shop.buy([("A", 1)])

    assert set_stock(shop, 50, "k", 100) == []
    assert shop.shop.quantity("A") == 49


def test_the_same_key_with_other_input_is_refused(shop: ShopifySimulator) -> None:
    set_stock(shop, 50, "k", 100)

    (error,) = set_stock(shop, 60, "k", 50)

    assert error["code"] == "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"
    assert shop.shop.quantity("A") == 50


def test_a_stale_belief_changes_nothing(shop: ShopifySimulator) -> None:
    (error,) = set_stock(shop, 50, "k", 7)

    assert (error["code"], error["field"][:3]) == (
        "CHANGE_FROM_QUANTITY_STALE",
        ["input", "quantities", "0"],
    )
    assert shop.shop.quantity("A") == 100


def test_without_a_key_the_mutation_is_not_run(shop: ShopifySimulator) -> None:
    given = {"name": "available", "reason": "correction", "quantities": []}

    assert "errors" in ask(shop, queries.SET_STOCK, input=given, key=" ").json()


# -- faults ----------------------------------------------------------------------------------------

STATUSES = {
    "unauthorized": 401,
    "forbidden": 403,
    "rate_limited": 429,
    "error_before": 503,
    "error_after": 503,
}


@pytest.mark.parametrize(("fault", "status"), STATUSES.items())
def test_a_fault_answers_with_its_status(shop: ShopifySimulator, fault: str, status: int) -> None:
    shop.faults.next(fault)

    assert ask(shop, queries.SHOP).status_code == status
    assert ask(shop, queries.SHOP).status_code == 200
    assert shop.faults.counts == {fault: 1}


@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after", "cut_before", "truncated"])
def test_a_fault_breaks_the_connection(shop: ShopifySimulator, fault: str) -> None:
    shop.faults.next(fault, where="Shop")
    began = monotonic()

    with pytest.raises(requests.RequestException):
        ask(shop, queries.SHOP)

    assert (monotonic() - began >= 0.3) == fault.startswith("timeout")
    assert shop.faults.counts == {fault: 1}


@pytest.mark.parametrize(
    ("fault", "applied"),
    [("error_before", False), ("error_after", True), ("wrong_body", True), ("wrong_json", True)],
)
def test_a_write_happens_or_not_as_the_fault_says(
    shop: ShopifySimulator, fault: str, applied: bool
) -> None:
    shop.faults.next(fault, where="SetStock")

    with pytest.raises((KeyError, requests.RequestException)):
        set_stock(shop, 50, "k", 100)

    assert (shop.shop.quantity("A") == 50) == applied


def test_a_late_write_lands_after_a_newer_one(shop: ShopifySimulator) -> None:
    shop.faults.next("late")
    with pytest.raises(requests.RequestException):
        set_stock(shop, 50, "old", None)

    set_stock(shop, 60, "new", None)

    assert shop.shop.quantity("A") == 60
    assert eventually(lambda: shop.shop.quantity("A") == 50)


def test_faults_by_chance_are_those_of_the_seed() -> None:
    counts = []
    for _ in range(2):
        faults = Faults(seed=7)
        faults.rate = {"error_before": 0.3, "rate_limited": 0.1}
        for _ in range(1000):
            faults.draw("Orders", frozenset({"error_before", "rate_limited"}))
        counts.append(dict(faults.counts))

    assert counts[0] == counts[1]
    assert 250 < counts[0]["error_before"] < 350


def test_an_unknown_fault_is_an_error() -> None:
    with pytest.raises(ValueError, match="earthquake"):
        Faults().next("earthquake")


def test_a_stopped_shop_is_gone_and_comes_back_as_it_was(shop: ShopifySimulator) -> None:
    shop.shop.buy([("A", 1)])
    shop.stop()
    port = shop.port
    with pytest.raises(requests.ConnectionError), requests.Session() as session:
        session.post(f"http://127.0.0.1:{port}/", timeout=2)

    shop.start()

    assert shop.port == port
    assert ask(shop, queries.SHOP).status_code == 200
    assert shop.shop.quantity("A") == 99


def test_a_list_that_lags_shows_an_order_later() -> None:
    with Rig(CHANNEL, ShopifySimulator()) as rig:
        rig.stock_up()
        rig.simulator.faults.index_lag = 60
        rig.shop.buy([("SKU-0", 1)])
        connector = rig.connector()

        assert connector.pull_orders(Cursor(LONG_AGO)).items == ()
        rig.simulator.faults.clear()
        assert len(connector.pull_orders(Cursor(LONG_AGO)).items) == 1


def test_a_long_order_edited_while_it_is_read_is_of_one_version() -> None:
    with Rig(CHANNEL, ShopifySimulator(restore_rate=10_000)) as rig:
        skus = rig.stock_up(150)
        sale = rig.shop.buy([(sku, 2) for sku in skus], at=datetime.now(UTC) - timedelta(hours=1))
        rig.simulator.meanwhile(lambda: rig.shop.edit(sale.key, skus[0], 1), "OrderLines")

        (order,) = rig.orders(rig.connector())

        assert len(order.lines) == 150
        assert order.lines[0].cancelled == 1


# -- webhooks --------------------------------------------------------------------------------------


@pytest.fixture
def inbox(shop: ShopifySimulator) -> Iterator[Inbox]:
    with Inbox() as inbox:
        for topic in ("ORDERS_CREATE", "ORDERS_CANCELLED"):
            ask(shop, queries.SUBSCRIBE, topic=topic, uri=inbox.url)
        yield inbox


def ids(inbox: Inbox) -> list[str]:
    return [one.headers["x-shopify-webhook-id"] for one in inbox.received]


def test_a_duplicate_is_the_same_webhook_twice(shop: ShopifySimulator, inbox: Inbox) -> None:
    shop.faults.next("webhook_duplicate")
    shop.shop.buy([("A", 1)])

    first, second = inbox.wait(2)

    assert first.body == second.body
    assert len(set(ids(inbox))) == 1


def test_a_lost_webhook_never_comes(shop: ShopifySimulator, inbox: Inbox) -> None:
    shop.faults.next("webhook_lost")
    shop.shop.buy([("A", 1)])
    shop.shop.buy([("B", 1)])

    assert shop.webhooks.drain()
    assert len(inbox.received) == 1
    assert shop.faults.counts["webhook_lost"] == 1


def test_a_late_webhook_carries_what_was_true_then(shop: ShopifySimulator, inbox: Inbox) -> None:
    shop.faults.next("webhook_late", where="orders/create")
    sale = shop.shop.buy([("A", 1)])
    shop.shop.cancel(sale.key)

    cancelled, created = inbox.wait(2)

    assert cancelled.headers["x-shopify-topic"] == "orders/cancelled"
    assert b'"cancelled_at": null' in created.body


def test_a_reordered_webhook_is_overtaken(shop: ShopifySimulator, inbox: Inbox) -> None:
    shop.faults.next("webhook_reorder")
    first = shop.shop.buy([("A", 1)])
    second = shop.shop.buy([("A", 1)])

    came = inbox.wait(2)

    assert [first.key.encode() in one.body for one in came] == [False, True]
    assert second.key.encode() in came[0].body


def test_after_eight_failures_the_subscription_is_gone(
    shop: ShopifySimulator, inbox: Inbox
) -> None:
    inbox.failures = 8
    shop.shop.buy([("A", 1)])

    inbox.wait(8)

    assert eventually(lambda: len(shop.subscriptions) == 1)
    assert len(set(ids(inbox))) == 1
