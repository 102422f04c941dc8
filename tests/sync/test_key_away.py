"""A worker that lacks the key an account was sealed with: the account stands still, a person is
told, and it goes on by itself once the key is there."""

from __future__ import annotations

import pytest

from hub.channels import flows, sealed
from hub.secrets import Keyring, Undecryptable
from sync.carrier import Carrier
from sync.jobs import HANDLERS
from tests.pump import World


def keyless(world: World) -> Carrier:
    """One that was started with another key, as after an old one was taken away too early."""
    return Carrier(world.carrier.settings, world.database, Keyring({"other": b"o" * 32}))


@pytest.mark.parametrize("topic", [flows.PULL, flows.PUSH])
def test_an_account_whose_key_is_away_stands_still_and_a_person_is_told(
    world: World, topic: str
) -> None:
    world.buy("north", ("MUG", 1))
    world.query("UPDATE listing SET desired_version = desired_version + 1 RETURNING 1")
    blind, north = keyless(world), world.accounts["north"]
    asked = world.shops["north"].requests.total()

    with pytest.raises(Undecryptable):
        HANDLERS[topic](blind, world.seller_id, north)

    for name in (flows.PULL, flows.PUSH):
        state = world.flow("north", name)
        assert (state.health, state.last_error) == (flows.REAUTHORISE, sealed.SAID)
        assert HANDLERS[name](blind, world.seller_id, north) == 0
    assert world.conflicts() == {"auth_expired": 1}
    assert world.flow("south", flows.PULL).health == "healthy"
    assert world.shops["north"].requests.total() == asked
    blind.close()


def test_once_the_key_is_back_it_goes_on_and_nothing_is_lost(world: World) -> None:
    key = world.buy("north", ("MUG", 1))
    blind = keyless(world)
    with pytest.raises(Undecryptable):
        HANDLERS[flows.PULL](blind, world.seller_id, world.accounts["north"])
    blind.close()

    world.later(sealed.PROBE + 60)

    assert list(world.orders("north")) == [key]
    assert {world.flow("north", name).health for name in flows.FLOWS} == {"healthy"}
    assert world.conflicts() == {}
    world.agrees()
