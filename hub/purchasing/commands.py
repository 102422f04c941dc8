"""Suppliers and purchase orders at the command line."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console
from rich.table import Table

from hub.money import Money
from hub.paging import LARGEST_ID
from hub.purchasing import orders, suppliers
from hub.purchasing.states import STATES

out = Console()


@click.command(name="suppliers")
@click.pass_obj
def list_suppliers(desk: Any) -> None:
    """Whom goods are bought from, the first hundred."""
    table = Table("id", "code", "name", "currency", "payment days", "active")
    with desk.database.transaction(desk.seller) as tx:
        for one in suppliers.suppliers(tx, after=0, limit=100):
            days = "-" if one.payment_days is None else str(one.payment_days)
            active = "yes" if one.active else "no"
            table.add_row(str(one.id), one.code, one.name, one.currency, days, active)
    out.print(table)


@click.command(name="purchase-orders")
@click.option("--state", type=click.Choice(STATES))
@click.pass_obj
def list_purchase_orders(desk: Any, state: str | None) -> None:
    """What was ordered of suppliers, the newest hundred."""
    table = Table("id", "number", "supplier", "state", "total", "units", "received")
    with desk.database.transaction(desk.seller) as tx:
        some = orders.orders(tx, before=LARGEST_ID, limit=100, state=state)
        sums = orders.sums(tx, [one.id for one in some])
        for one in some:
            of = sums[one.id]
            told = (one.state, str(Money(of.total, one.currency)), str(of.units), str(of.received))
            table.add_row(str(one.id), one.number, str(one.supplier_id), *told)
    out.print(table)


commands: list[click.Command] = [list_suppliers, list_purchase_orders]
