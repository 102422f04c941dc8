"""Two that write one listing, and neither knows of the other: no going to and fro for ever."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hub.channels.contested import MOST
from hub.inventory import products
from tests.pump import World

Open = Callable[..., World]


@pytest.fixture
def hubs(open_world: Open, other_seller: int) -> tuple[World, World]:
    """Two installations with the same shop, each with its own idea of the stock."""
    one = open_world(channels=("shopify",), goods={"MUG": 10}, readback=30.0)
    with one.database.transaction(other_seller) as tx:
        place = products.add_location(tx, "MAIN", "Main warehouse")
    other = World(one.carrier, other_seller, place, one.doorway)
    other.connect("north", one.shops["north"], "shopify")
    assert other.ask("north", "listings", {"create": True}).state == "done"
    other.stock({"MUG": 7})
    other.go_live()
    other.pump()
    return one, other


def test_two_hubs_at_one_shop_do_not_write_over_each_other_for_ever(
    hubs: tuple[World, World],
) -> None:
    one, other = hubs
    before = one.writes("north")

    for _ in range(9):
        one.later(200)
        other.later(200)

    assert one.writes("north") - before <= 2 * MOST + 2
    left = {10: other, 7: one}[one.shown("MUG")["north"]]
    assert left.query("SELECT kind, severity, state FROM conflict") == [
        ("stock_drift", "high", "open")
    ]
    one.adjust("MUG", -4)  # what changes here is told all the same
    one.pump()
    assert one.shown("MUG")["north"] == 6
