"""A channel shows another number than it was told: tell it again, or take its word for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hub.channels import accounts, listings, resending
from hub.conflicts.life import Row
from hub.db import Transaction
from hub.errors import InvalidInput
from hub.inventory import claims, keys
from hub.inventory.adjusting import Adjustment, adjust
from hub.inventory.availability import Rule
from hub.inventory.availability import offer as decide
from hub.inventory.ledger import LevelKey, Levels
from hub.inventory.models import State
from hub.resolution.plans import Case, Plan, impossible
from hub.resolution.showing import offer_rows, rule_of, stock_rows
from hub.sales.lines import DOCUMENT

#: More units than any shop has, and a number the search ends at.
MOST_UNITS = 1_000_000_000


def accept_hub(tx: Transaction, case: Case) -> Plan:
    found = _listing(tx, case)
    account = accounts.get(tx, found.account_id)
    if account.mode != accounts.LIVE:
        raise impossible(f"{account.name} is not live: nothing is written to it")
    if found.paused or found.state != "active":
        raise impossible("the listing is paused or not on sale: its number is not pushed")
    shown = _shown(case)
    row = Row("push", f"{found.title or found.external_id}: the channel shows", shown, found.offer)
    note = "it is read back; where the channel still shows another number, this opens again"
    return Plan((row,), lambda tx: resending.push_again(tx, found.id, case.who.actor), (note,))


def accept_channel(tx: Transaction, case: Case) -> Plan:
    found = _listing(tx, case)
    product_id = found.product_id or 0
    account = accounts.get(tx, found.account_id)
    if account.stock_mode == accounts.SWITCH:
        raise impossible(f"{account.name} shows only on and off: that is no number of units")
    if keys.keyed_among(tx, [product_id]):
        raise impossible("the product is sold by activation keys: its stock changes with its keys")
    wanted = case.asked.told.units
    wanted = _shown(case) if wanted is None else wanted
    if wanted is None:
        raise InvalidInput("arguments.units", "is needed: the channel showed no number")
    levels = case.levels(tx, [product_id])
    places = accounts.serving_locations(tx, found.account_id)
    if not places:
        raise impossible(f"no location feeds {account.name}")
    waiting = sum(one.quantity for one in claims.waiting(tx, DOCUMENT, [product_id]))
    free = {place: levels.available(product_id, place) for place in places}
    total = sum(free.values())
    target = nearest_total(total, waiting, rule_of(tx, found.account_id, found.id), wanted)
    spread = _spread(free, target - total)
    if not spread:
        raise impossible("the listing is to show that number already")
    return _adjusting(tx, case, product_id, levels, spread, waiting)


def _adjusting(
    tx: Transaction,
    case: Case,
    product_id: int,
    levels: Levels,
    spread: Mapping[int, int],
    waiting: int,
) -> Plan:
    moved = {
        LevelKey(product_id, place, State.AVAILABLE): change for place, change in spread.items()
    }
    rows = stock_rows(tx, levels, moved)
    rows += offer_rows(tx, product_id, levels, moved, waiting)
    notes = ["every listing of the product follows its stock"]
    if waiting:
        notes.append(f"{waiting} units are owed to orders that wait: they are served first")
    lines = [Adjustment(product_id, place, change) for place, change in sorted(spread.items())]
    one = case.conflict
    key = f"conflict:{one.id}:{one.version}"
    return Plan(
        tuple(rows), lambda tx: adjust(tx, key, lines, note=case.asked.reason), tuple(notes)
    )


def nearest_total(total: int, waiting: int, rule: Rule, wanted: int) -> int:
    """The total nearest to the present one from which the rule makes a listing show ``wanted``.

    Raises Conflict saying which part of the rule makes that impossible.
    """

    def shows(units: int) -> int:
        return decide({0: units}, waiting, rule).quantity

    least = _first(lambda units: shows(units) >= wanted)
    if least is None or shows(least) != wanted:
        raise impossible(_why_not(rule, wanted))
    beyond = _first(lambda units: shows(units) > wanted)
    most = MOST_UNITS if beyond is None else beyond - 1
    return min(max(total, least), most)


def _first(holds: Callable[[int], bool]) -> int | None:
    """The least total from which it holds; what a rule shows never falls as stock rises."""
    if not holds(MOST_UNITS):
        return None
    low, high = 0, MOST_UNITS
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _why_not(rule: Rule, wanted: int) -> str:
    if rule.cap is not None and wanted > rule.cap:
        return f"its rule caps what the listing shows at {rule.cap}"
    if 0 < wanted < rule.end_when_below:
        return f"its rule shows none below {rule.end_when_below}"
    if rule.share_percent < 100:
        return f"its rule shows {rule.share_percent} % of the stock, which never comes to {wanted}"
    return f"no stock within reason makes the listing show {wanted}"


def _spread(free: Mapping[int, int], change: int) -> dict[int, int]:
    """More units go to the first location; fewer are taken where they are, in order."""
    if change >= 0:
        return {next(iter(free)): change} if change else {}
    left, taken = -change, {}
    for place, units in free.items():
        take = min(units, left)
        if take:
            taken[place] = -take
            left -= take
    return taken


def _listing(tx: Transaction, case: Case) -> listings.Shown:
    found = listings.get(tx, case.row)
    if found.product_id is None or found.offer is None:
        raise impossible("the listing sells no product: the hub has no number for it")
    return found


def _shown(case: Case) -> int | None:
    """What the channel showed when the difference was last found."""
    sides: Mapping[str, object] = case.conflict.evidence.get("channel") or {}
    shown = sides.get("shown")
    return shown if isinstance(shown, int) else None
