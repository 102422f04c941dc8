"""A number that moved under us is explained by orders, though the job's slice is long over."""

from __future__ import annotations

from collections.abc import Callable
from time import sleep

from hub.channels import flows, pushing
from sync import push
from sync.lanes import LIVE, sliced
from tests.pump import World

ORDERS = 60


def test_a_push_reads_all_the_orders_that_explain_it(open_world: Callable[..., World]) -> None:
    world = open_world(goods={"MUG": 100, "APRON": 10}, webhooks=False)
    for _ in range(ORDERS):
        world.buy("north", ("MUG", 1))
    world.adjust("MUG", 5)

    with sliced(LIVE, 0.0):
        sleep(0.01)
        push.derive(world.carrier, world.seller_id)

    assert len(world.orders("north")) == ORDERS
    world.pump()
    assert world.shown("MUG")["north"] == world.available("MUG") == 105 - ORDERS


def test_a_number_that_cannot_be_explained_yet_is_tried_again_soon(
    open_world: Callable[..., World],
) -> None:
    world = open_world(goods={"MUG": 100}, webhooks=False)
    north = world.accounts["north"]
    world.adjust("MUG", 5)
    with world.database.transaction(world.seller_id) as tx:
        # Somebody else reads the orders, and is long at it.
        assert flows.claim(tx, north, flows.PULL, 3_600.0)
    for _ in range(8):
        world.buy("north", ("MUG", 1))
        world.later(3.0)
    tried = "SELECT attempts, extract(epoch FROM next_at - now())::float8 FROM listing"
    ((attempts, again_in),) = world.query(f"{tried} WHERE account_id = :a", a=north)

    assert attempts == pushing.MOVES
    assert again_in <= push.MOVED_IN
