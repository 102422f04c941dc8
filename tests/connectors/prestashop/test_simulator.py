"""The simulated shop has PrestaShop's traps, and refuses what PrestaShop refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests

from connectors.prestashop.resources import ORDER_CARRIERS, ORDER_HISTORIES, STOCK, document
from connectors.prestashop.simulator import PrestaShopSimulator
from connectors.records import OrderStatus

JSON = {"output_format": "JSON"}
TIMES = {"display": "full", "filter[date_upd]": "[2000-01-01 00:00:00,2100-01-01 00:00:00]"}


@pytest.fixture
def shop() -> Iterator[PrestaShopSimulator]:
    with PrestaShopSimulator() as shop:
        shop.shop.add_variant("TEA-1", "Green tea", 1999, 5)
        yield shop


def ask(shop: PrestaShopSimulator, path: str, **query: str) -> requests.Response:
    return asking(shop, path, query)


def asking(shop: PrestaShopSimulator, path: str, query: Mapping[str, str]) -> requests.Response:
    address = f"{shop.url}/api/{path}"
    return requests.get(address, params={**JSON, **query}, auth=(shop.key, ""), timeout=5)


def send(shop: PrestaShopSimulator, path: str, method: str, body: bytes) -> requests.Response:
    address = f"{shop.url}/api/{path}"
    return requests.request(method, address, params=JSON, data=body, auth=(shop.key, ""), timeout=5)


def code(response: requests.Response) -> tuple[int, Any]:
    return response.status_code, response.json()["errors"][0]["code"]


def test_an_empty_list_is_a_list_without_a_name(shop: PrestaShopSimulator) -> None:
    assert ask(shop, "orders", display="full").json() == []


def test_a_missing_row_is_a_404_without_a_body(shop: PrestaShopSimulator) -> None:
    response = ask(shop, "orders/5")

    assert (response.status_code, response.text) == (404, "")


def test_times_are_asked_for_only_when_opened(shop: PrestaShopSimulator) -> None:
    shop.shop.buy([("TEA-1", 1)])

    assert code(asking(shop, "orders", TIMES)) == (500, 32)
    assert len(asking(shop, "orders", {**TIMES, "date": "1"}).json()["orders"]) == 1


def test_without_display_only_ids_are_told(shop: PrestaShopSimulator) -> None:
    sale = shop.shop.buy([("TEA-1", 1)])

    assert ask(shop, "orders").json() == {"orders": [{"id": int(sale.key)}]}
    assert ask(shop, f"orders/{sale.key}").json()["order"]["reference"] == sale.number


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("orders", {"filter[nothing]": "[1]"}, (400, 32)),
        ("orders", {"display": "[id,nothing]"}, (400, 35)),
        ("orders", {"display": "some"}, (400, 35)),
        ("orders", {"sort": "[id]"}, (400, 37)),
        ("order", {}, (400, 27)),
        ("orders", {"id_shop": "7"}, (404, 999)),
    ],
)
def test_what_makes_no_sense_is_refused(
    shop: PrestaShopSimulator, path: str, query: dict[str, str], expected: tuple[int, int]
) -> None:
    shop.shop.buy([("TEA-1", 1)])

    assert code(asking(shop, path, query)) == expected


def test_a_wrong_key_opens_nothing(shop: PrestaShopSimulator) -> None:
    response = requests.get(f"{shop.url}/api/orders", params=JSON, auth=("x", ""), timeout=5)

    assert code(response) == (401, 18)


@pytest.mark.parametrize(
    ("wanted", "count"), [("[2|4]", 2), ("[2,4]", 3), ("[4]", 1), (">[4]", 8), ("<[3]", 2)]
)
def test_filters_name_one_several_or_a_span(
    shop: PrestaShopSimulator, wanted: str, count: int
) -> None:
    found = asking(shop, "order_states", {"filter[id]": wanted}).json()["order_states"]

    assert len(found) == count


def test_a_list_is_sorted_and_cut(shop: PrestaShopSimulator) -> None:
    query = {"sort": "[paid_DESC,id_ASC]", "limit": "1,2"}

    found = asking(shop, "order_states", query).json()["order_states"]

    assert [one["id"] for one in found] == [3, 4]


def test_less_than_nothing_is_taken(shop: PrestaShopSimulator) -> None:
    row = shop.shop.variants[0].inventory_key
    body = document(STOCK, {"id": row, "quantity": "-4"})

    response = send(shop, f"stock_availables/{row}", "PATCH", body)

    assert response.json()["stock_available"]["id"] == row
    assert shop.shop.quantity("TEA-1") == -4


@pytest.mark.parametrize(
    ("method", "fields", "expected"),
    [
        ("PUT", {"id": "", "quantity": "4"}, (400, 41)),
        ("PATCH", {"quantity": "4"}, (400, 90)),
        ("PATCH", {"id": "5", "quantity": "4"}, (404, 92)),
    ],
)
def test_a_write_without_what_it_needs_is_refused(
    shop: PrestaShopSimulator, method: str, fields: dict[str, str], expected: tuple[int, int]
) -> None:
    row = shop.shop.variants[0].inventory_key
    given = {name: value or row for name, value in fields.items()}

    response = send(shop, f"stock_availables/{row}", method, document(STOCK, given))

    assert code(response) == expected


def test_put_empties_what_is_not_sent(shop: PrestaShopSimulator) -> None:
    sale = shop.shop.buy([("TEA-1", 1)])
    shop.tracking[sale.key] = "JD1"
    body = document(ORDER_CARRIERS, {"id": f"8{sale.key}", "id_order": sale.key, "id_carrier": "2"})

    send(shop, f"order_carriers/8{sale.key}", "PUT", body)

    assert shop.tracking[sale.key] == ""


def test_any_state_may_follow_any_other(shop: PrestaShopSimulator) -> None:
    sale = shop.shop.buy([("TEA-1", 1)])

    for state in ("6", "4", "5", "2"):
        body = document(ORDER_HISTORIES, {"id_order": sale.key, "id_order_state": state})
        assert send(shop, "order_histories", "POST", body).status_code == 201

    assert shop.shop.orders[0].status is OrderStatus.CONFIRMED


@pytest.mark.parametrize("body", [b"", b"<prestashop>", b"<prestashop><order/></prestashop>"])
def test_a_body_that_is_not_the_row_is_refused(shop: PrestaShopSimulator, body: bytes) -> None:
    assert send(shop, "order_histories", "POST", body).status_code >= 400
