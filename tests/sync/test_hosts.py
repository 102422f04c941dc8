"""Hosts that are cut off from the network: what they leave behind is gone within seconds, others go
on, and what comes back when they are joined again does no harm."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from hub import migrating
from hub.channels import flows
from hub.channels.flows import PUSH
from hub.db import Database
from hub.secrets import Keyring
from hub.seller import create_seller
from servers.postgres import PORT, Postgres
from servers.valkey import Valkey
from sync import pull
from sync.carrier import Carrier
from sync.clock import Clock
from sync.simulating import Buyers
from tests import pump
from tests.database import opened
from tests.pump import World, eventually
from tests.rig import Rig
from tests.sync import network
from tests.sync.cable import Cable
from tests.sync.premises import KEYS
from tests.sync.test_bad_days import GOODS, check_the_ledger
from tests.sync.test_clock import Noted, leaders

Open = Callable[..., World]
#: What a host leaves behind is gone within ten seconds; a machine that does other things as well
#: may take half as long again.
GONE_WITHIN = 15.0
FREE = "SELECT 1 FROM flow WHERE flow = 'push' FOR UPDATE SKIP LOCKED"


@pytest.fixture
def cable(servers: Rig, tmp_path: Path) -> Iterator[Cable]:
    if servers.postgres is None:
        pytest.skip("needs a PostgreSQL of our own: the cable to it is cut")
    name = f".s.PGSQL.{PORT}"
    with Cable(str(tmp_path / name), str(servers.postgres.place.run / name)) as made:
        yield made


@pytest.fixture
def address(cable: Cable, servers: Rig, database_name: str, tmp_path: Path) -> str:
    """The database as the far host knows it."""
    assert servers.postgres is not None
    return servers.app_url(database_name).replace(str(servers.postgres.place.run), str(tmp_path))


@dataclass
class Host:
    """A host at the end of the cable: it pulls, it writes, and its clock leads."""

    world: World
    database: Database
    clock: Clock
    joined: Event = field(default_factory=Event)
    reached: Event = field(default_factory=Event)
    locked: Event = field(default_factory=Event)
    pulled: list[bool] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def work(self) -> list[Thread]:
        world = self.world
        world.shops["north"].meanwhile(self._asked, "pull_orders")
        threads = [Thread(target=one) for one in (self._pull, self._write, self.clock.run)]
        for one in threads:
            one.start()
        return threads

    def _asked(self) -> None:
        self.reached.set()
        self.joined.wait(60)

    def _pull(self) -> None:
        carrier = Carrier(self.world.carrier.settings, self.database, self.world.carrier.keyring)
        carrier.keeper.start()
        north = self.world.accounts["north"]
        self.pulled.append(pull.pull(carrier, self.world.seller_id, north))
        carrier.keeper.close()
        carrier.hang_up()

    def _write(self) -> None:
        try:
            with self.database.transaction(self.world.seller_id) as tx:
                flows.lock(tx, self.world.accounts["north"], PUSH)
                self.locked.set()
                self.joined.wait(60)
        except (DBAPIError, psycopg.Error) as error:
            self.failed.append(type(error).__name__)


@pytest.mark.timeout(120)
def test_a_host_that_is_cut_off_in_mid_job_holds_nobody_up_for_long(
    open_world: Open, address: str, cable: Cable, database: Database, servers: Rig,
    database_name: str, record_property: Callable[[str, Any], None],
) -> None:  # fmt: skip
    world = open_world(channels=("memory",), webhooks=False)
    world.buy("north", ("MUG", 1))
    stop, direct = Event(), servers.app_url(database_name)
    ours = Clock(direct, database, Noted(), 60.0, stop)
    with opened(address) as far:
        host = Host(world, far, Clock(address, far, Noted(), 60.0, stop))
        threads = host.work()
        eventually(lambda: bool(leaders(direct)), 20, "its clock leads")
        assert host.reached.wait(20)
        assert host.locked.wait(20)
        led = leaders(direct)
        threads.append(Thread(target=ours.run))
        threads[-1].start()

        cable.cut()
        waited = taken_over(
            {
                "job": lambda: pull.pull(world.carrier, world.seller_id, world.accounts["north"]),
                "lock": lambda: bool(world.query(FREE)),
                "clock": lambda: leaders(direct) not in ([], led),
            }
        )
        cable.join()
        host.joined.set()
        leads = leaders(direct)
        for one in threads[:2]:
            one.join(30)
        sleep(0.3)
        still = leaders(direct)
        stop.set()
        for one in threads:
            one.join(30)

    record_property("waited", waited)
    assert max(waited.values()) < GONE_WITHIN, waited
    assert host.pulled == [False]
    assert len(host.failed) == 1
    assert leads == still
    assert len(world.orders("north")) == 1
    world.check()


def taken_over(signs: dict[str, Callable[[], bool]]) -> dict[str, float]:
    """Seconds until each is so."""
    began, waited = monotonic(), dict[str, float]()
    while len(waited) < len(signs):
        for name, holds in signs.items():
            if name not in waited and holds():
                waited[name] = monotonic() - began
        assert monotonic() - began < 3 * GONE_WITHIN, f"after so long only {waited}"
        sleep(0.1)
    return waited


# -- real hosts -----------------------------------------------------------------------------------

CUTS = 8
#: From a cut to a new order of the other shop's being in the ledger, whoever was cut off.
TAKEN_IN_WITHIN = 30.0
SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE host(client_addr) = ANY(%s)"


@dataclass
class Installation:
    """Servers and shops in the middle, and hosts around them."""

    postgres: Postgres
    world: World
    hosts: list[network.Host]
    settings: dict[str, str]

    def keep(self) -> None:
        for host in self.hosts:
            host.keep(self.settings)

    def sessions(self, hosts: Sequence[network.Host]) -> int:
        """Of these hosts, as the database still sees them."""
        with self.postgres._superuser() as boss:
            found = boss.execute(SESSIONS, ([one.address for one in hosts],)).fetchone()
        return int(found[0]) if found else 0

    def logs(self) -> str:
        home = self.hosts[0].home
        return "\n".join(one.read_text()[-2_000:] for one in home.glob("*.log"))


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with ExitStack() as stack:
        hosts = stack.enter_context(network.bridged(3, tmp_path))
        listening = {"listen_addresses": network.CENTRE, "synchronous_commit": "on"}
        postgres = stack.enter_context(Postgres(tmp_path, throwaway=True, options=listening))
        open_to_all = {"port": "6379", "bind": network.CENTRE, "protected-mode": "no"}
        stack.enter_context(Valkey(tmp_path, throwaway=True, options=open_to_all))
        rules = f"local all all peer map=hub\nhost all hub {network.NET}.0/24 trust\n"
        postgres.place.write(postgres.place.data / "pg_hba.conf", rules)
        os.kill(postgres.pid, signal.SIGHUP)
        postgres.create_database("hub")
        app_url = postgres.url("hub", "hub")
        migrating.upgrade(postgres.url("hub_owner", "hub"), app_url)
        database = stack.enter_context(opened(app_url))
        keyring = Keyring.parse(KEYS)
        seller_id = create_seller(database, "Anna's Outdoor Shop", "GBP")
        world = stack.enter_context(pump.world(database, keyring, seller_id, tmp_path, goods=GOODS))
        stack.enter_context(network.shops_reached(world, hosts))
        settings = {
            "DATABASE_URL": f"postgresql+psycopg://hub@{network.CENTRE}:{PORT}/hub",
            "REDIS_URL": f"redis://{network.CENTRE}:6379/0",
            "HUB_HOME": str(tmp_path),
            "HUB_LOOPBACK": ",".join(one.address for one in world.shops.values()),
            "HUB_SECRET_KEYS": KEYS,
            "HUB_READBACK_SECONDS": "0.5",
            "HUB_PULL_SECONDS": "3",
            "HUB_SWEEP_SECONDS": "0.5",
            "HUB_LOG_LEVEL": "WARNING",
        }
        yield Installation(postgres, world, hosts, settings)


def cut_off(place: Installation, gone: Sequence[network.Host]) -> tuple[float, float]:
    """Seconds until nothing of these hosts is left in the database, and until an order placed right
    after the cut is in the ledger."""
    world = place.world
    for host in gone:
        host.cut()
    key = world.buy("north", (_on_sale(world), 1))

    def taken_in() -> bool:
        place.keep()  # a worker that was cut off before may leave now
        return key in world.orders("north")

    waited = taken_over({"gone": lambda: place.sessions(gone) == 0, "order": taken_in})
    return waited["gone"], waited["order"]


def _on_sale(world: World) -> str:
    return next(one.sku for one in world.shops["north"].shop.variants if one.quantity > 0)


@pytest.mark.soak
@pytest.mark.timeout(1_800)
@pytest.mark.skipif(not network.possible(), reason="needs root and network namespaces")
@pytest.mark.parametrize("seed", range(3))
def test_hosts_cut_off_and_joined_again_lose_double_and_oversell_nothing(
    installation: Installation, record_property: Callable[[str, Any], None], seed: int
) -> None:
    place, world, chance = installation, installation.world, Random(seed)
    place.keep()
    eventually(lambda: place.sessions(place.hosts) >= 9, 120, "the hosts are at work", 0.5)
    buyers = Buyers({n: one.shop for n, one in world.shops.items()}, pause=1.0, seed=seed)
    buyers.start()
    waits: list[tuple[float, float]] = []
    for _ in range(CUTS):
        sleep(chance.uniform(1.0, 4.0))
        gone = chance.sample(place.hosts, chance.choice([1, 1, 2]))
        waits.append(cut_off(place, gone))
        sleep(chance.uniform(0.0, 5.0))
        for host in gone:
            host.join()
        place.keep()
    buyers.stop()

    def agreed() -> bool:
        place.keep()
        return world.picture().converged

    settled = eventually(agreed, 180, "shops and hub agree", 0.5)

    gone_in, orders_in = (sorted(one) for one in zip(*waits, strict=True))
    told = f"sessions gone after {_said(gone_in)} s, orders in after {_said(orders_in)} s"
    record_property("told", f"{CUTS} cuts (seed {seed}): {told}; all agreed {settled:.1f} s later")
    assert max(gone_in) < GONE_WITHIN
    assert max(orders_in) < TAKEN_IN_WITHIN
    check_the_ledger(world)


def _said(waits: Sequence[float]) -> str:
    return ", ".join(f"{one:.1f}" for one in waits)
