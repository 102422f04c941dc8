"""An older backup is put back while the shops have gone on selling: nothing is counted twice.

It is dumped and restored by PostgreSQL's own programs, as docs/operations.md says, and what that
page says to do afterwards is what is done here.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from hub import migrating
from hub.channels.accounts import SHADOW
from hub.channels.accounts import accounts as all_accounts
from hub.inventory import keys, products
from hub.sales import delivering
from servers import accounts, binaries
from servers.postgres import Postgres
from sync.carrier import Carrier
from sync.restoring import hold
from tests.database import opened
from tests.pump import World
from tests.rig import Rig
from tests.sync.test_event_list import pool

Open = Callable[..., World]
SEVERAL_HOURS = 20_000


@dataclass
class Vault:
    """Dumps of a world's database, and worlds that go on from one. ``stack`` ends them."""

    server: Postgres
    name: str
    folder: Path
    stack: ExitStack

    def back_up(self) -> Path:
        file = self.folder / "hub.dump"
        self._run("pg_dump", "--format=custom", f"--file={file}", self._url(self.name))
        return file

    def put_back(self, world: World, dump: Path) -> World:
        """The same shops, with a hub that knows nothing of what has happened since. Webhooks were
        taken in by the hub that was lost, and nobody sends them again."""
        world.doorway.shut = True
        name = f"{self.name}_restored"
        self.server.create_database(name)
        self.stack.callback(self.server.drop_database, name)
        as_owner = ("--no-owner", "--role=hub_owner", "--exit-on-error")
        self._run("pg_restore", *as_owner, f"--dbname={self._url(name)}", str(dump))
        revision = migrating.upgrade(
            self.server.url("hub_owner", name), self.server.url("hub", name)
        )
        assert revision == migrating.head()
        database = self.stack.enter_context(opened(self.server.url("hub", name)))
        carrier = Carrier(world.carrier.settings, database, world.carrier.keyring)
        self.stack.callback(carrier.close)
        return replace(world, carrier=carrier)

    def _url(self, database: str) -> str:
        """As the superuser: row security holds for the owner too, and a dump must see all."""
        return self.server.url("postgres", database).replace("+psycopg", "", 1)

    def _run(self, program: str, *arguments: str) -> None:
        found = binaries.postgres(accounts.named(accounts.for_servers()))
        subprocess.run([found.executable.with_name(program), *arguments], check=True)


@pytest.fixture
def vault(servers: Rig, database_name: str, tmp_path: Path) -> Iterator[Vault]:
    if servers.postgres is None:
        pytest.skip("a server that is named is dumped with its own tools")
    with ExitStack() as stack:
        yield Vault(servers.postgres, database_name, tmp_path, stack)


def modes(world: World) -> set[str]:
    with world.database.transaction(world.seller_id) as tx:
        return {one.mode for one in all_accounts(tx)}


def goes_on(world: World) -> tuple[str, str, str]:
    """What the shops sell after the backup, and what a person adjusts: all of it is known to the
    hub that is lost. Aprons sell out. Answers an order of each shop, and one that is called off."""
    north = world.buy("north", ("MUG", 3))
    south = world.buy("south", ("MUG", 2), ("APRON", 10))
    cancelled = world.buy("north", ("BOARD", 4))
    world.adjust("BOARD", 5)
    world.pump()
    world.shops["north"].shop.cancel(cancelled)
    world.later()
    assert world.shown("BOARD") == {"north": 15, "south": 15}
    world.agrees()
    return north, south, cancelled


@pytest.mark.parametrize("held", [True, False], ids=["in shadow first", "live at once"])
def test_orders_since_the_backup_count_once_nothing_is_sold_twice_and_the_shops_come_to_agree(
    world: World, vault: Vault, held: bool
) -> None:
    early = world.buy("north", ("MUG", 1))
    world.pump()
    backup = vault.back_up()
    north, south, cancelled = goes_on(world)

    restored = vault.put_back(world, backup)
    if held:
        assert len(hold(restored.database, [restored.seller_id])) == 2
        assert modes(restored) == {SHADOW}
        before = {name: restored.writes(name) for name in restored.shops}
        restored.later(SEVERAL_HOURS)
        assert {name: restored.writes(name) for name in restored.shops} == before
        restored.go_live()
    restored.later(SEVERAL_HOURS)
    restored.later()

    assert set(restored.orders("north")) == {early, north, cancelled}
    assert restored.orders("north")[cancelled] == "cancelled"
    assert set(restored.orders("south")) == {south}
    assert "oversold" not in restored.conflicts()
    # Aprons stay sold out; what was adjusted by hand is gone, and the shops show what the hub has.
    for sku, left in {"MUG": 4, "APRON": 0, "BOARD": 10}.items():
        assert restored.available(sku) == left
        assert restored.shown(sku) == {"north": left, "south": left}
    restored.agrees()
    restored.check()


def test_keys_that_may_have_been_given_out_since_are_taken_out_before_any_order_is_read(
    open_world: Open, vault: Vault
) -> None:
    world = open_world(goods={"GAME": 0})
    pool(world, "GAME", "K-1", "K-2", "K-3")
    world.pump()
    first = bought(world, "south")
    backup = vault.back_up()
    second, third = bought(world, "south"), bought(world, "north")
    given = [has_key(world, *one) for one in (first, second, third)]
    assert given == ["K-1", "K-2", "K-3"]

    restored = vault.put_back(world, backup)
    with restored.database.transaction(restored.seller_id) as tx:
        product = products.product_id(tx, "GAME")
        keys.withdraw(tx, restored.carrier.keyring, product, ["K-2", "K-3"])
    restored.later(SEVERAL_HOURS)
    pool(restored, "GAME", "K-4", "K-5")
    restored.later()

    assert has_key(restored, *first) == "K-1"
    assert {has_key(restored, *one) for one in (second, third)} == {"K-4", "K-5"}
    restored.check()


def bought(world: World, shop: str) -> tuple[str, str]:
    order = world.buy(shop, ("GAME", 1))
    world.pump()
    return shop, order


def has_key(world: World, shop: str, order: str) -> str:
    """The one key of an order, by its number at its shop."""
    found = world.query(
        "SELECT id FROM sales_order WHERE account_id = :a AND external_id LIKE :end",
        a=world.accounts[shop],
        end=f"%/{order}",
    )
    with world.database.transaction(world.seller_id) as tx:
        (key,) = delivering.keys_of_order(tx, world.carrier.keyring, int(found[0][0]))
    return key.key.reveal()
