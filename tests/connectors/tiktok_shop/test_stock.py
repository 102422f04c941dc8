"""Stock goes out with every warehouse of a SKU in one write; a refusal is about what it names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import responses

from connectors.records import ListingRef, LocationQuantity, PushOutcome, PushResult, StockOffer
from connectors.testing import Rig
from connectors.testing.rig import offer as offer_of
from connectors.testing.rig import ref
from connectors.tiktok_shop import CHANNEL
from connectors.tiktok_shop.connector import TikTokShopConnector
from connectors.tiktok_shop.simulator import TikTokShopSimulator
from connectors.tiktok_shop.storefront import MAIN, SECOND
from tests.connectors.tiktok_shop.desk import (
    INVENTORY,
    STOCK,
    asked,
    at,
    connector,
    offer,
)
from tests.connectors.tiktok_shop.recorded import answer

OTHER_PRODUCT = "1729000000000000032"


@pytest.fixture
def shop() -> Iterator[TikTokShopConnector]:
    with connector() as shop:
        yield shop


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as web:
        yield web


@pytest.fixture
def rig() -> Iterator[Rig]:
    """Products of three variants, in two warehouses."""
    with Rig(CHANNEL, TikTokShopSimulator(rate=10_000, together=3)) as rig:
        yield rig


def room(rig: Rig) -> TikTokShopSimulator:
    assert isinstance(rig.simulator, TikTokShopSimulator)
    return rig.simulator


def push(shop: TikTokShopConnector, *offers: StockOffer) -> list[PushResult]:
    return list(shop.push_stock(offers).results)


def refused(code: int, **detail: Any) -> dict[str, Any]:
    return {"code": code, "message": "no", "detail": detail}


def written(web: responses.RequestsMock, index: int = -1) -> dict[str, dict[str, int]]:
    """SKU → warehouse → quantity."""
    return {
        one["id"]: {each.get("warehouse_id", ""): each["quantity"] for each in one["inventory"]}
        for one in asked(web, index)["skus"]
    }


# -- what is written -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("warehouses", "chosen", "expected"),
    [
        ("w1", "", {"w1": 5}),
        ("w1,w2,w3", "", {"w1": 5, "w2": 0, "w3": 0}),
        ("w1,w2,w3", "w2", {"w1": 0, "w2": 5, "w3": 0}),
        ("w1,w2", "elsewhere", {"w1": 5, "w2": 0}),
        ("", "", {"": 5}),
    ],
)
def test_every_warehouse_of_the_sku_is_in_the_write(
    web: responses.RequestsMock, warehouses: str, chosen: str, expected: dict[str, int]
) -> None:
    web.post(STOCK, json=answer({}))

    with connector(settings={"warehouse_id": chosen}) as shop:
        (result,) = push(shop, offer("1", 5, warehouses=warehouses))

    assert written(web) == {"1": expected}
    assert (result.outcome, result.current) == (PushOutcome.ACCEPTED, 5)


def test_what_lies_where_is_written_as_it_is_said(
    shop: TikTokShopConnector, web: responses.RequestsMock
) -> None:
    web.post(STOCK, json=answer({}))
    lies = (LocationQuantity("w2", 3), LocationQuantity("w1", 2))

    push(shop, replace(offer("1", 5, warehouses="w1,w2,w3"), by_location=lies))

    assert written(web) == {"1": {"w1": 2, "w2": 3, "w3": 0}}


def test_the_skus_of_a_product_go_in_one_call(
    shop: TikTokShopConnector, web: responses.RequestsMock
) -> None:
    web.post(STOCK, json=answer())
    web.post(at(f"/product/202309/products/{OTHER_PRODUCT}/inventory/update"), json=answer())

    results = push(shop, offer("1", 5), offer("9", 7, product=OTHER_PRODUCT), offer("2", 6))

    assert [one.key for one in results] == ["1", "9", "2"]
    assert written(web, 0) == {"1": {"w1": 5}, "2": {"w1": 6}}
    assert written(web, 1) == {"9": {"w1": 7}}


def test_an_offer_without_a_product_never_leaves(shop: TikTokShopConnector) -> None:
    (result,) = push(shop, StockOffer("v", 1, "k"))

    assert (result.outcome, result.code) == (PushOutcome.REJECTED, "no_product")


# -- what is answered ------------------------------------------------------------------------------


def test_a_refusal_in_a_success_is_about_its_sku(
    shop: TikTokShopConnector, web: responses.RequestsMock
) -> None:
    web.post(STOCK, json=answer({"errors": [refused(12052393, sku_id="2")]}))

    results = push(shop, offer("1", 5), offer("2", 6))

    assert [(one.outcome, one.code) for one in results] == [
        (PushOutcome.ACCEPTED, ""),
        (PushOutcome.REJECTED, "12052393"),
    ]


def test_a_refusal_that_names_no_sku_is_about_all(
    shop: TikTokShopConnector, web: responses.RequestsMock
) -> None:
    web.post(STOCK, json=answer({"errors": [refused(12052141)]}))

    results = push(shop, offer("1", 5), offer("2", 6))

    assert {one.outcome for one in results} == {PushOutcome.REJECTED}


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (12052032, PushOutcome.GONE),
        (12052260, PushOutcome.GONE),
        (12052556, PushOutcome.GONE),
        (12052048, PushOutcome.REJECTED),
        (12052055, PushOutcome.REJECTED),
        (12052901, PushOutcome.REJECTED),
        (99999999, PushOutcome.REJECTED),
    ],
)
def test_a_refusal_of_the_whole_is_told_by_its_code(
    shop: TikTokShopConnector, web: responses.RequestsMock, code: int, outcome: PushOutcome
) -> None:
    web.post(STOCK, json=answer(code=code, message="no"))

    (result,) = push(shop, offer("1", 5))

    assert (result.outcome, result.code) == (outcome, str(code))


def test_the_reason_of_a_failed_check_is_the_one_behind_it(
    shop: TikTokShopConnector, web: responses.RequestsMock
) -> None:
    behind = [{"warehouse_id": "w1", "code": 12052531, "message": "The warehouse is disabled."}]
    failed = refused(12052990, sku_id="1", extra_errors=behind)
    web.post(STOCK, json=answer({"errors": [failed]}))

    (result,) = push(shop, offer("1", 5))

    assert (result.code, result.message) == ("12052531", "The warehouse is disabled.")


def test_one_bad_sku_does_not_take_its_product_along(
    shop: TikTokShopConnector, web: responses.RequestsMock
) -> None:
    web.post(STOCK, json=answer(code=12052055, message="limits"))
    web.post(STOCK, json=answer({}))
    web.post(STOCK, json=answer(code=12052055, message="limits"))

    results = push(shop, offer("1", 5), offer("2", 200_000))

    assert [one.outcome for one in results] == [PushOutcome.ACCEPTED, PushOutcome.REJECTED]


def test_what_breaks_off_half_way_is_told_per_item(
    shop: TikTokShopConnector, web: responses.RequestsMock
) -> None:
    others = ["3", "4"]
    web.post(STOCK, json=answer({}))
    web.post(at("/product/202309/products/3/inventory/update"), status=503)

    results = push(shop, offer("1", 5), *(offer(one, 5, product=one) for one in others))

    assert [one.outcome for one in results] == [
        PushOutcome.ACCEPTED,
        PushOutcome.UNKNOWN,
        PushOutcome.RETRY,
    ]


def test_warehouses_that_have_changed_are_read_and_written_again(
    shop: TikTokShopConnector, web: responses.RequestsMock
) -> None:
    web.post(STOCK, json=answer(code=12019028, message="Multiple warehouses detected."))
    places = [{"warehouse_id": one, "available_quantity": 1} for one in ("w1", "w2")]
    sku = {"id": "1", "total_available_quantity": 2, "warehouse_inventory": places}
    held = {"inventory": [{"product_id": "p", "skus": [sku]}]}
    web.post(INVENTORY, json=answer(held))
    web.post(STOCK, json=answer({}))

    (result,) = push(shop, offer("1", 5))

    assert result.outcome is PushOutcome.ACCEPTED
    assert written(web) == {"1": {"w1": 5, "w2": 0}}


def test_warehouses_are_read_again_only_once(
    shop: TikTokShopConnector, web: responses.RequestsMock
) -> None:
    web.post(STOCK, json=answer(code=12052037, message="Couldn't update inventory."))
    sku = {"id": "1", "total_available_quantity": 2, "warehouse_inventory": []}
    web.post(INVENTORY, json=answer({"inventory": [{"product_id": "p", "skus": [sku]}]}))

    (result,) = push(shop, offer("1", 5))

    assert (result.outcome, result.code) == (PushOutcome.REJECTED, "12052037")
    assert len(web.calls) == 3


# -- what is read ----------------------------------------------------------------------------------


def test_stock_is_the_units_free_to_sell(
    shop: TikTokShopConnector, web: responses.RequestsMock
) -> None:
    full = {"id": "1", "total_available_quantity": 7, "total_committed_quantity": 3}
    places = [{"warehouse_id": "w", "available_quantity": n} for n in (2, 3)]
    skus = [full, {"id": "2", "warehouse_inventory": places}]
    web.post(INVENTORY, json=answer({"inventory": [{"product_id": "p", "skus": skus}]}))

    found = shop.read_stock([ListingRef(key) for key in ("1", "2", "3")])

    assert [(one.quantity, one.gone) for one in found] == [(7, False), (5, False), (None, True)]


# -- products of several variants ------------------------------------------------------------------


def test_a_product_of_three_takes_one_write(rig: Rig) -> None:
    rig.stock_up(6)
    shop = rig.connector()
    listings = rig.listings(shop)

    pushed = shop.push_stock([offer_of(one, n + 1, f"k{n}") for n, one in enumerate(listings)])

    assert {one.outcome for one in pushed.results} == {PushOutcome.ACCEPTED}
    assert [rig.shop.quantity(one.sku) for one in listings] == [1, 2, 3, 4, 5, 6]
    assert room(rig).requests["SetStock"] == 2


def test_a_variant_that_is_gone_leaves_its_product(rig: Rig) -> None:
    rig.stock_up(3)
    shop = rig.connector()
    first, gone, third = rig.listings(shop)
    rig.shop.remove_variant(gone.sku)

    pushed = shop.push_stock([offer_of(first, 4, "1"), offer_of(gone, 5, "2"),
                              offer_of(third, 6, "3")])  # fmt: skip

    assert [one.outcome for one in pushed.results] == [
        PushOutcome.ACCEPTED,
        PushOutcome.GONE,
        PushOutcome.ACCEPTED,
    ]
    assert (rig.shop.quantity(first.sku), rig.shop.quantity(third.sku)) == (4, 6)


def test_what_lay_in_another_warehouse_is_not_counted_twice(rig: Rig) -> None:
    rig.stock_up(1)
    shop = rig.connector()
    (listing,) = rig.listings(shop)
    lies = (LocationQuantity(MAIN, 3), LocationQuantity(SECOND, 9))
    shop.push_stock([replace(offer_of(listing, 12, "k1"), by_location=lies)])
    assert shop.read_stock([ref(listing)])[0].quantity == 12

    shop.push_stock([offer_of(listing, 5, "k2")])

    assert shop.read_stock([ref(listing)])[0].quantity == 5
    (now,) = rig.listings(shop)
    assert [(one.location_key, one.quantity) for one in now.by_location] == [(MAIN, 5), (SECOND, 0)]
