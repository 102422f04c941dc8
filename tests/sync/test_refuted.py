"""A refusal of the moment: once the channel takes the account's credentials, nothing is held."""

from __future__ import annotations

import pytest

from hub.channels import flows
from sync import pull
from tests.pump import World


@pytest.mark.parametrize("operation", ["SetStock", "Stock"])
def test_one_refusal_holds_nothing_up_once_orders_can_be_read_again(
    world: World, operation: str
) -> None:
    world.shops["north"].faults.next("unauthorized", 1, operation)
    world.adjust("MUG", 5)
    world.pump()
    assert world.conflicts() == {"auth_expired": 1}

    assert pull.pull(world.carrier, world.seller_id, world.accounts["north"])
    world.pump()

    assert world.conflicts() == {}
    assert world.shown("MUG") == {"north": 15, "south": 15}
    assert world.flow("north", flows.PUSH).health == "healthy"
    assert world.flow("north", flows.CHECK).health == "healthy"
    world.agrees()
