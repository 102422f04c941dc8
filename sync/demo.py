"""The demo: a seller with a web shop, a social shop and an app that share goods, from
nothing to orders in, stock out, and what does not agree settled."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import FrameType

import click
from rich.table import Table
from sqlalchemy import text

from connectors.simulators.server import Simulator
from connectors.simulators.shop import Shop
from hub import auth, logs
from hub.channels import accounts, flows
from hub.config import Settings, settings
from hub.db import Transaction
from hub.errors import HubError
from hub.inventory import adjusting, products
from servers import process, state
from servers.errors import ServersError
from sync import casework
from sync.carrier import Carrier
from sync.casework import Casework, Desk
from sync.convergence import Picture, picture
from sync.opening import THREE_KINDS, TWINS, Shops, Stock, connect, go_live, open_shops, out, say
from sync.premises import Premises
from sync.replay import Recount, Row, play, read_invoices
from sync.simulating import Buyers, stock_shop

VARIANTS = 20
#: Sold by activation keys, at the shops and in the app.
KEYED = (*(f"HUB-{number:03}" for number in range(17, VARIANTS + 1)), casework.GAME)
BEFORE = 6
PURCHASES = 60
PATIENCE = 120.0


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


def _story(premises: Premises, *, once: bool) -> int:
    simulators = open_shops(premises, THREE_KINDS)
    stock_shops(simulators)
    web, carrier = start(premises)
    everywhere = {name: simulator.shop for name, simulator in simulators.items()}
    # What an app sold before we listened is told to nobody: it has no list of orders.
    early = Buyers(_listed(everywhere), pause=0.0, not_for_them=casework.PREFIX)
    for _ in range(BEFORE):
        early.buy_once()
    say(f"a shop, a social shop and an app are open; {early.bought} orders were placed before us")
    shops = connect(carrier, THREE_KINDS, simulators, Stock(opening, KEYED))
    token = _token(carrier, shops)
    go_live(carrier, shops)
    say("all three are live: orders come in, stock goes out; buyers keep buying")
    buyers = Buyers(everywhere, pause=0.12, not_for_them=casework.PREFIX)
    buyers.start(most=PURCHASES if once else None)
    work = _casework(shops, web, token)
    try:
        resolved = work.run()
        say(f"{resolved} conflicts were resolved through the API")
        seen = watch(premises, carrier, shops, done=buyers.finished if once else lambda: False)
    except KeyboardInterrupt:
        buyers.stop()
        say("buyers have gone home; letting everything settle")
        work.tidy()
        seen = watch(premises, carrier, shops, done=lambda: True)
    buyers.stop()
    show(seen, shops)
    hints(premises, shops, web, token, once=once)
    _pause(carrier, shops)
    return 0 if seen.converged else 1


def stock_shops(simulators: Mapping[str, Simulator]) -> None:
    """Both shops sell everything, the app what has keys."""
    web, social, app = simulators.values()
    for simulator in (web, social):
        stock_shop(simulator.shop, VARIANTS, quantity=25)
        for sku, title, shown, _ in casework.GOODS:
            simulator.shop.add_variant(sku, title, 1_200, shown)
    for sku in KEYED:
        sold = web.shop.variant(sku)
        app.shop.add_variant(sku, sold.title, sold.price, 1)


def _listed(shops: Mapping[str, Shop]) -> dict[str, Shop]:
    return {name: shop for name, shop in shops.items() if shop.counted}


def opening(sku: str) -> int:
    """Units the hub has at first."""
    special = {name: units for name, _, _, units in casework.GOODS}
    return special.get(sku, 30)


def _casework(shops: Shops, web: str, token: str) -> Casework:
    shop, social, app = shops.simulators.values()
    numbers = list(shops.accounts.values())
    return Casework(Desk(web, token), shop, social, numbers[1], app)


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
    simulators = open_shops(premises, TWINS)
    for simulator in simulators.values():
        for sku in recount.opening:
            simulator.shop.add_variant(sku, recount.titles[sku], 100, recount.opening[sku])
    _, carrier = start(premises)
    shops = connect(carrier, TWINS, simulators, Stock(lambda sku: recount.opening[sku]))
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
