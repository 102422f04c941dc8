"""Stock: what is pushed is read, item by item; an old belief overwrites nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.base import Capability, StockWrite
from connectors.records import ListingRef, PushOutcome
from connectors.testing.rig import Rig, offer, ref


def described(rig: Rig) -> StockWrite:
    rig.needs(Capability.STOCK_PUSH, Capability.STOCK_READ, Capability.LISTINGS)
    assert rig.channel.stock is not None
    return rig.channel.stock


class StockContract:
    @pytest.mark.parametrize("quantity", [0, 1, 99_999])
    def test_what_is_pushed_is_shown_and_read_back(self, rig: Rig, quantity: int) -> None:
        described(rig)
        rig.stock_up()
        connector = rig.connector()
        listing = rig.listing(connector, "SKU-0")

        (result,) = connector.push_stock([offer(listing, quantity, "k1", 1000)]).results
        (read,) = connector.read_stock([ref(listing)])

        assert (result.key, result.outcome) == (listing.external_id, PushOutcome.ACCEPTED)
        shown = rig.shows(quantity)
        assert (read.key, read.quantity, read.gone) == (listing.external_id, shown, False)
        assert rig.shop.quantity("SKU-0") == shown

    def test_nothing_to_push_or_read_is_nothing(self, rig: Rig) -> None:
        described(rig)
        connector = rig.connector()

        assert connector.push_stock([]).results == ()
        assert connector.read_stock([]) == ()

    def test_a_full_batch_goes_in_one_push(self, rig: Rig) -> None:
        batch = min(described(rig).batch, 250)
        rig.stock_up(batch)
        connector = rig.connector()
        listings = rig.listings(connector)

        pushed = connector.push_stock(
            [offer(one, n, f"k{n}", 1000) for n, one in enumerate(listings)]
        )

        assert [one.outcome for one in pushed.results] == [PushOutcome.ACCEPTED] * batch
        assert [one.key for one in pushed.results] == [one.external_id for one in listings]
        shown = [rig.shows(n) for n in range(batch)]
        assert [rig.shop.quantity(one.sku) for one in listings] == shown

    def test_a_bad_item_fails_alone(self, rig: Rig) -> None:
        if described(rig).batch < 3:
            pytest.skip("one at a time")
        rig.stock_up(3)
        connector = rig.connector()
        first, gone, third = rig.listings(connector)
        rig.shop.remove_variant(gone.sku)

        pushed = connector.push_stock(
            [offer(first, 5, "k1"), offer(gone, 6, "k2"), offer(third, 0, "k3")]
        )

        assert [one.outcome for one in pushed.results] == [
            PushOutcome.ACCEPTED,
            PushOutcome.GONE,
            PushOutcome.ACCEPTED,
        ]
        assert (rig.shop.quantity(first.sku), rig.shop.quantity(third.sku)) == (rig.shows(5), 0)

    def test_less_than_nothing_is_refused_alone(self, rig: Rig) -> None:
        if described(rig).batch < 2:
            pytest.skip("one at a time")
        rig.stock_up(2)
        connector = rig.connector()
        first, second = rig.listings(connector)

        pushed = connector.push_stock([offer(first, -1, "k1"), offer(second, 4, "k2")])

        assert [one.outcome for one in pushed.results] == [
            PushOutcome.REJECTED,
            PushOutcome.ACCEPTED,
        ]

    def test_a_stale_belief_is_answered_with_the_truth(self, rig: Rig) -> None:
        if not described(rig).compare_and_set:
            pytest.skip("does not compare")
        rig.stock_up(2, quantity=10)
        connector = rig.connector()
        stale, fresh = rig.listings(connector)
        rig.shop.buy([(stale.sku, 3)])

        pushed = connector.push_stock([offer(stale, 20, "k1", 10), offer(fresh, 20, "k2", 10)])

        assert [(one.outcome, one.current) for one in pushed.results] == [
            (PushOutcome.STALE, 7),
            (PushOutcome.ACCEPTED, 20),
        ]
        assert rig.shop.quantity(stale.sku) == 7

    def test_a_retry_is_not_a_second_write(self, rig: Rig) -> None:
        if not described(rig).idempotent:
            pytest.skip("has no idempotency")
        rig.stock_up(1, quantity=10)
        connector = rig.connector()
        (listing,) = rig.listings(connector)
        given = [offer(listing, 20, "k1")]

        connector.push_stock(given)
        rig.shop.buy([(listing.sku, 5)])
        (result,) = rig.connector().push_stock(given).results

        assert result.outcome is PushOutcome.ACCEPTED
        assert rig.shop.quantity(listing.sku) == 15

    def test_a_new_key_is_a_new_write(self, rig: Rig) -> None:
        described(rig)
        rig.stock_up(1, quantity=10)
        connector = rig.connector()
        (listing,) = rig.listings(connector)
        given = offer(listing, 20, "k1")

        connector.push_stock([given])
        rig.shop.buy([(listing.sku, 5)])
        connector.push_stock([replace(given, idempotency_key="k2")])

        assert rig.shop.quantity(listing.sku) == rig.shows(20)

    def test_what_is_gone_is_told_as_gone(self, rig: Rig) -> None:
        described(rig)
        rig.stock_up(2)
        connector = rig.connector()
        here, gone = rig.listings(connector)
        rig.shop.remove_variant(gone.sku)

        read = connector.read_stock([ref(gone), ref(here)])

        assert [(one.key, one.gone) for one in read] == [
            (gone.external_id, True),
            (here.external_id, False),
        ]

    def test_more_is_read_than_fits_one_request(self, rig: Rig) -> None:
        described(rig)
        rig.stock_up(260)
        connector = rig.connector()
        listings = rig.listings(connector)

        read = connector.read_stock([ListingRef(one.external_id, one.handles) for one in listings])

        assert [one.quantity for one in read] == [rig.shows(1000)] * 260
