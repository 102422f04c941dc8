"""The simulated storefront does what WooCommerce does, its traps included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import requests

from connectors.signing import hmac_sha256_base64
from connectors.simulators.shop import Sale
from connectors.woocommerce.paths import ROOT
from connectors.woocommerce.signature import signed
from connectors.woocommerce.simulator import WooCommerceSimulator


@pytest.fixture
def shop() -> Iterator[WooCommerceSimulator]:
    with WooCommerceSimulator() as shop:
        shop.shop.add_variant("A", "Apple", 199, 100)
        shop.shop.add_variant("B", "Bear", 999, 100)
        yield shop


def ask(
    shop: WooCommerceSimulator,
    path: str,
    query: Mapping[str, str] | None = None,
    body: Any = None,
    method: str = "",
    *,
    secret: str = "",
    nonce: str = "",
    sent: datetime | None = None,
) -> requests.Response:
    verb = method or ("GET" if body is None else "POST")
    url = f"{shop.url}{ROOT}{path}"
    params = signed(
        verb,
        url,
        query or {},
        key=shop.gate.consumer_key,
        secret=secret or shop.gate.consumer_secret,
        nonce=nonce or uuid4().hex,
        now=sent or datetime.now(UTC),
    )
    with requests.Session() as session:
        return session.request(verb, url, params=params, json=body, timeout=5)


def code(response: requests.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def key(shop: WooCommerceSimulator, sku: str) -> int:
    return int(shop.shop.variant(sku).key)


def written(shop: WooCommerceSimulator, sku: str, quantity: object) -> Any:
    body = {"update": [{"id": key(shop, sku), "stock_quantity": quantity}]}
    return ask(shop, "/products/batch", body=body).json()["update"][0]


# -- who asks --------------------------------------------------------------------------------------


def test_over_http_the_keys_alone_count_as_none(shop: WooCommerceSimulator) -> None:
    keys = (shop.gate.consumer_key, shop.gate.consumer_secret)
    with requests.Session() as session:
        answer = session.get(f"{shop.url}{ROOT}/orders", auth=keys, timeout=5)

    assert code(answer) == (401, "woocommerce_rest_cannot_view")


def test_a_wrong_signature_is_refused(shop: WooCommerceSimulator) -> None:
    answer = ask(shop, "/orders", secret="other")  # noqa: S106

    assert code(answer) == (401, "woocommerce_rest_authentication_error")


def test_a_nonce_is_good_once_and_for_a_quarter_of_an_hour(shop: WooCommerceSimulator) -> None:
    old = datetime.now(UTC) - timedelta(minutes=20)

    statuses = [ask(shop, "/orders", nonce="n").status_code for _ in range(2)]

    assert statuses == [200, 401]
    assert ask(shop, "/orders", sent=old).status_code == 401


def test_a_key_that_may_only_read_is_refused_as_unknown(shop: WooCommerceSimulator) -> None:
    shop.gate.read_only = True

    assert ask(shop, "/orders").status_code == 200
    assert ask(shop, "/products/batch", body={"update": []}).status_code == 401


# -- stock -----------------------------------------------------------------------------------------


def test_a_row_that_is_refused_leaves_the_others(shop: WooCommerceSimulator) -> None:
    items = [{"id": 5, "stock_quantity": 1}, {"id": key(shop, "B"), "stock_quantity": 7}]

    answer = ask(shop, "/products/batch", body={"update": items})

    assert answer.status_code == 200
    first, second = answer.json()["update"]
    assert first["error"]["code"] == "woocommerce_rest_product_invalid_id"
    assert (second["stock_quantity"], shop.shop.quantity("B")) == (7, 7)


def test_what_is_not_managed_is_left_alone_without_a_word(shop: WooCommerceSimulator) -> None:
    shop.shelves.unmanaged.add(str(key(shop, "A")))

    row = written(shop, "A", 5)

    assert (row["manage_stock"], row["stock_quantity"]) == (False, None)
    assert shop.shop.quantity("A") == 100


def test_less_than_nothing_is_taken_and_a_fraction_is_not(shop: WooCommerceSimulator) -> None:
    assert written(shop, "A", -3)["stock_status"] == "outofstock"
    assert shop.shop.quantity("A") == -3
    assert written(shop, "B", 1.5)["error"]["code"] == "rest_invalid_param"


def test_a_variation_is_not_reached_by_the_products_route(shop: WooCommerceSimulator) -> None:
    parent = shop.shelves.family("Fruit", ["A"])
    item = {"update": [{"id": key(shop, "A"), "stock_quantity": 5}]}

    wrong = ask(shop, "/products/batch", body=item).json()["update"][0]
    right = ask(shop, f"/products/{parent}/variations/batch", body=item).json()["update"][0]

    assert "error" in wrong
    assert right["stock_quantity"] == shop.shop.quantity("A") == 5


def test_more_than_a_hundred_at_once_is_too_much(shop: WooCommerceSimulator) -> None:
    answer = ask(shop, "/products/batch", body={"update": [{"id": 1}] * 101})

    assert code(answer) == (413, "woocommerce_rest_request_entity_too_large")


# -- orders ----------------------------------------------------------------------------------------


def numbers(shop: WooCommerceSimulator, **query: str) -> list[str]:
    return [one["number"] for one in ask(shop, "/orders", query).json()]


def sold(shop: WooCommerceSimulator, at: datetime) -> Sale:
    return shop.shop.buy([("A", 1)], at=at)


def test_filters_leave_out_their_own_second(shop: WooCommerceSimulator) -> None:
    moment = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    sales = [sold(shop, moment + timedelta(seconds=n, milliseconds=300)) for n in range(3)]
    bound = moment.strftime("%Y-%m-%dT%H:%M:%S")

    found = numbers(shop, modified_after=bound, orderby="modified", order="asc")

    assert found == [one.number for one in sales[1:]]


def test_what_is_in_the_trash_is_in_no_other_list(shop: WooCommerceSimulator) -> None:
    sale = sold(shop, datetime.now(UTC))
    shop.trash(sale.key)

    assert numbers(shop, status="any") == []
    assert numbers(shop, status="trash") == [sale.number]
    assert ask(shop, f"/orders/{sale.key}").json()["status"] == "trash"


def test_pages_are_of_ten_unless_asked_and_end_with_nothing(shop: WooCommerceSimulator) -> None:
    for _ in range(12):
        sold(shop, datetime.now(UTC))

    assert len(numbers(shop)) == 10
    assert len(numbers(shop, page="2")) == 2
    assert numbers(shop, page="3") == []
    assert ask(shop, "/orders", {"per_page": "101"}).status_code == 400


def test_an_order_takes_no_status_that_is_not_its_own(shop: WooCommerceSimulator) -> None:
    sale = sold(shop, datetime.now(UTC))

    answer = ask(shop, f"/orders/{sale.key}", body={"status": "shipped"}, method="PUT")

    assert code(answer) == (400, "rest_invalid_param")


def test_a_refund_of_too_much_is_a_server_error(shop: WooCommerceSimulator) -> None:
    sale = sold(shop, datetime.now(UTC))

    answer = ask(shop, f"/orders/{sale.key}/refunds", body={"amount": "2.00"})

    assert code(answer) == (500, "woocommerce_rest_cannot_create_order_refund")


def test_what_does_not_exist_is_told_by_its_code(shop: WooCommerceSimulator) -> None:
    assert code(ask(shop, "/orders/1")) == (404, "woocommerce_rest_shop_order_invalid_id")
    assert code(ask(shop, "/nowhere")) == (404, "rest_no_route")
    webhook = {"topic": "order.eaten", "delivery_url": "https://hub.example"}
    assert ask(shop, "/webhooks", body=webhook).status_code == 400


def test_the_secret_of_webhooks_is_the_one_that_signs(shop: WooCommerceSimulator) -> None:
    assert hmac_sha256_base64(shop.secret, b"x") == hmac_sha256_base64(
        shop.credentials()["webhook_secret"], b"x"
    )
