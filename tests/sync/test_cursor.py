"""The cursor is saved with its page: a worker that dies between two statements loses nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine

from hub.channels import flows
from hub.db import Database, Transaction
from sync import pull
from sync.carrier import Carrier
from tests.pump import World

Open = Callable[..., World]


class Crash(Exception):
    """The worker dies here."""


class Mortal(Database):
    """Dies at a transaction's end: before COMMIT, or right after it."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.left = 0
        self.after = False

    def die_in(self, transactions: int, *, after: bool) -> None:
        self.left, self.after = transactions, after

    @contextmanager
    def transaction(self, seller_id: int) -> Iterator[Transaction]:
        with super().transaction(seller_id) as tx:
            yield tx
            self.left -= 1
            if self.left == 0 and not self.after:
                raise Crash
        if self.left == 0 and self.after:
            raise Crash


@pytest.mark.parametrize("after", [False, True], ids=["before commit", "after commit"])
def test_a_worker_that_dies_between_pages_loses_and_doubles_nothing(
    open_world: Open, database: Database, after: bool
) -> None:
    mortal = Mortal(database.engine)
    world = open_world(
        database=mortal, goods={"MUG": 500}, channels=("shopify",), webhooks=False, readback=60.0
    )
    north, keys = world.accounts["north"], []
    for transactions in (1, 3, 4, 5):  # the claim; the first page; the second; the lease back
        keys += [world.buy("north", ("MUG", 1)) for _ in range(60)]
        world.later(150)
        mortal.die_in(transactions, after=after)

        keys.append(world.buy("north", ("MUG", 1)))
        with pytest.raises(Crash):
            pull.pull(world.carrier, world.seller_id, north)

        world.later(150)
        assert sorted(world.orders("north")) == keys
    assert world.available("MUG") == 500 - len(keys)
    world.check()


def test_a_page_and_its_cursor_go_in_together_or_not_at_all(
    open_world: Open, database: Database
) -> None:
    mortal = Mortal(database.engine)
    world = open_world(
        database=mortal, goods={"MUG": 500}, channels=("shopify",), webhooks=False, readback=60.0
    )
    keys = [world.buy("north", ("MUG", 1)) for _ in range(60)]
    before = world.flow("north", flows.PULL).cursor

    mortal.die_in(3, after=False)
    with pytest.raises(Crash):
        pull.pull(world.carrier, world.seller_id, world.accounts["north"])
    assert world.orders("north") == {}
    assert world.flow("north", flows.PULL).cursor == before

    world.query("UPDATE flow SET lease_until = '-infinity' RETURNING 1")
    mortal.die_in(3, after=True)
    with pytest.raises(Crash):
        pull.pull(world.carrier, world.seller_id, world.accounts["north"])
    assert sorted(world.orders("north")) == keys[:50]
    cursor = world.flow("north", flows.PULL).cursor
    assert cursor
    assert cursor["token"]

    world.query("UPDATE flow SET lease_until = '-infinity' RETURNING 1")
    assert pull.pull(world.carrier, world.seller_id, world.accounts["north"])
    assert sorted(world.orders("north")) == keys


def test_a_zombie_whose_lease_ran_out_moves_no_cursor(world: World) -> None:
    north = world.shops["north"]
    world.buy("north", ("MUG", 1))
    rival = Carrier(world.carrier.settings, world.database, world.carrier.keyring)

    def overtake() -> None:
        world.query("UPDATE flow SET lease_until = '-infinity' RETURNING 1")
        assert pull.pull(rival, world.seller_id, world.accounts["north"])
        world.buy("north", ("MUG", 1))

    north.meanwhile(overtake, "Orders")

    assert not pull.pull(world.carrier, world.seller_id, world.accounts["north"])

    rival.lines.clear()
    assert world.flow("north", flows.PULL).health == "healthy"
    world.later(60)
    assert len(world.orders("north")) == 2
    world.agrees()
