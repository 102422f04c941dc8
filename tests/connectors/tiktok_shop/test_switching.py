"""Where nothing is left: 0 is written, or the product goes off sale and comes back with stock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from connectors.base import Connector
from connectors.errors import TransientError
from connectors.records import Listing, ListingState, PushOutcome, PushResult
from connectors.testing import Rig
from connectors.testing.rig import offer, ref
from connectors.tiktok_shop import CHANNEL
from connectors.tiktok_shop.simulator import TikTokShopSimulator
from connectors.tiktok_shop.stockroom import Stockroom


class Fussy(TikTokShopSimulator):
    """Takes no 0; its seller has chosen what to do then."""

    choice = "deactivate"

    def settings(self) -> dict[str, str]:
        return {"zero_stock": self.choice}


@contextmanager
def open_rig(choice: str = "deactivate", together: int = 1) -> Iterator[Rig]:
    simulator = Fussy(rate=10_000, places=1, takes_zero=False, together=together)
    simulator.choice = choice
    with Rig(CHANNEL, simulator) as rig:
        rig.stock_up(3)
        yield rig


@pytest.fixture
def rig() -> Iterator[Rig]:
    with open_rig() as rig:
        yield rig


def room(rig: Rig) -> Stockroom:
    assert isinstance(rig.simulator, Fussy)
    return rig.simulator.stockroom


def product_status(rig: Rig, listing: Listing) -> str:
    product = listing.parent_key
    return room(rig).status(product, room(rig).variants_of(product))


def push(
    shop: Connector, listing: Listing, quantity: int, expected: int | None = None
) -> PushResult:
    given = offer(listing, quantity, f"{quantity}", expected)
    return shop.push_stock([given]).results[0]


def test_where_0_is_written_its_refusal_is_told(rig: Rig) -> None:
    with open_rig("write") as plain:
        shop = plain.connector()
        listing = plain.listing(shop, "SKU-0")

        result = push(shop, listing, 0)

        assert (result.outcome, result.code) == (PushOutcome.REJECTED, "12052055")
        assert product_status(plain, listing) == "ACTIVATE"


def test_what_has_run_out_goes_off_sale_and_shows_nothing(rig: Rig) -> None:
    shop = rig.connector()
    listing = rig.listing(shop, "SKU-0")

    result = push(shop, listing, 0)

    assert result.outcome is PushOutcome.ACCEPTED
    assert product_status(rig, listing) == "SELLER_DEACTIVATED"
    assert shop.read_stock([ref(listing)])[0].quantity == 0
    shown = rig.listing(shop, "SKU-0")
    assert (shown.quantity, shown.state) == (0, ListingState.ACTIVE)


def test_the_others_stay_on_sale(rig: Rig) -> None:
    shop = rig.connector()
    gone, *others = rig.listings(shop)

    pushed = shop.push_stock([offer(gone, 0, "1"), *(offer(one, 4, "2") for one in others)])

    assert {one.outcome for one in pushed.results} == {PushOutcome.ACCEPTED}
    assert [one.quantity for one in shop.read_stock([ref(one) for one in others])] == [4, 4]


def test_off_twice_is_off(rig: Rig) -> None:
    shop = rig.connector()
    listing = rig.listing(shop, "SKU-0")
    push(shop, listing, 0)

    assert push(shop, listing, 0).outcome is PushOutcome.ACCEPTED


def test_new_stock_puts_it_on_sale_again(rig: Rig) -> None:
    shop = rig.connector()
    listing = rig.listing(shop, "SKU-0")
    push(shop, listing, 0)

    result = push(shop, listing, 7, expected=0)

    assert result.outcome is PushOutcome.ACCEPTED
    assert product_status(rig, listing) == "ACTIVATE"
    assert shop.read_stock([ref(listing)])[0].quantity == 7


def test_what_is_being_audited_is_tried_again(rig: Rig) -> None:
    room(rig).audits = True
    shop = rig.connector()
    listing = rig.listing(shop, "SKU-0")
    push(shop, listing, 0)

    waiting = push(shop, listing, 7, expected=0)
    room(rig).approve()
    done = push(shop, listing, 7, expected=0)

    assert (waiting.outcome, done.outcome) == (PushOutcome.RETRY, PushOutcome.ACCEPTED)
    assert rig.shop.quantity("SKU-0") == 7


def test_a_product_that_shows_stock_is_not_switched_on(rig: Rig) -> None:
    shop = rig.connector()
    listing = rig.listing(shop, "SKU-0")

    push(shop, listing, 7, expected=1000)

    assert rig.simulator.requests["Activate"] == 0


def test_a_product_that_is_gone_is_told_as_gone(rig: Rig) -> None:
    shop = rig.connector()
    listing = rig.listing(shop, "SKU-0")
    rig.shop.remove_variant("SKU-0")

    assert push(shop, listing, 0).outcome is PushOutcome.GONE
    assert push(shop, listing, 3).outcome is PushOutcome.GONE


def test_variants_of_a_product_are_not_switched_off() -> None:
    with open_rig(together=3) as rig:
        shop = rig.connector()
        listing = rig.listing(shop, "SKU-0")

        result = push(shop, listing, 0)

        assert (result.outcome, result.code) == (PushOutcome.REJECTED, "12052055")
        assert product_status(rig, listing) == "ACTIVATE"


def test_what_was_switched_stays_known_when_the_numbers_fail(rig: Rig) -> None:
    shop = rig.connector()
    gone, other, _ = rig.listings(shop)
    rig.simulator.faults.next("rate_limited", where="SetStock")

    pushed = shop.push_stock([offer(gone, 0, "1"), offer(other, 4, "2", 9)])

    assert [one.outcome for one in pushed.results] == [PushOutcome.ACCEPTED, PushOutcome.RETRY]


def test_a_switch_that_was_throttled_is_raised(rig: Rig) -> None:
    shop = rig.connector()
    listing = rig.listing(shop, "SKU-0")
    rig.simulator.faults.next("rate_limited", where="Deactivate")

    with pytest.raises(TransientError):
        push(shop, listing, 0)
