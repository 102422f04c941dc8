"""Stock by two routes: who is written where, and what each row of a batch says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import responses

from connectors.errors import AuthError, UnknownOutcome
from connectors.records import ListingRef, PushOutcome, PushResult, RemoteStock
from connectors.testing import Rig
from connectors.testing.rig import offer as offered
from connectors.testing.rig import ref
from connectors.woocommerce import CHANNEL
from connectors.woocommerce.connector import WooCommerceConnector
from connectors.woocommerce.simulator import WooCommerceSimulator
from tests.connectors.woocommerce.desk import at, body, connector, offer, refusal
from tests.connectors.woocommerce.recorded import product, variation

SIMPLE, VARIATIONS = at("/products/batch"), at("/products/94/variations/batch")


@pytest.fixture
def shop() -> Iterator[WooCommerceConnector]:
    with connector() as shop:
        yield shop


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as web:
        yield web


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig(CHANNEL, WooCommerceSimulator(pings=False), timeout=2.0) as rig:
        rig.stock_up(4)
        yield rig


def outcomes(results: tuple[PushResult, ...]) -> list[tuple[PushOutcome, str]]:
    return [(one.outcome, one.code) for one in results]


def test_variations_go_by_the_route_of_their_product(
    shop: WooCommerceConnector, web: responses.RequestsMock
) -> None:
    web.post(SIMPLE, json={"update": [product(stock_quantity=3)]})
    web.post(VARIATIONS, json={"update": [variation(stock_quantity=4)]})
    own = {"product_id": "95", "parent_id": "94"}

    pushed = shop.push_stock([offer("95", 4, **own), offer("93", 3)])

    sent = {call.request.url: body(call) for call in web.calls}
    assert sent[VARIATIONS] == {"update": [{"id": 95, "stock_quantity": 4}]}
    assert sent[SIMPLE] == {"update": [{"id": 93, "stock_quantity": 3}]}
    assert [(one.key, one.outcome, one.current) for one in pushed.results] == [
        ("95", PushOutcome.ACCEPTED, 4),
        ("93", PushOutcome.ACCEPTED, 3),
    ]


def test_each_row_speaks_for_itself(
    shop: WooCommerceConnector, web: responses.RequestsMock
) -> None:
    gone = {"id": 2, "error": refusal("woocommerce_rest_product_invalid_id", "Invalid ID.")}
    bad = {"id": 3, "error": refusal("rest_invalid_param", "&lt;quantity&gt; is no number")}
    rows = [product(id=1, manage_stock=False, stock_quantity=None), gone, bad, product(id=5)]
    web.post(SIMPLE, json={"update": rows})

    found = shop.push_stock([offer(str(n), 1) for n in (1, 2, 3, 4, 5)]).results

    assert outcomes(found) == [
        (PushOutcome.REJECTED, "stock_not_managed"),
        (PushOutcome.GONE, "woocommerce_rest_product_invalid_id"),
        (PushOutcome.REJECTED, "rest_invalid_param"),
        (PushOutcome.UNKNOWN, "bad_record"),  # no row came
        (PushOutcome.ACCEPTED, ""),
    ]
    assert found[2].message == "<quantity> is no number"


def test_a_variation_whose_product_took_over_is_refused(
    shop: WooCommerceConnector, web: responses.RequestsMock
) -> None:
    web.post(VARIATIONS, json={"update": [variation(manage_stock="parent")]})

    found = shop.push_stock([offer("95", 4, product_id="95", parent_id="94")]).results

    assert outcomes(found) == [(PushOutcome.REJECTED, "stock_kept_by_parent")]


def test_a_product_that_is_gone_takes_its_variations_along(
    shop: WooCommerceConnector, web: responses.RequestsMock
) -> None:
    told = refusal("woocommerce_rest_product_variation_invalid_parent", status=404)
    web.post(VARIATIONS, status=404, json=told)
    web.post(SIMPLE, json={"update": [product()]})

    found = shop.push_stock([offer("95", 4, product_id="95", parent_id="94"), offer("93", 7)])

    assert [one.outcome for one in found.results] == [PushOutcome.GONE, PushOutcome.ACCEPTED]


def test_less_than_nothing_and_two_numbers_for_one_product_are_not_sent(
    shop: WooCommerceConnector, web: responses.RequestsMock
) -> None:
    web.post(SIMPLE, json={"update": [product()]})
    pooled = {"product_id": "94"}

    found = shop.push_stock(
        [offer("1", -1), offer("95", 4, **pooled), offer("96", 5, **pooled), offer("93", 7)]
    ).results

    assert outcomes(found) == [
        (PushOutcome.REJECTED, "negative"),
        (PushOutcome.REJECTED, "stock_shared"),
        (PushOutcome.REJECTED, "stock_shared"),
        (PushOutcome.ACCEPTED, ""),
    ]
    assert body(web.calls[0]) == {"update": [{"id": 93, "stock_quantity": 7}]}


def test_after_one_call_went_wrong_the_others_are_told_apart(
    shop: WooCommerceConnector, web: responses.RequestsMock
) -> None:
    web.post(SIMPLE, json={"update": [product()]})
    web.post(VARIATIONS, status=502)
    third = {"product_id": "99", "parent_id": "98"}

    found = shop.push_stock(
        [offer("93", 7), offer("95", 1, product_id="95", parent_id="94"), offer("99", 1, **third)]
    ).results

    assert [one.outcome for one in found] == [
        PushOutcome.ACCEPTED,
        PushOutcome.UNKNOWN,
        PushOutcome.RETRY,
    ]


@pytest.mark.parametrize(("status", "kind"), [(502, UnknownOutcome), (401, AuthError)])
def test_while_nothing_is_known_the_push_fails_as_a_whole(
    shop: WooCommerceConnector, web: responses.RequestsMock, status: int, kind: type[Exception]
) -> None:
    web.post(SIMPLE, status=status)

    with pytest.raises(kind):
        shop.push_stock([offer("93", 7)])


def test_variations_of_a_gone_product_are_read_as_gone(
    shop: WooCommerceConnector, web: responses.RequestsMock
) -> None:
    told = refusal("woocommerce_rest_product_variation_invalid_parent", status=404)
    web.get(at("/products/94/variations"), status=404, json=told)

    found = shop.read_stock([ListingRef("95", {"product_id": "95", "parent_id": "94"})])

    assert found == (RemoteStock("95", None, gone=True),)


def test_a_reference_without_a_number_is_gone(shop: WooCommerceConnector) -> None:
    assert shop.read_stock([ListingRef("x", {})]) == (RemoteStock("x", None, gone=True),)
    assert shop.push_stock([offer("x", 1)]).results[0].outcome is PushOutcome.GONE


# -- against the simulated shop --------------------------------------------------------------------


def shelves(rig: Rig) -> WooCommerceSimulator:
    assert isinstance(rig.simulator, WooCommerceSimulator)
    return rig.simulator


def test_variations_are_listed_written_and_read_back(rig: Rig) -> None:
    shelves(rig).shelves.family("Shirt", ["SKU-0", "SKU-1"])
    shop = rig.connector()
    listing = rig.listing(shop, "SKU-1")

    (result,) = shop.push_stock([offered(listing, 5, "k1")]).results

    assert (result.outcome, result.current) == (PushOutcome.ACCEPTED, 5)
    assert shop.read_stock([ref(listing)])[0].quantity == 5
    assert rig.shop.quantity("SKU-1") == 5
    assert listing.parent_key == listing.handles["parent_id"]


def test_an_order_names_the_variation_that_was_sold(rig: Rig) -> None:
    shelves(rig).shelves.family("Shirt", ["SKU-0", "SKU-1"])
    rig.shop.buy([("SKU-1", 1)])
    shop = rig.connector()

    (order,) = rig.orders(shop)

    assert order.lines[0].listing_key == rig.listing(shop, "SKU-1").external_id


def test_stock_kept_by_the_product_is_written_there_for_all(rig: Rig) -> None:
    shelves(rig).shelves.family("Gift", ["SKU-0", "SKU-1"], pooled=True)
    shop = rig.connector()
    both = [rig.listing(shop, sku) for sku in ("SKU-0", "SKU-1")]

    pushed = shop.push_stock([offered(one, 8, f"k{one.sku}") for one in both])
    read = shop.read_stock([ref(one) for one in both])

    assert [one.outcome for one in pushed.results] == [PushOutcome.ACCEPTED] * 2
    assert [one.quantity for one in read] == [8, 8]
    assert shelves(rig).requests["batch"] == 1


def test_what_is_not_counted_is_refused_and_left_alone(rig: Rig) -> None:
    shop = rig.connector()
    listing = rig.listing(shop, "SKU-0")
    shelves(rig).shelves.unmanaged.add(listing.external_id)

    (result,) = shop.push_stock([offered(listing, 5, "k1")]).results

    assert (result.outcome, result.code) == (PushOutcome.REJECTED, "stock_not_managed")
    assert rig.shop.quantity("SKU-0") == 1000
    assert shop.read_stock([ref(listing)])[0].quantity is None
