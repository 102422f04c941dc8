"""What must be so when it is quiet: looked up in the shops and in the hub's rows, and added up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from hub.errors import HubError
from hub.inventory.models import State
from tests.chaos.clerk import Clerk
from tests.pump import World

HELD = (
    "SELECT p.sku, sum(l.quantity), min(l.quantity),"
    " coalesce(sum(l.quantity) FILTER (WHERE l.state = :allocated), 0)"
    " FROM level l JOIN product p ON p.id = l.product_id GROUP BY p.sku"
)
SENT = (
    "SELECT p.sku, sum(o.shipped) FROM order_line o JOIN product p ON p.id = o.product_id"
    " GROUP BY p.sku"
)
UNDERIVED = "SELECT count(*) FROM stock_change"
LEFT = (
    "SELECT (SELECT count(*) FROM outbox WHERE state IN ('waiting', 'sent')),"
    " (SELECT count(*) FROM request WHERE state = 'new'),"
    " (SELECT count(*) FROM webhook WHERE state = 'new')"
)
BEHIND = (
    "SELECT account_id, sku, desired_version, desired_quantity, sent_version, sent_quantity,"
    " confirmed_version, remote_quantity, attempts, checks_left, lease_token,"
    " round(extract(epoch FROM next_at - now())) AS next_in,"
    " round(extract(epoch FROM check_at - now())) AS check_in, last_error FROM listing"
    " WHERE confirmed_version < desired_version OR remote_quantity <> desired_quantity"
    " OR check_at < now() ORDER BY id"
)
WAITING = (
    "SELECT account_id, flow, health, attempts, round(extract(epoch FROM next_at - now())),"
    " round(extract(epoch FROM lease_until - now())), last_error FROM flow"
    " WHERE next_at < now() + interval '1 hour' ORDER BY account_id, flow"
)
SHELF = "SELECT account_id, sku, desired_quantity FROM listing WHERE state = 'active'"
EFFECTS = {
    "booking": "SELECT count(*) FROM posting WHERE key LIKE 'api:%'",
    "shipment": "SELECT count(*) FROM shipment",
    "cancellation": "SELECT count(*) FROM cancellation",
    "refund": "SELECT count(*) FROM refund WHERE reason = 'a scratch'",
    "request test": "SELECT count(*) FROM request WHERE kind = 'test'",
    "request orders": "SELECT count(*) FROM request WHERE kind = 'orders'",
}


class Reckoning(NamedTuple):
    """Orders missing and doubled, units that the ledger promised and did not have, listings that
    are wrong; and everything else that is not as it should be, in words."""

    missing: int
    doubled: int
    oversold: int
    wrong: int
    violations: tuple[str, ...]

    @property
    def clean(self) -> bool:
        return not (any(self[:4]) or self.violations)


def agreed(world: World) -> bool:
    """Shops and hub agree, and no change of stock waits to become an offer. False too while the
    database is away."""
    try:
        return not world.query(UNDERIVED)[0][0] and world.picture().converged
    except (HubError, SQLAlchemyError):
        return False


def idle(world: World) -> bool:
    """Nothing waits to be told, asked or worked off."""
    try:
        return not any(world.query(LEFT)[0])
    except (HubError, SQLAlchemyError):
        return False


def lags(world: World) -> str:
    """What is behind, for whoever looks why."""
    lines = [f"shown wrong: {one}" for one in _shown_wrong(world)]
    lines += [f"listing {row}" for row in world.query(BEHIND)]
    lines += [f"flow {row}" for row in world.query(WAITING)]
    return "\n".join([*lines, f"open: {world.query(LEFT)[0]}"])


def _shown_wrong(world: World) -> Iterable[str]:
    names = {number: name for name, number in world.accounts.items()}
    for account_id, sku, wanted in world.query(SHELF):
        shown = world.shops[names[account_id]].shop.quantity(sku)
        if shown != wanted:
            yield f"{names[account_id]} {sku} shows {shown}, offered {wanted}"


def reckon(world: World, opening: Mapping[str, int], clerk: Clerk) -> Reckoning:
    seen = world.picture()
    views = list(seen.shops.values())
    had = Counter(opening) + Counter({sku: n for sku, n in clerk.booked.items() if sku})
    oversold, told = _units(world, had)
    broken = [f"does not hold: {name}" for name in seen.broken]
    return Reckoning(
        sum(view.missing for view in views),
        sum(view.doubled for view in views),
        oversold,
        sum(view.wrong for view in views),
        (*broken, *told, *_effects(world, clerk), *_told_once(world)),
    )


def _units(world: World, had: Mapping[str, int]) -> tuple[int, list[str]]:
    """Every unit is inside or was sent, once; none was promised twice."""
    sent = {str(sku): int(units) for sku, units in world.query(SENT)}
    oversold, told = 0, []
    for sku, inside, least, promised in world.query(HELD, allocated=int(State.ALLOCATED)):
        gone = sent.get(sku, 0)
        oversold += max(0, -int(least)) + max(0, int(promised) + gone - had[sku])
        if int(inside) + gone != had[sku]:
            told.append(f"{sku}: {inside} inside and {gone} sent of {had[sku]}")
    return oversold, told


def _effects(world: World, clerk: Clerk) -> Iterable[str]:
    """Every call has had its effect once: those the clerk was told of, and no other."""
    for effect, query in EFFECTS.items():
        count = int(world.query(query)[0][0])
        if count != clerk.done[effect]:
            yield f"{effect}: {count} in the hub, {clerk.done[effect]} asked"


def _told_once(world: World) -> Iterable[str]:
    """Each parcel is known to its shop once, and money was paid back once."""
    for name, simulator in world.shops.items():
        account = world.accounts[name]
        query = "SELECT count(*) FROM shipment WHERE account_id = :a AND state = 'told'"
        parcels = sum(len(one.parcels) for one in simulator.shop.orders)
        if int(world.query(query, a=account)[0][0]) != parcels:
            yield f"{name}: {parcels} parcels, told {world.query(query, a=account)[0][0]}"
        query = (
            "SELECT coalesce(sum(amount), 0) FROM refund WHERE account_id = :a AND state = 'done'"
        )
        paid = sum(one.refunded for one in simulator.shop.orders)
        if int(world.query(query, a=account)[0][0]) != paid:
            yield f"{name}: {paid} paid back, known {world.query(query, a=account)[0][0]}"
