"""The demo: a seller with two shops that share stock, from nothing to orders in and stock out."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from connectors.simulators.server import Simulator
from connectors.simulators.shop import Shop
from hub import auth, logs
from hub.channels import accounts, flows, listings, requests
from hub.config import Settings, settings
from hub.db import Transaction
from hub.errors import HubError
from hub.inventory import adjusting, products
from hub.secrets import Secret
from hub.seller import create_seller
from servers import process, state
from servers.errors import ServersError
from sync.carrier import Carrier
from sync.convergence import Picture, picture
from sync.premises import Premises
from sync.replay import Recount, Row, play, read_invoices
from sync.simulating import Buyers, open_shop, stock_shop

VARIANTS = 20
BEFORE = 6
PURCHASES = 60
PATIENCE = 120.0
out = Console()


@dataclass(slots=True)
class Shops:
    """The seller, the simulated shops and their accounts."""

    seller_id: int
    location_id: int
    simulators: Mapping[str, Simulator]
    accounts: Mapping[str, int]

    @property
    def pairs(self) -> dict[str, tuple[int, Shop]]:
        return {name: (self.accounts[name], s.shop) for name, s in self.simulators.items()}


def run(*, once: bool, data: Path | None, limit: int) -> int:
    """The exit code: 0 only if hub and shops agree at the end."""
    if data is not None:
        return run_replay(data, speed=0.0, limit=limit)
    return _guarded(lambda premises: _story(premises, once=once))


def run_replay(file: Path, *, speed: float, limit: int) -> int:
    return _guarded(lambda premises: _replayed(premises, file, speed, limit))


def _guarded(story: Callable[[Premises], int]) -> int:
    """Start the installation, tell the story, and leave nothing behind however it ends."""
    given = settings()
    if given.die_with_parent:
        process.die_with_parent(signal.SIGTERM)
    signal.signal(signal.SIGTERM, _interrupt)
    logs.configure("ERROR")
    started = time.monotonic()
    try:
        say("starting PostgreSQL and Valkey, migrating")
        with Premises(_without_running(given)) as premises:
            say(f"ready after {time.monotonic() - started:.1f} s")
            return story(premises)
    except KeyboardInterrupt:
        say("stopped")
        return 130
    except (HubError, ServersError) as error:
        raise click.ClickException(logs.scrub(str(error))) from None


def _without_running(given: Settings) -> Settings:
    """Servers that somebody else's demo runs are not ours to use: only the environment counts."""
    running = state.load(given.home)
    if running and given.database_url == running.database_url:
        return replace(given, database_url="", migration_database_url="", redis_url="")
    return given


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def say(text: str) -> None:
    out.print(f"[dim]{datetime.now(UTC):%H:%M:%S}[/] {text}", soft_wrap=True)


def open_shops(premises: Premises) -> dict[str, Simulator]:
    """Two simulated shops, stopped with the premises, allowed to be called."""
    simulators = {
        name: premises.keep(open_shop("shopify", name)) for name in ("North Shop", "South Shop")
    }
    addresses = ",".join(simulator.address for simulator in simulators.values())
    premises.configure(HUB_LOOPBACK=addresses)
    return simulators


def connect(
    carrier: Carrier, simulators: Mapping[str, Simulator], opening: Callable[[str], int]
) -> Shops:
    """A new seller with both shops connected in shadow mode, products made from the first
    catalogue, opening stock posted; then live."""
    name = f"Demo {datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
    seller_id = create_seller(carrier.database, name, "GBP")
    with carrier.database.transaction(seller_id) as tx:
        location_id = products.add_location(tx, "MAIN", "Main warehouse")
        numbers = {
            shop: accounts.connect(tx, carrier.keyring, _account(shop, simulator))
            for shop, simulator in simulators.items()
        }
        for number in numbers.values():
            requests.ask(tx, number, "test")
            requests.ask(tx, number, "subscribe")
    shops = Shops(seller_id, location_id, simulators, numbers)
    for shop, number in numbers.items():
        answered = ask(carrier, seller_id, number, "listings", {"create": True})
        say(f"{shop}: {answered['read']} listings read, {answered['linked']} linked")
    carrier.database.command(seller_id, lambda tx: _open_stock(tx, shops, opening))
    return shops


def _account(name: str, simulator: Simulator) -> accounts.NewAccount:
    credentials = {field: Secret(value) for field, value in simulator.credentials().items()}
    return accounts.NewAccount(
        "shopify", name, credentials, simulator.settings(), base_url=simulator.url
    )


def _open_stock(tx: Transaction, shops: Shops, opening: Callable[[str], int]) -> None:
    skus = sorted({row.sku for row in listings.listings(tx, limit=1_000_000) if row.product_id})
    ids = products.by_sku(tx, skus)
    changes = [
        adjusting.Adjustment(ids[products.sku_key(sku)], shops.location_id, opening(sku))
        for sku in skus
        if opening(sku)
    ]
    adjusting.adjust(tx, "opening", changes, reason="opening")


def go_live(carrier: Carrier, shops: Shops) -> None:
    with carrier.database.transaction(shops.seller_id) as tx:
        for number in shops.accounts.values():
            accounts.set_mode(tx, number, accounts.LIVE)


def ask(
    carrier: Carrier, seller_id: int, account_id: int, kind: str, argument: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Ask a channel something and wait for a worker's answer. Raises ClickException."""
    number = carrier.database.command(
        seller_id, lambda tx: requests.ask(tx, account_id, kind, argument)
    )
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with carrier.database.transaction(seller_id) as tx:
            found = requests.get(tx, number)
        if found.state == "done":
            return found.answer
        if found.state == "failed":
            raise click.ClickException(f"{kind}: {found.answer.get('error')}")
        time.sleep(0.05)
    raise click.ClickException(f"no worker answered {kind!r} within {PATIENCE:.0f} s")


def _story(premises: Premises, *, once: bool) -> int:
    simulators = open_shops(premises)
    for simulator in simulators.values():
        stock_shop(simulator.shop, VARIANTS, quantity=25)
    web, carrier = start(premises)
    buyers = Buyers({n: s.shop for n, s in simulators.items()}, pause=0.12)
    for _ in range(BEFORE):
        buyers.buy_once()
    say(f"two simulated shops are open; {buyers.bought} orders were placed before we came")
    shops = connect(carrier, simulators, lambda sku: 30)
    token = _token(carrier, shops)
    go_live(carrier, shops)
    say("both shops are live: orders come in, stock goes out; buyers keep buying")
    buyers.start(most=buyers.bought + PURCHASES if once else None)
    try:
        seen = watch(premises, carrier, shops, done=buyers.finished if once else lambda: False)
    except KeyboardInterrupt:
        buyers.stop()
        say("buyers have gone home; letting everything settle")
        seen = watch(premises, carrier, shops, done=lambda: True)
    buyers.stop()
    show(seen, shops)
    hints(premises, shops, web, token, once=once)
    _pause(carrier, shops)
    return 0 if seen.converged else 1


def start(premises: Premises) -> tuple[str, Carrier]:
    """Web, worker and clock from the Procfile, and a carrier of our own to look with."""
    web = premises.open_web()
    premises.configure(HUB_READBACK_SECONDS="1", HUB_PULL_SECONDS="5")
    carrier = premises.carrier()
    close_leftovers(carrier)
    premises.start_processes()
    premises.announce()
    say(f"web, worker and clock are starting; the API is at {web}/api/v1")
    return web, carrier


def watch(premises: Premises, carrier: Carrier, shops: Shops, done: Callable[[], bool]) -> Picture:
    """Say how it goes until ``done`` and everything agrees, or patience ends."""
    last = ""
    quiet_since: float | None = None
    while True:
        seen = picture(carrier.database, shops.seller_id, shops.pairs)
        last = _progress(seen, last)
        for name, code in premises.left().items():
            raise click.ClickException(
                f"{name} left with code {code}; see {premises.log_folder / name}.log"
            )
        if done():
            quiet_since = quiet_since or time.monotonic()
            if seen.converged or time.monotonic() - quiet_since > PATIENCE:
                return seen
        time.sleep(0.5)


def _progress(seen: Picture, last: str) -> str:
    parts = [
        f"{name}: {view.in_hub}/{view.orders} orders in,"
        f" {view.listings - view.wrong}/{view.listings} listings right"
        for name, view in seen.shops.items()
    ]
    line = " · ".join(parts)
    if line != last:
        say(line)
    return line


def show(seen: Picture, shops: Shops) -> None:
    table = Table(
        "shop", "orders", "in hub", "missing", "doubled", "units", "in hub", "listings right",
        title="What was synced",
    )  # fmt: skip
    for name, view in seen.shops.items():
        figures = (
            view.orders, view.in_hub, view.missing, view.doubled, view.units_sold,
            view.units_in_hub,
        )  # fmt: skip
        right = f"{view.listings - view.wrong} of {view.listings}"
        table.add_row(name, *(str(figure) for figure in figures), right)
    out.print(table)
    out.print(f"hub verify: {'clean' if not seen.broken else ', '.join(seen.broken)}")
    open_now = ", ".join(f"{count} {kind}" for kind, count in sorted(seen.conflicts.items()))
    out.print(f"open conflicts: {open_now or 'none'}")
    verdict = "[green]converged[/]" if seen.converged else "[red]not converged[/]"
    out.print(f"result: {verdict}")


def _token(carrier: Carrier, shops: Shops) -> str:
    with carrier.database.transaction(shops.seller_id) as tx:
        return auth.issue_token(tx, "demo", "owner").reveal()


def hints(premises: Premises, shops: Shops, web: str, token: str, *, once: bool) -> None:
    """Where to go from here. The token is the demo's own, of simulated shops."""
    click.echo(f"\nAPI      {web}/api/v1   (OpenAPI: {web}/api/v1/openapi.json)")
    click.echo(f"Sign in  Authorization: Bearer {token}")
    if once:
        click.echo("Next     `make demo` keeps running; then try the commands it prints")
        return
    click.echo("Next     in another terminal, while `make demo` runs:")
    click.echo(f"  .venv/bin/hub --seller {shops.seller_id} stock HUB-001")
    click.echo(f"  .venv/bin/hub --seller {shops.seller_id} reconciliation")
    click.echo("  .venv/bin/hub doctor")


def _pause(carrier: Carrier, shops: Shops) -> None:
    """The simulated shops close with us: nobody should keep calling them."""
    with carrier.database.transaction(shops.seller_id) as tx:
        for number in shops.accounts.values():
            _close(tx, number)


def _close(tx: Transaction, account_id: int) -> None:
    accounts.set_mode(tx, account_id, accounts.PAUSED)
    for name in flows.FLOWS:
        flows.set_next(tx, account_id, name, None)


def close_leftovers(carrier: Carrier) -> None:
    """Accounts of a demo that was killed: their simulated shops are gone."""
    with carrier.database.across_sellers() as connection:
        sellers = list(connection.execute(text("SELECT seller_id FROM hub_sellers()")).scalars())
    for seller_id in sellers:
        with carrier.database.transaction(seller_id) as tx:
            for one in accounts.accounts(tx):
                if one.base_url.startswith("http://127.0.0.1:") and one.mode != accounts.PAUSED:
                    _close(tx, one.id)


def _replayed(premises: Premises, file: Path, speed: float, limit: int) -> int:
    from sync import settling

    history = read_invoices(file, limit)
    recount = Recount.of(history)
    say(recount.says())
    simulators = open_shops(premises)
    for simulator in simulators.values():
        for sku in recount.opening:
            simulator.shop.add_variant(sku, recount.titles[sku], 100, recount.opening[sku])
    _, carrier = start(premises)
    shops = connect(carrier, simulators, lambda sku: recount.opening[sku])
    go_live(carrier, shops)
    played = play(shops, history, speed, adjusting_row(carrier, shops), say)
    watch(premises, carrier, shops, done=lambda: True)
    settling.settle(carrier, shops, played)
    seen = watch(premises, carrier, shops, done=lambda: True)
    show(seen, shops)
    wrong = recount.differences(settling.units_inside(carrier, shops.seller_id), played)
    for line in wrong[:20]:
        out.print(f"[red]{line}[/]")
    out.print(f"recount: {'equal' if not wrong else f'{len(wrong)} differences'}")
    _pause(carrier, shops)
    return 0 if seen.converged and not wrong else 1


def adjusting_row(carrier: Carrier, shops: Shops) -> Callable[[str, Row], None]:
    """Posts one write-off or found line, once."""

    def adjust(key: str, row: Row) -> None:
        def work(tx: Transaction) -> None:
            number = products.product_id(tx, row.sku)
            line = adjusting.Adjustment(number, shops.location_id, row.quantity)
            adjusting.adjust(tx, key, [line], reason=row.kind, note=row.description, late=True)

        carrier.database.command(shops.seller_id, work)

    return adjust
