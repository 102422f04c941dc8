"""The ``hub`` command: the ledger's own commands; other packages add theirs by entry point."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import entry_points
from typing import Any, TextIO

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from connectors import catalog
from hub import auth, invariants, logs, metrics, migrating, seller
from hub.channels import accounts, connecting, listings, requests, vitals
from hub.config import Settings, environment, settings
from hub.conflicts import reading
from hub.conflicts.kinds import actions_of
from hub.conflicts.life import Who
from hub.db import Database, create
from hub.errors import HubError, InvalidInput
from hub.inventory import adjusting, levels, products
from hub.inventory import keys as pool
from hub.purchasing import commands as buying
from hub.resolution import applying
from hub.resolution.plans import Asked, Told
from hub.schema import INVARIANTS
from hub.secrets import Keyring, Secret, create_key_file

out = Console()


class Desk:
    """What a command works with, opened when first asked for."""

    def __init__(self, seller_id: int | None) -> None:
        self.wanted = seller_id

    @cached_property
    def settings(self) -> Settings:
        return settings()

    @cached_property
    def database(self) -> Database:
        return Database(create(self.settings.database_url, name="hub-cli"))

    @cached_property
    def keyring(self) -> Keyring:
        return Keyring.load(self.settings.secret_keys, self.settings.home)

    def sellers(self) -> list[int]:
        with self.database.across_sellers() as connection:
            found = connection.execute(text("SELECT seller_id FROM hub_sellers()"))
            return [int(number) for number in found.scalars()]

    @property
    def seller(self) -> int:
        """The seller meant: the one named, or the only one there is."""
        if self.wanted is not None:
            return self.wanted
        known = self.sellers()
        if len(known) != 1:
            raise InvalidInput("--seller", f"is needed; there are {len(known)}: {known}")
        return known[0]


class Group(click.Group):
    """Says what is wrong in one line; a traceback only for a fault of ours."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except HubError as error:
            raise click.ClickException(logs.scrub(error.message)) from None


@click.group(cls=Group)
@click.option("--seller", "seller_id", type=int, envvar="HUB_SELLER", help="Whose rows to work on.")
@click.pass_context
def main(ctx: click.Context, seller_id: int | None) -> None:
    """One ledger for sellers on many channels."""
    logs.configure("WARNING")
    ctx.obj = Desk(seller_id)


Command = Callable[..., None]


def command(
    *arguments: Callable[[Any], Any], name: str | None = None
) -> Callable[[Command], click.Command]:
    """A command of ``main`` that is given the desk."""

    def decorate(function: Command) -> click.Command:
        decorated: Any = click.pass_obj(function)
        for argument in reversed(arguments):
            decorated = argument(decorated)
        made: click.Command = main.command(name=name)(decorated)
        return made

    return decorate


@command()
def migrate(desk: Desk) -> None:
    """Bring the database to this version's tables."""
    found = desk.settings
    out.print(f"at {migrating.upgrade(found.migration_database_url, found.database_url)}")


@command(click.option("--bind", help="address:port; default HUB_BIND or 127.0.0.1:8000"))
def web(desk: Desk, bind: str | None) -> None:
    """Serve the API (gunicorn)."""
    found = desk.settings
    where = f"fd://{found.web_fd}" if found.web_fd else bind or found.bind
    program = [sys.executable, "-m", "gunicorn", "--worker-class", "hub.serving.Worker"]
    program += ["--threads", "16", "--workers", str(found.web_processes), "--bind", where]
    program += ["--no-control-socket", "--log-level", "warning", "hub.wsgi:app"]
    shared = {}
    if found.metrics_token:
        shared = {metrics.FOLDER_VARIABLE: str(metrics.open_folder(found.home, "web"))}
    os.execve(sys.executable, program, environment() | shared)  # noqa: S606  # our interpreter


@command()
def keys(desk: Desk) -> None:
    """Create the first secret key in the home directory, if there is none."""
    create_key_file(desk.settings.home)
    out.print(f"keys in {desk.settings.home / 'keys'}")


@command(click.argument("name"), click.option("--currency", default="EUR"), name="add-seller")
def add_seller(desk: Desk, name: str, currency: str) -> None:
    """Add a seller; prints its number."""
    out.print(seller.create_seller(desk.database, name, currency))


@command(
    click.argument("name"),
    click.option("--role", type=click.Choice(auth.ROLES), default="owner"),
    name="issue-token",
)
def issue_token(desk: Desk, name: str, role: str) -> None:
    """Issue an API token; it is shown this once."""
    with desk.database.transaction(desk.seller) as tx:
        token = auth.issue_token(tx, name, role)
    click.echo(token.reveal())


@command()
def channels(desk: Desk) -> None:
    """The channels that are installed, and what each can do."""
    table = Table("channel", "title", "kind", "capabilities", "needs")
    for one in catalog.channels():
        able = ", ".join(sorted(one.capabilities))
        needs = ", ".join(field.name for field in one.credentials)
        table.add_row(one.name, one.title, one.kind, able, needs)
    out.print(table)


@command(
    click.argument("channel"),
    click.argument("name"),
    click.option("--set", "values", multiple=True, metavar="FIELD=VALUE"),
    click.option("--base-url", default="", help="a simulator's address"),
)
def connect(desk: Desk, channel: str, name: str, values: tuple[str, ...], base_url: str) -> None:
    """Connect an account in shadow mode; secrets are asked for where they are not given."""
    declared = catalog.channel(channel)
    given = dict(value.split("=", 1) for value in values if "=" in value)
    credentials = {}
    for field in declared.credentials:
        value = given.pop(field.name, None)
        if value is None and field.required:
            value = click.prompt(field.label, hide_input=field.secret)
        if value:
            credentials[field.name] = Secret(value)
    takes = connecting.stock_mode(declared)
    new = accounts.NewAccount(channel, name, credentials, given, base_url, takes)
    with desk.database.transaction(desk.seller) as tx:
        number = accounts.connect(tx, desk.keyring, new)
        requests.ask(tx, number, "test")
        requests.ask(tx, number, "listings")
    out.print(f"account {number}, in shadow mode: `hub mode {number} live` lets it be written to")


@command(click.argument("account", type=int), click.argument("mode"))
def mode(desk: Desk, account: int, mode: str) -> None:
    """Set an account's mode: shadow, live or paused."""
    if mode not in {"shadow", "live", "paused"}:
        raise InvalidInput("mode", "must be shadow, live or paused")
    with desk.database.transaction(desk.seller) as tx:
        out.print(accounts.describe(accounts.set_mode(tx, account, mode)))


@command(click.argument("account", type=int), click.argument("kind"))
def ask(desk: Desk, account: int, kind: str) -> None:
    """Ask a channel: test, listings, orders, read_stock, subscribe or webhook_keys."""
    with desk.database.transaction(desk.seller) as tx:
        out.print(f"request {requests.ask(tx, account, kind)}")


@command(name="accounts")
def list_accounts(desk: Desk) -> None:
    """Connected accounts and how their flows fare."""
    table = Table("id", "channel", "name", "mode", "flow", "health", "next", "last error")
    channels = {one.name: one for one in catalog.channels()}
    notes: list[str] = []
    with desk.database.transaction(desk.seller) as tx:
        for one in accounts.accounts(tx):
            for state in vitals.states(tx, one.id):
                due = state.next_at.isoformat(timespec="seconds") if state.next_at else "-"
                where = (str(one.id), one.channel, one.name, one.mode)
                table.add_row(*where, state.flow, state.health, due, state.last_error)
            fares = vitals.vitals(tx, one.id, one.name, channels.get(one.channel))
            notes += [f"account {one.id}: {note}" for note in (*fares.notes, fares.reaches.because)]
    out.print(table)
    for note in notes:
        out.print(note, markup=False)


@command(
    click.argument("sku"), click.argument("change", type=int), click.argument("key"),
    click.option("--location", default="MAIN"), click.option("--reason", default="adjustment"),
)  # fmt: skip
def adjust(desk: Desk, sku: str, change: int, key: str, location: str, reason: str) -> None:
    """Add units to (or take them off) what is available, once per KEY."""
    with desk.database.transaction(desk.seller) as tx:
        place = products.add_location(tx, location)
        made = products.add_products(tx, [products.NewProduct(sku)])
        line = adjusting.Adjustment(made[sku], place, change)
        done = adjusting.adjust(tx, key, [line], reason=reason)
    out.print("posted" if done.keys else "that key has been posted before")


@command(
    click.argument("sku"),
    click.argument("file", type=click.File("r")),
    click.option("--location", default="MAIN"),
    name="keys-add",
)
def keys_add(desk: Desk, sku: str, file: TextIO, location: str) -> None:
    """Receive activation keys for a product, one a line of FILE ("-": standard input), all or none.
    A product without stock is sold by keys from then on."""
    lines = file.read().removesuffix("\n").split("\n")
    with desk.database.transaction(desk.seller) as tx:
        place = products.add_location(tx, location)
        number = products.add_products(tx, [products.NewProduct(sku)])[sku]
        pool.make_keyed(tx, desk.keyring, number)
        added = 0
        for start in range(0, len(lines), pool.MOST):
            some = [line.removesuffix("\r") for line in lines[start : start + pool.MOST]]
            try:
                added += pool.add_keys(tx, desk.keyring, number, place, some)
            except pool.BadKey as error:
                raise InvalidInput(f"line {start + error.index + 1}", error.reason) from None
        told = pool.counts(tx, number)
    out.print(f"{added} keys added; {told.free} free, {told.drawn} sold")


@command(
    click.argument("sku"),
    click.option("--as-of", type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d"])),
)
def stock(desk: Desk, sku: str, as_of: datetime | None) -> None:
    """One SKU's units by location and state, now or as of a past moment (UTC)."""
    moment = as_of if as_of is None or as_of.tzinfo else as_of.replace(tzinfo=UTC)
    with desk.database.transaction(desk.seller) as tx:
        found = levels.stock(tx, sku, moment)
    table = Table("location", "state", "units")
    for row in found:
        table.add_row(row.location, row.state, str(row.quantity))
    out.print(table)


@command(click.option("--different", is_flag=True), name="reconciliation")
def reconciliation(desk: Desk, different: bool) -> None:
    """Hub offer, last pushed, confirmed and channel now, for every listing."""
    table = Table("listing", "sku", "offer", "pushed", "confirmed", "channel", "difference")
    with desk.database.transaction(desk.seller) as tx:
        for row in listings.listings(tx, different=different, limit=1000):
            figures = (row.offer, row.last_pushed, row.confirmed, row.channel_now, row.difference)
            table.add_row(str(row.id), row.sku, *("-" if f is None else str(f) for f in figures))
    out.print(table)


@command(
    click.option("--state", type=click.Choice(reading.STATES), default="open"),
    click.option("--kind"),
    name="conflicts",
)
def list_conflicts(desk: Desk, state: str, kind: str | None) -> None:
    """Conflicts with what may be done about each, the oldest first; and how many there are."""
    table = Table("id", "kind", "severity", "seen", "assignee", "what", "hub resolve ID …")
    wanted = reading.Wanted(state, kind)
    with desk.database.transaction(desk.seller) as tx:
        for one in reading.conflicts(tx, wanted, after=0, limit=100):
            verbs = ", ".join(action.verb for action in actions_of(one.kind))
            told = (str(one.seen), one.assignee or "-", one.summary, verbs)
            table.add_row(str(one.id), one.kind, one.severity, *told)
        counts = reading.counts(tx)
    out.print(table)
    for name, found, count in counts:
        out.print(f"{count:6} {name} {found}")


@command(
    click.argument("number", type=int),
    click.argument("verb"),
    click.option("--sku"),
    click.option("--units", type=int),
    click.option("--until", type=click.DateTime(["%Y-%m-%d"])),
    click.option("--reason", default=""),
    click.option("--preview", is_flag=True, help="Show what would change; change nothing."),
)
def resolve(
    desk: Desk, number: int, verb: str, reason: str, preview: bool, until: Any, **told: Any
) -> None:
    """Do something about a conflict: `hub conflicts` says what may be done."""
    until = until.replace(tzinfo=UTC) if until else None
    asked = Asked(verb, Told(until=until, **told), reason)
    channels = {one.name: one for one in catalog.channels()}
    here = applying.Desk(Who("command line"), channels)
    table = Table("what", "", "before", "after")
    with desk.database.transaction(desk.seller) as tx:
        shown = applying.preview(tx, here, number, asked)
        if not preview:
            version = shown.version
            applying.resolve(tx, here, number, asked, expected_version=version)
    for row in shown.changes:
        table.add_row(row.what, row.name, str(row.before), str(row.after))
    out.print(table)
    out.print(f"{'would be' if preview else 'is'} {shown.leads_to}")


@command()
def verify(desk: Desk) -> None:
    """Recompute what must always hold and print any difference; exit 1 if there is one."""
    wanted = [desk.wanted] if desk.wanted is not None else desk.sellers()
    broken = 0
    for number in wanted:
        with desk.database.transaction(number) as tx:
            for one in invariants.check(tx, INVARIANTS):
                broken += 1
                out.print(f"seller {number}: [red]{one.invariant}[/]: not so: {one.meaning}")
                for row in one.rows:
                    out.print("   ", row)
    if broken:
        raise click.ClickException(f"{broken} invariants do not hold")
    out.print(f"all {len(INVARIANTS)} invariants hold for {len(wanted)} sellers")


def _add_commands() -> None:
    """Commands of other packages. One that cannot be loaded is named, and stops no other."""
    for ours in buying.commands:
        main.add_command(ours)
    for point in entry_points(group="hub.commands"):
        try:
            for one in point.load():
                main.add_command(one)
        except ImportError as error:
            logging.getLogger(__name__).warning("commands of %s: %s", point.name, error)


_add_commands()

if __name__ == "__main__":
    main()
