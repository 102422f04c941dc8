"""The simulated storefront does what TikTok Shop does, and lets in nobody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from connectors.records import HintKind, OrderStatus
from connectors.simulators.faults import Faults
from connectors.testing import Rig
from connectors.testing.rig import Inbox
from connectors.tiktok_shop import CHANNEL, operations, storefront
from connectors.tiktok_shop.operations import Operation
from connectors.tiktok_shop.signature import request_signature
from connectors.tiktok_shop.simulator import SHOP_ID, TikTokShopSimulator
from connectors.tiktok_shop.webhooks import verify

Answer = dict[str, Any]
SINCE = {"page_size": "50", "sort_field": "update_time", "sort_order": "ASC"}


@pytest.fixture
def shop() -> Iterator[TikTokShopSimulator]:
    faults = Faults(hang=0.3, late=0.4)
    with TikTokShopSimulator(None, faults, webhook_backoff=(0.01,) * 10, rate=10_000) as shop:
        shop.shop.add_variant("A", "Apple", 199, 100)
        shop.shop.add_variant("B", "Bear", 999, 100)
        yield shop


def ask(
    shop: TikTokShopSimulator,
    operation: Operation,
    body: Any = None,
    query: dict[str, str] | None = None,
    *,
    product: str = "",
    late: timedelta = timedelta(),
    secret: str = "",
    token: str = "",
    without: str = "",
    **changed: str,
) -> requests.Response:
    """Signed as it should be, but for what is changed."""
    path = operation.path.format(product_id=product)
    sent = b"" if body is None else json.dumps(body).encode()
    cipher = {"shop_cipher": shop.gate.cipher} if operation.shop else {}
    timestamp = str(int((datetime.now(UTC) - late).timestamp()))
    given = {"app_key": shop.gate.app_key, "timestamp": timestamp, **cipher, **(query or {})}
    given |= changed
    given.pop(without, None)
    given["sign"] = request_signature(secret or shop.gate.app_secret, path, given, sent)
    return requests.request(
        operation.method,
        shop.url + path,
        params=given,
        data=sent,
        headers={"x-tts-access-token": token or shop.gate.access_token},
        timeout=5,
    )


def told(answered: requests.Response) -> Answer:
    body: Answer = answered.json()
    assert body["code"] == 0, body
    found: Answer = body["data"]
    return found


def product_of(shop: TikTokShopSimulator, sku: str) -> str:
    return shop.shop.variant(sku).product_key


def set_stock(shop: TikTokShopSimulator, sku: str, **places: int) -> Answer:
    named = {"main": storefront.MAIN, "second": storefront.SECOND, "other": "1"}
    lies = [{"warehouse_id": named[name], "quantity": n} for name, n in places.items()]
    body = {"skus": [{"id": shop.shop.variant(sku).key, "inventory": lies}]}
    answer: Answer = ask(shop, operations.SET_STOCK, body, product=product_of(shop, sku)).json()
    return answer


# -- the gateway -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({}, 0),
        ({"secret": "another"}, 106001),
        ({"app_key": "another"}, 36009004),
        ({"token": "another"}, 36009004),
        ({"shop_cipher": "another"}, 101000),
        ({"without": "shop_cipher"}, 106013),
        ({"without": "timestamp"}, 36009004),
        ({"late": timedelta(minutes=6)}, 36009004),
        ({"late": timedelta(minutes=-2)}, 36009004),
    ],
)
def test_only_a_call_in_order_is_let_in(
    shop: TikTokShopSimulator, changed: dict[str, Any], code: int
) -> None:
    assert ask(shop, operations.WEBHOOKS, **changed).json()["code"] == code


def test_a_body_changed_on_its_way_is_not_let_in(shop: TikTokShopSimulator) -> None:
    path = operations.ORDERS.path
    query = {"app_key": shop.gate.app_key, "timestamp": str(int(datetime.now(UTC).timestamp())),
             "shop_cipher": shop.gate.cipher}  # fmt: skip
    query["sign"] = request_signature(shop.gate.app_secret, path, query, b'{"a":1}')

    answered = requests.post(
        shop.url + path,
        params=query,
        data=b'{"a":2}',
        headers={"x-tts-access-token": shop.gate.access_token},
        timeout=5,
    )

    assert (answered.status_code, answered.json()["code"]) == (401, 106001)


def test_a_call_about_the_seller_takes_no_shop(shop: TikTokShopSimulator) -> None:
    refused = ask(shop, operations.SHOPS, shop_cipher=shop.gate.cipher)

    assert refused.json()["code"] == 36009004
    assert told(ask(shop, operations.SHOPS))["shops"][0]["id"] == SHOP_ID


def test_a_token_runs_out_and_a_new_pair_voids_the_old(shop: TikTokShopSimulator) -> None:
    old, refresh = shop.gate.access_token, shop.gate.refresh_token
    shop.gate.expire()
    given = {"app_key": shop.gate.app_key, "app_secret": shop.gate.app_secret,
             "refresh_token": refresh, "grant_type": "refresh_token"}  # fmt: skip
    address = f"{shop.url}/api/v2/token/refresh"

    refused = ask(shop, operations.WEBHOOKS)
    pair = told(requests.get(address, params=given, timeout=5))
    again = requests.get(address, params=given, timeout=5)

    assert (refused.status_code, refused.json()["code"]) == (401, 105002)
    assert ask(shop, operations.WEBHOOKS, token=pair["access_token"]).json()["code"] == 0
    assert ask(shop, operations.WEBHOOKS, token=old).json()["code"] == 36009004
    assert again.json()["code"] != 0


def test_a_path_takes_so_many_calls_a_second_and_no_more() -> None:
    moment = datetime.now(UTC)
    with TikTokShopSimulator(now=lambda: moment, rate=5) as shop:
        answers = [ask(shop, operations.WEBHOOKS) for _ in range(7)]
        moment += timedelta(seconds=1)
        later = ask(shop, operations.WEBHOOKS)
        elsewhere = ask(shop, operations.SHOPS)

    assert [one.status_code for one in answers] == [200] * 5 + [429] * 2
    assert answers[-1].json()["code"] == 36009002
    assert answers[-1].headers["Retry-After"] == "1"
    assert (later.status_code, elsewhere.status_code) == (200, 200)


# -- orders ----------------------------------------------------------------------------------------


def test_orders_are_paged_by_token_the_oldest_change_first(shop: TikTokShopSimulator) -> None:
    start = datetime.now(UTC) - timedelta(hours=1)
    for n in range(60):
        shop.shop.buy([("A", 1)], at=start + timedelta(seconds=n))

    first = told(ask(shop, operations.ORDERS, {}, SINCE))
    token = {"page_token": first["next_page_token"]}
    rest = told(ask(shop, operations.ORDERS, {}, {**SINCE, **token}))

    assert (len(first["orders"]), len(rest["orders"])) == (50, 10)
    times = [one["update_time"] for one in [*first["orders"], *rest["orders"]]]
    assert times == sorted(times)
    assert "next_page_token" not in rest


def test_orders_are_filtered_by_change(shop: TikTokShopSimulator) -> None:
    moment = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    for hours in (0, 1, 2):
        shop.shop.buy([("A", 1)], at=moment - timedelta(hours=2 - hours))
    bounds = {
        "update_time_ge": int((moment - timedelta(hours=1)).timestamp()),
        "update_time_lt": int(moment.timestamp()),
    }

    (found,) = told(ask(shop, operations.ORDERS, bounds, SINCE))["orders"]

    assert found["update_time"] == bounds["update_time_ge"]


def test_a_page_token_that_is_none_is_refused(shop: TikTokShopSimulator) -> None:
    for token in ("lost", storefront.pack("x", "y"), storefront.pack(1)):
        refused = ask(shop, operations.ORDERS, {}, {**SINCE, "page_token": token})
        assert "page_token" in refused.json()["message"]


def test_every_unit_is_a_line_item_and_those_taken_off_are_cancelled(
    shop: TikTokShopSimulator,
) -> None:
    sale = shop.shop.buy([("A", 3), ("B", 1)])
    shop.shop.edit(sale.key, "A", 1)

    (found,) = told(ask(shop, operations.ORDERS_BY_ID, query={"ids": sale.key}))["orders"]

    assert [(one["seller_sku"], one["display_status"]) for one in found["line_items"]] == [
        ("A", "AWAITING_SHIPMENT"),
        ("A", "CANCELLED"),
        ("A", "CANCELLED"),
        ("B", "AWAITING_SHIPMENT"),
    ]
    assert len({one["id"] for one in found["line_items"]}) == 4


def test_no_address_is_told_while_unpaid(shop: TikTokShopSimulator) -> None:
    sale = shop.shop.buy([("A", 1)], buyer={"name": "Ann"})
    asked = {"ids": sale.key}
    (paid,) = told(ask(shop, operations.ORDERS_BY_ID, query=asked))["orders"]
    shop.shop.set_status(sale.key, OrderStatus.UNPAID)

    (unpaid,) = told(ask(shop, operations.ORDERS_BY_ID, query=asked))["orders"]

    assert paid["recipient_address"]["name"] == "Ann"
    assert "recipient_address" not in unpaid


# -- stock -----------------------------------------------------------------------------------------


def test_a_sale_takes_the_shops_own_stock(shop: TikTokShopSimulator) -> None:
    set_stock(shop, "A", main=3, second=4)
    shop.shop.buy([("A", 5)])

    asked = {"sku_ids": [shop.shop.variant("A").key]}
    (product,) = told(ask(shop, operations.INVENTORY, asked))["inventory"]

    (sku,) = product["skus"]
    assert (sku["total_available_quantity"], sku["total_committed_quantity"]) == (2, 5)
    assert [one["available_quantity"] for one in sku["warehouse_inventory"]] == [0, 2]


@pytest.mark.parametrize(
    ("places", "code"),
    [
        ({"main": 5, "second": 0}, 0),
        ({"main": 5}, 12019028),
        ({"main": 5, "second": 0, "other": 1}, 12052097),
        ({"main": 100_000, "second": 0}, 12052055),
        ({"main": 5, "second": -1}, 12019024),
    ],
)
def test_a_write_names_every_warehouse_and_no_other(
    shop: TikTokShopSimulator, places: dict[str, int], code: int
) -> None:
    answered = set_stock(shop, "A", **places)

    errors = answered["data"].get("errors", [])
    assert answered["code"] == 0
    assert [one["detail"]["extra_errors"][0]["code"] for one in errors] == ([code] if code else [])
    assert shop.shop.quantity("A") == (100 if code else 5)


def test_a_sku_of_another_product_is_not_written(shop: TikTokShopSimulator) -> None:
    key = shop.shop.variant("B").key
    body = {"skus": [{"id": key, "inventory": [{"quantity": 1}]}]}

    answered = ask(shop, operations.SET_STOCK, body, product=product_of(shop, "A"))

    assert told(answered)["errors"][0]["code"] == 12052556
    assert shop.shop.quantity("B") == 100


def test_a_product_off_sale_takes_no_stock(shop: TikTokShopSimulator) -> None:
    product = {"product_ids": [product_of(shop, "A")]}
    assert told(ask(shop, operations.DEACTIVATE, product)) == {}

    refused = set_stock(shop, "A", main=5, second=0)
    twice = told(ask(shop, operations.DEACTIVATE, product))

    assert refused["code"] == 12052901
    assert twice["errors"][0]["code"] == 12052901


def test_too_many_at_once_are_refused(shop: TikTokShopSimulator) -> None:
    many = [str(n) for n in range(601)]

    asked = [
        ask(shop, operations.INVENTORY, {"sku_ids": many}),
        ask(shop, operations.PRODUCTS, {"sku_ids": many[:11]}),
        ask(shop, operations.DEACTIVATE, {"product_ids": many[:21]}),
    ]

    assert [one.json()["code"] for one in asked] == [12019015, 12019087, 12019120]


# -- webhooks --------------------------------------------------------------------------------------


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig(CHANNEL, TikTokShopSimulator(rate=10_000)) as rig:
        rig.stock_up()
        yield rig


def kinds(rig: Rig, inbox: Inbox, count: int) -> list[HintKind]:
    credentials = rig.simulator.credentials()
    held = {name: [credentials[name]] for name in ("app_key", "app_secret")}
    return [verify(one, held, datetime.now(UTC)).hints[0].kind for one in inbox.wait(count)]


def test_what_happens_in_the_shop_is_told(rig: Rig) -> None:
    with Inbox() as inbox:
        rig.connector().subscribe(inbox.url)
        rig.shop.cancel(rig.shop.buy([("SKU-0", 1)]).key)
        rig.shop.end_variant("SKU-1")

        found = kinds(rig, inbox, 4)

    assert sorted(found) == [HintKind.LISTING, *[HintKind.ORDER] * 3]


def test_a_seller_who_leaves_is_told_and_the_tokens_are_void(rig: Rig) -> None:
    simulator = rig.simulator
    assert isinstance(simulator, TikTokShopSimulator)
    with Inbox() as inbox:
        rig.connector().subscribe(inbox.url)
        simulator.deauthorise()

        assert kinds(rig, inbox, 1) == [HintKind.REVOKED]


def test_one_address_per_topic_the_last_one_wins(rig: Rig) -> None:
    rig.connector().subscribe("https://hub.example/hooks/1")

    found = rig.connector().subscribe("https://hub.example/hooks/2")

    assert {one.url for one in found} == {"https://hub.example/hooks/2"}
    assert len(rig.connector().subscriptions()) == len(found)
