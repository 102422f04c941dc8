"""What must hold: at any moment, and once the world has come to rest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from connectors.records import ChannelOrder, OrderStatus
from hub import invariants
from hub.schema import INVARIANTS
from tests.simulation import checks_told
from tests.simulation.world import World

LINES = """
SELECT o.account_id, o.external_id, o.status, l.external_id, l.quantity, l.cancelled, l.shipped,
       l.allocated, l.claimed, l.withdrawn
  FROM sales_order o JOIN order_line l ON l.seller_id = o.seller_id AND l.order_id = o.id
 WHERE o.seller_id = %(seller)s ORDER BY o.external_id, l.external_id, l.id
"""
LISTINGS = """
SELECT l.account_id, l.external_id, l.paused, l.desired_quantity, l.desired_version,
       l.sent_version, l.confirmed_version, l.product_id,
       coalesce(r.safety_stock, 0), coalesce(r.share_percent, 100), coalesce(r.buffer, 0), r.cap
  FROM listing l LEFT JOIN offer_rule r ON r.seller_id = l.seller_id
       AND r.account_id = l.account_id AND r.listing_id = 0
 WHERE l.seller_id = %(seller)s AND NOT EXISTS (SELECT FROM stock_change c
       WHERE c.seller_id = l.seller_id AND l.product_id = ANY (c.product_ids))
 ORDER BY l.external_id
"""
UNITS = """
SELECT product_id, sum(units) FILTER (WHERE what = 'available'),
       sum(units) FILTER (WHERE what = 'inside'), sum(units) FILTER (WHERE what = 'waiting'),
       sum(units) FILTER (WHERE what = 'shipped')
  FROM (SELECT product_id, 'inside' AS what, quantity AS units FROM level
         WHERE seller_id = %(seller)s
        UNION ALL SELECT product_id, 'available', quantity FROM level
         WHERE seller_id = %(seller)s AND state = 1
        UNION ALL SELECT product_id, 'waiting', wanted - filled FROM claim
         WHERE seller_id = %(seller)s
        UNION ALL SELECT product_id, 'shipped', shipped FROM order_line
         WHERE seller_id = %(seller)s) u GROUP BY product_id
"""
#: What was sent, and what was read back, under another version's number.
MISTAKEN = """
SELECT l.external_id, o.quantity FROM listing l
  JOIN offer o ON o.seller_id = l.seller_id AND o.listing_id = l.id
 WHERE l.seller_id = %(seller)s
   AND ((o.version = l.sent_version AND o.quantity <> l.sent_quantity)
     OR (o.version = l.confirmed_version AND o.quantity <> l.confirmed_quantity))
 ORDER BY l.external_id
"""
CURSORS = """
SELECT account_id, cursor ->> 'since', cursor ->> 'token' FROM flow
 WHERE seller_id = %(seller)s AND flow = 'pull' AND cursor IS NOT NULL
"""
ORDERS = "SELECT external_id FROM sales_order WHERE account_id = %(account)s"
#: Work that waits in a flow that nothing will make due: only luck would bring a worker. Where a
#: person must authorise first, it waits for that person. The next pull looks for webhooks too.
FORGOTTEN = """
WITH waiting (account_id, flow, what) AS (
  SELECT account_id, 'request', 'request ' || kind FROM request
   WHERE seller_id = %(seller)s AND state = 'new'
  UNION ALL SELECT account_id, 'inbox', 'webhook ' || event_id FROM webhook
   WHERE seller_id = %(seller)s AND state = 'new'
  UNION ALL SELECT account_id, 'outbox', 'a ' || kind FROM outbox
   WHERE seller_id = %(seller)s AND state IN ('waiting', 'sent')
  UNION ALL SELECT account_id, 'push', 'the number of ' || external_id FROM listing
   WHERE seller_id = %(seller)s AND sent_version < desired_version AND state = 'active'
     AND NOT paused AND product_id IS NOT NULL
  UNION ALL SELECT account_id, 'check', 'the read-back of ' || external_id FROM listing
   WHERE seller_id = %(seller)s AND check_at IS NOT NULL AND state <> 'ended')
SELECT w.what FROM waiting w
  JOIN flow f ON f.seller_id = %(seller)s AND f.account_id = w.account_id AND f.flow = w.flow
  JOIN account a ON a.seller_id = %(seller)s AND a.id = w.account_id
  LEFT JOIN flow p ON w.flow = 'inbox' AND p.flow = 'pull'
   AND p.seller_id = f.seller_id AND p.account_id = f.account_id
 WHERE f.next_at = 'infinity' AND f.health <> 'reauthorise'
   AND coalesce(p.next_at, 'infinity') = 'infinity'
   AND (a.mode = 'live' OR w.flow NOT IN ('push', 'outbox')) ORDER BY 1
"""
UNFINISHED = """
SELECT 'webhook ' || event_id FROM webhook WHERE seller_id = %(seller)s AND state = 'new'
UNION ALL SELECT 'request ' || kind FROM request WHERE seller_id = %(seller)s AND state = 'new'
UNION ALL SELECT 'lease of ' || flow FROM flow
           WHERE seller_id = %(seller)s AND lease_until > '-infinity'
UNION ALL SELECT 'health of ' || flow || ': ' || health FROM flow
           WHERE seller_id = %(seller)s AND health <> 'healthy'
UNION ALL SELECT 'change of stock' FROM stock_change WHERE seller_id = %(seller)s
"""


#: After every order's key.
LAST_KEY = "~"


class Offered(NamedTuple):
    """A listing of a product without a change that waits, and the number it should show."""

    account_id: int
    key: str
    paused: bool
    offer: int | None
    desired: int
    sent: int
    confirmed: int
    right: int


class Held(NamedTuple):
    """A product's units."""

    available: int = 0
    inside: int = 0
    waiting: int = 0
    shipped: int = 0


def at_any_moment(world: World) -> None:
    """What holds at every commit: the invariants, that offers follow from what there is, that a
    version sent or confirmed is that version's number, that what waits has its time, and that
    orders are in as far as the cursor says."""
    with world.database.transaction(world.seller_id) as tx:
        for one in invariants.check(tx, INVARIANTS):
            world.broken(f"{one.invariant}: {one.meaning}: {len(one.rows)} rows")
    for key, quantity in world.look(MISTAKEN, seller=world.seller_id):
        world.broken(f"versions_have_their_numbers: {key} was to show {quantity}")
    for (what,) in world.look(FORGOTTEN, seller=world.seller_id):
        world.broken(f"what_waits_has_its_time: nobody will come for {what}")
    _cursors(world)
    checks_told.at_any_moment(world)
    for listing in _listings(world, _held(world)):
        if listing.offer != listing.right:
            said = f"{listing.key} offers {listing.offer}, not {listing.right}"
            world.broken(f"offers_follow_stock: {said}, and no change waits")


def _cursors(world: World) -> None:
    names = {number: name for name, number in world.accounts.items()}
    for account_id, since, token in world.look(CURSORS, seller=world.seller_id):
        shop = world.shops[names[account_id]]
        moment, _, key = (token or f"{since} {LAST_KEY}").partition(" ")
        covered = shop.listed_by(datetime.fromisoformat(moment), key)
        taken = {row[0] for row in world.look(ORDERS, account=account_id)}
        left = covered - taken - world.unreadable(account_id)
        if left:
            world.broken(f"the_cursor_covers_what_is_in: {sorted(left)} were passed over")


def _held(world: World) -> dict[int, Held]:
    found = world.look(UNITS, seller=world.seller_id)
    return {row[0]: Held(*(int(units or 0) for units in row[1:])) for row in found}


def _listings(world: World, held: Mapping[int, Held]) -> list[Offered]:
    found = []
    for row in world.look(LISTINGS, seller=world.seller_id):
        units = held.get(row[7], Held())
        found.append(Offered(*row[:7], _offer(units.available, units.waiting, *row[8:])))
    return found


def at_rest(world: World) -> None:
    """Nothing has happened for a while: hub and shops agree, and nothing is left to do."""
    rows = world.look(LINES, seller=world.seller_id)
    for name, shop in world.shops.items():
        mine = [row for row in rows if row[0] == world.accounts[name]]
        bad = world.unreadable(world.accounts[name])
        sold = [versions[-1].order for key, versions in shop.orders.items() if key not in bad]
        _orders(world, sold, mine)
    _units(world)
    checks_told.at_rest(world)
    for (left,) in world.look(UNFINISHED, seller=world.seller_id):
        world.broken(f"nothing_is_left: {left}")


def _orders(world: World, sold: list[ChannelOrder], rows: list[tuple[Any, ...]]) -> None:
    lines: dict[str, dict[str, tuple[Any, ...]]] = defaultdict(dict)
    for row in rows:
        if row[3] in lines[row[1]]:
            world.broken(f"each_order_once: {row[1]} is there twice")
        lines[row[1]][row[3]] = row
    for order in sold:
        mine = lines.get(order.external_id)
        if mine is None:
            world.broken(f"each_order_once: {order.external_id} is missing")
            continue
        gone = order.status is OrderStatus.CANCELLED
        if mine[order.lines[0].external_id][2] != order.status:
            world.broken(f"orders_agree: {order.external_id} is not {order.status}")
        for line in order.lines:
            row = mine[line.external_id]
            off = max(line.cancelled, row[9])  # what we took off stays off
            wanted = 0 if gone else max(0, line.quantity - off)
            if row[4] - row[5] != max(wanted, row[6]):
                world.broken(f"orders_agree: {line.external_id} wants {wanted}, the hub has {row}")


def _units(world: World) -> None:
    """Every unit is accounted for, those who wait are served, and every listing shows its offer."""
    held = _held(world)
    for sku, number in world.products.items():
        units = held.get(number, Held())
        if units.inside + units.shipped != world.received[sku]:
            said = f"{sku}: {units} of {world.received[sku]} received"
            world.broken(f"units_are_accounted_for: {said}")
        if units.waiting and units.available:
            world.broken(f"who_waits_is_served: {sku}: {units}")
    names = {number: name for name, number in world.accounts.items()}
    for one in _listings(world, held):
        shown = world.shops[names[one.account_id]].stock[one.key]
        if one.paused:
            continue
        if shown != one.right:
            world.broken(f"listings_show_offers: {one.key} shows {shown}, not {one.right}")
        elif not one.desired == one.sent == one.confirmed:
            world.broken(f"listings_show_offers: {one.key} is not confirmed")


def _offer(
    available: int, waiting: int, safety: int, share: int, buffer: int, cap: int | None
) -> int:
    """By the book, not by the hub's own function."""
    free = max(0, available - waiting - safety) * share // 100 - buffer
    return max(0, free if cap is None else min(free, cap))
