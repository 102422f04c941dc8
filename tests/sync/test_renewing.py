"""Tokens that are good for one renewal, and several workers that need a new one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from connectors.errors import AuthError, TransientError
from connectors.records import Credentials, ShopInfo
from connectors.tiktok_shop.simulator import TikTokShopSimulator
from hub.channels import accounts
from hub.db import Database
from hub.secrets import Keyring, Secret
from sync.carrier import AtWork, Carrier
from sync.renewing import Tokens
from tests.pump import World


class Killed(BaseException):
    """The worker is no more."""


@pytest.fixture
def world(open_world: Callable[..., World]) -> World:
    return open_world(channels=("tiktok_shop", "memory"))


@pytest.fixture
def other(world: World) -> Iterator[Carrier]:
    """A second worker's carrier, on sessions of its own."""
    carrier = Carrier(world.carrier.settings, world.database, world.carrier.keyring)
    yield carrier
    carrier.hang_up()


def shop(world: World) -> TikTokShopSimulator:
    found = world.shops["north"]
    assert isinstance(found, TikTokShopSimulator)
    return found


def loaded(world: World, carrier: Carrier) -> AtWork:
    """The account as a worker has loaded it, with the tokens of now."""
    return carrier.at_work(world.seller_id, world.accounts["north"])


def tokens(world: World) -> Tokens:
    return Tokens(world.database, world.carrier.keyring, world.seller_id, world.accounts["north"])


@pytest.fixture
def kept(database: Database, keyring: Keyring, seller: int) -> Callable[[], Tokens]:
    """Connects an account; its shop is not needed. Nobody waits long for its tokens."""

    def connect() -> Tokens:
        given = {"token": Secret("old"), "secret": Secret("old")}
        with database.transaction(seller) as tx:
            new = accounts.NewAccount("memory", f"shop {tx.ids(1)[0]}", given)
            number = accounts.connect(tx, keyring, new)
        return Tokens(database, keyring, seller, number, patience=0.05)

    return connect


def test_two_workers_at_once_renew_once_and_both_go_on(world: World, other: Carrier) -> None:
    for number in range(1, 6):
        workers = [loaded(world, world.carrier), loaded(world, other)]
        shop(world).gate.expire()
        start = Barrier(len(workers))

        def check(work: AtWork, start: Barrier = start) -> ShopInfo:
            start.wait()
            return work.connector.check()

        with ThreadPoolExecutor(len(workers)) as pool:
            found = list(pool.map(check, workers))

        assert found[0].external_id == found[1].external_id
        assert shop(world).requests["Refresh"] == number


def test_a_worker_with_old_tokens_uses_those_another_has_got(world: World, other: Carrier) -> None:
    late = loaded(world, other)
    shop(world).gate.expire()
    loaded(world, world.carrier).connector.check()

    late.connector.check()

    assert shop(world).requests["Refresh"] == 1
    assert late.connector.connection.credentials == tokens(world).stored()


def test_tokens_of_another_that_have_run_out_too_are_renewed(world: World, other: Carrier) -> None:
    late = loaded(world, other)
    shop(world).gate.expire()
    loaded(world, world.carrier).connector.check()
    shop(world).gate.expire()

    late.connector.check()

    assert shop(world).requests["Refresh"] == 2


def test_what_a_person_types_in_meanwhile_is_kept(kept: Callable[[], Tokens]) -> None:
    ours = kept()
    known = ours.stored()
    with ours.database.transaction(ours.seller_id) as tx:
        typed = {"secret": Secret("typed")}
        accounts.renew_credentials(tx, ours.keyring, ours.account_id, typed)

    ours.store(known, known.replace(token="fresh"))  # noqa: S106

    assert dict(ours.stored()) == {"token": "fresh", "secret": "typed"}


def test_tokens_a_person_types_in_meanwhile_are_not_replaced(kept: Callable[[], Tokens]) -> None:
    ours = kept()
    known = ours.stored()
    with ours.database.transaction(ours.seller_id) as tx:
        typed = {"token": Secret("typed")}
        accounts.renew_credentials(tx, ours.keyring, ours.account_id, typed)

    ours.store(known, known.replace(token="fresh"))  # noqa: S106

    assert ours.stored()["token"] == "typed"  # noqa: S105


def test_a_renewal_that_takes_long_holds_up_nobody(kept: Callable[[], Tokens]) -> None:
    ours = kept()

    with ours.alone(), pytest.raises(TransientError) as caught, ours.alone():
        pass

    assert caught.value.retry_after
    with ours.alone() as stored:
        assert stored == ours.stored()


def test_accounts_do_not_wait_for_each_other(kept: Callable[[], Tokens]) -> None:
    ours, theirs = kept(), kept()

    with ours.alone(), theirs.alone() as stored:
        assert stored == theirs.stored()


def test_no_row_is_locked_while_the_channel_takes_its_time(kept: Callable[[], Tokens]) -> None:
    ours = kept()

    with ours.alone(), ours.database.transaction(ours.seller_id) as tx:
        found = accounts.set_mode(tx, ours.account_id, accounts.PAUSED)

    assert found.mode == accounts.PAUSED


def test_a_worker_killed_with_the_new_tokens_in_hand_has_a_person_asked(world: World) -> None:
    def die(fresh: Credentials) -> None:
        raise Killed

    victim = loaded(world, world.carrier).connector
    victim.connection.on_refresh = die
    shop(world).gate.expire()
    with pytest.raises(Killed):
        victim.check()

    world.buy("north", ("MUG", 1))
    world.pump()

    assert world.conflicts().get("auth_expired") == 1
    with pytest.raises(AuthError):
        loaded(world, world.carrier).connector.check()


def test_a_worker_killed_before_it_has_asked_leaves_all_as_it_was(world: World) -> None:
    with pytest.raises(Killed), tokens(world).alone():
        raise Killed
    shop(world).gate.expire()

    loaded(world, world.carrier).connector.check()

    assert shop(world).requests["Refresh"] == 1
