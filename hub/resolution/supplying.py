"""A line wants more than there is: give it what is free now, or take the missing units off it."""

from __future__ import annotations

from hub.channels import accounts, connecting
from hub.channels.telling import Abilities
from hub.conflicts.life import Row
from hub.db import Transaction
from hub.errors import InvalidInput
from hub.inventory import claims, ledger
from hub.inventory.allocating import Share, allocate
from hub.inventory.ledger import Levels
from hub.inventory.products import own_locations
from hub.resolution.plans import Case, Plan, impossible
from hub.resolution.showing import allocated, stock_rows, units_got
from hub.sales import backorders, cancelling, orders, shortages
from hub.sales.lines import DOCUMENT
from hub.sales.shortages import Waiting

TOLD = "the channel is told to take them off too"
NOT_TOLD = "the channel cannot be told: cancel the units there too, which tells the buyer"
#: Of the lines that are served with it, so many are shown.
MOST_LINES = 20


def reallocate(tx: Transaction, case: Case) -> Plan:
    line = _short(tx, case)
    product_id = line.product_id or 0
    likely = _shares(tx, product_id, ledger.read_levels(tx, [product_id]))
    if not likely:
        raise impossible("nothing is free to be given")
    served = sorted({share.line_id for share in likely})
    levels = case.levels(tx, [product_id], served)
    shares = [one for one in _shares(tx, product_id, levels) if one.line_id in served]
    got = units_got(shares)
    rows = stock_rows(tx, levels, allocated(shares))
    for one in shortages.lines(tx, [number for number in served if got[number]][:MOST_LINES]):
        mine = got[one.id]
        rows.append(Row("order_line", f"{one.name}: short of", one.claimed, one.claimed - mine))
        rows.append(
            Row("order_line", f"{one.name}: allocated", one.allocated, one.allocated + mine)
        )
    notes = () if got[line.id] else (f"{line.name} gets none of it: others are before it",)
    return Plan(
        tuple(rows),
        lambda tx: backorders.fill_waiting(tx, [product_id]),
        notes,
        closes=got[line.id] >= line.claimed,
    )


def _shares(tx: Transaction, product_id: int, levels: Levels) -> tuple[Share, ...]:
    """Who would get what, the most urgent first."""
    demands = claims.waiting(tx, DOCUMENT, [product_id])
    return allocate(demands, levels, own_locations(tx)).shares


def cancel_units(tx: Transaction, case: Case) -> Plan:
    line = _short(tx, case)
    if case.firm:
        case.levels(tx, [line.product_id or 0], [line.id])
        line = _short(tx, case)
    units = line.claimed if case.asked.told.units is None else case.asked.told.units
    if not 1 <= units <= line.claimed:
        raise InvalidInput("arguments.units", f"must be 1 to {line.claimed}")
    rows = (
        Row("order_line", f"{line.name}: short of", line.claimed, line.claimed - units),
        Row("order_line", f"{line.name}: cancelled", line.cancelled, line.cancelled + units),
    )
    able = _able(tx, case, line, units)
    wanted = cancelling.TakenOff(case.asked.reason, {line.id: units})
    return Plan(
        rows,
        lambda tx: cancelling.cancel(tx, line.order_id, wanted, able),
        (TOLD if able.cancel else NOT_TOLD, "no money is given back by this"),
        closes=units == line.claimed,
    )


def _able(tx: Transaction, case: Case, line: Waiting, units: int) -> Abilities:
    """What the channel can be told; nothing where it cancels whole orders and this is less."""
    channel = case.channels.get(accounts.get(tx, line.account_id).channel)
    if channel is None:
        return Abilities()
    able = connecting.abilities(channel)
    _, lines = orders.get(tx, line.order_id)
    left = sum(one.quantity - one.cancelled for one in lines)
    return able if able.cancels_lines or left == units else Abilities()


def _short(tx: Transaction, case: Case) -> Waiting:
    line = shortages.line(tx, case.row)
    if not line.claimed:
        raise impossible(f"{line.name} has all its units by now")
    return line
