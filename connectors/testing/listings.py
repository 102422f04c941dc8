"""The catalogue: every listing once, whatever the pages, with the number the channel shows."""

from __future__ import annotations

from connectors.base import Capability
from connectors.records import ListingState
from connectors.testing.rig import Rig, walk


class ListingContract:
    def test_an_empty_catalogue_is_one_empty_page(self, rig: Rig) -> None:
        rig.needs(Capability.LISTINGS)

        pages = list(walk(rig.connector().list_listings))

        assert [page.items for page in pages] == [()]

    def test_every_listing_comes_once_over_several_pages(self, rig: Rig) -> None:
        rig.needs(Capability.LISTINGS)
        skus = rig.stock_up(230)

        listings = rig.listings(rig.connector())

        assert sorted(one.sku for one in listings) == sorted(skus)
        assert len({one.external_id for one in listings}) == 230

    def test_a_listing_says_what_it_shows_and_costs(self, rig: Rig) -> None:
        rig.needs(Capability.LISTINGS)
        rig.shop.add_variant("TEA-1", "Green tea £5", 1999, 41, barcode="5012345678900")

        listing = rig.listing(rig.connector(), "TEA-1")

        assert (listing.quantity, listing.price) == (rig.shows(41), 1999)
        assert listing.currency == "GBP"
        assert listing.title == "Green tea £5"
        assert listing.state is ListingState.ACTIVE

    def test_ended_listings_are_told_too(self, rig: Rig) -> None:
        rig.needs(Capability.LISTINGS)
        rig.stock_up(2)
        rig.shop.end_variant("SKU-1")

        listing = rig.listing(rig.connector(), "SKU-1")

        assert listing.state is not ListingState.ACTIVE

    def test_one_sku_may_be_listed_twice(self, rig: Rig) -> None:
        rig.needs(Capability.LISTINGS)
        rig.shop.add_variant("TWIN", "First", 100, 1)
        rig.shop.add_variant("TWIN", "Second", 100, 2)

        listings = rig.listings(rig.connector())

        assert [one.sku for one in listings] == ["TWIN", "TWIN"]
        assert len({one.external_id for one in listings}) == 2

    def test_what_is_listed_during_the_walk_harms_it_not(self, rig: Rig) -> None:
        rig.needs(Capability.LISTINGS)
        skus = rig.stock_up(230)
        seen: list[str] = []

        for page in walk(rig.connector().list_listings):
            seen += [one.sku for one in page.items]
            if len(seen) < 230:
                rig.shop.add_variant(f"NEW-{len(seen)}", "New", 100, 1)

        assert set(skus) <= set(seen)
        assert len(seen) == len(set(seen))
