"""What must hold of what channels are told after a sale, and of the way in to them."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from hub.channels.leases import FlowHeld
from sync.keeping import FLOW
from tests.simulation.desk import plain
from tests.simulation.world import World

#: Units that we took off stay off, whatever the channel still counts.
COME_BACK = """
SELECT external_id, withdrawn, cancelled FROM order_line WHERE seller_id = %(seller)s
   AND cancelled < least(withdrawn, quantity - shipped - settled) ORDER BY 1
"""
#: What fails so often in a row is left alone for a while (:data:`sync.retry.BREAKS`).
ASKED_ON = """
SELECT account_id, flow FROM flow WHERE seller_id = %(seller)s AND health = 'failing'
   AND attempts >= 5 AND lease_until = '-infinity' ORDER BY 1, 2
"""
LOST = """
SELECT account_id, flow FROM flow WHERE seller_id = %(seller)s AND health = 'reauthorise'
 ORDER BY 1, 2
"""
#: A person is told of units that were shipped and taken off, where none was shipped.
FALSE_ALARMS = """
SELECT summary FROM conflict WHERE seller_id = %(seller)s AND kind = 'edited_after_shipment'
   AND evidence -> 'hub' ->> 'shipped' = '0' ORDER BY 1
"""
KEPT = """
SELECT lease_token, greatest(lease_until, 'epoch'::timestamptz)
  FROM flow WHERE account_id = %(account)s AND flow = %(flow)s
   FOR UPDATE SKIP LOCKED
"""
PARCELS = """
SELECT s.account_id, o.external_id, s.key, s.state, s.tracking_number FROM shipment s
  JOIN sales_order o ON o.seller_id = s.seller_id AND o.id = s.order_id
 WHERE s.seller_id = %(seller)s ORDER BY o.external_id, s.number
"""
PACKED = """
SELECT s.key, l.external_id, i.quantity FROM shipment_line i
  JOIN shipment s ON s.seller_id = i.seller_id AND s.id = i.shipment_id
  JOIN order_line l ON l.seller_id = i.seller_id AND l.id = i.order_line_id
 WHERE i.seller_id = %(seller)s
"""
CANCELLATIONS = """
SELECT c.account_id, o.external_id, c.key, c.state FROM cancellation c
  JOIN sales_order o ON o.seller_id = c.seller_id AND o.id = c.order_id
 WHERE c.seller_id = %(seller)s ORDER BY o.external_id, c.id
"""
#: Those that came with goods over our own counter are in no shop's books.
REFUNDS = """
SELECT r.account_id, r.external_id, r.amount, o.external_id FROM refund r
  LEFT JOIN sales_order o ON o.seller_id = r.seller_id AND o.id = r.order_id
 WHERE r.seller_id = %(seller)s AND r.state = 'done' AND r.external_id NOT LIKE 'goods back %%'
 ORDER BY r.external_id
"""
TOLD = """
SELECT o.account_id, s.external_id, o.payload ->> 'key', o.payload ->> 'tracking_number'
  FROM outbox o JOIN sales_order s ON s.seller_id = o.seller_id AND s.id = o.order_id
 WHERE o.seller_id = %(seller)s ORDER BY o.id
"""


def kept(world: World) -> None:
    """Who works, and was never frozen, has what it holds; but what somebody is just writing is
    passed over by its keeper."""
    for task, keeper in world.keepers.items():
        for holding in list(keeper._holdings) if task.kept else ():
            if holding.kind is not FLOW:
                continue
            for held in holding.held_since(world.clock.seconds):
                assert isinstance(held, FlowHeld)
                now = world.look(KEPT, account=held.account_id, flow=held.flow)
                task.kept &= bool(now)
                if now and now[0][0] == held.token and now[0][1] < world.clock.now:
                    said = f"{task.name} works, and its lease has ended"
                    world.broken(f"who_works_keeps_its_lease: {said}")


def at_any_moment(world: World) -> None:
    for line, withdrawn, cancelled in world.look(COME_BACK, seller=world.seller_id):
        said = f"{line}: {withdrawn} were taken off, {cancelled} are"
        world.broken(f"what_is_taken_off_stays_off: {said}")
    for (said,) in world.look(FALSE_ALARMS, seller=world.seller_id):
        world.broken(f"no_false_alarm: {said}")
    for account_id, flow in world.look(ASKED_ON, seller=world.seller_id):
        said = f"{flow} of {world.name_of(account_id)} goes on"
        world.broken(f"what_fails_is_left_alone: {said}")


def at_rest(world: World) -> None:
    packed: dict[str, dict[str, int]] = defaultdict(dict)
    for key, line, quantity in world.look(PACKED, seller=world.seller_id):
        packed[key][line] = quantity
    parcels = world.look(PARCELS, seller=world.seller_id)
    _parcels(world, parcels, packed)
    _once(world, "parcel", parcels)
    _once(world, "cancellation", world.look(CANCELLATIONS, seller=world.seller_id))
    _refunds(world)
    _in_order(world)
    for name, shop in world.shops.items():
        if not shop.subscribed:
            world.broken(f"webhooks_are_subscribed: {name} sends none")
    # Not before: who slept for longer than a token lives is refused once, and tries again.
    for account_id, flow in world.look(LOST, seller=world.seller_id):
        name = world.name_of(account_id)
        if not world.gates[name].taken_away:
            world.broken(f"tokens_are_kept: {flow} of {name} wants a person, and nobody took it")


def _once(world: World, what: str, rows: list[tuple[Any, ...]]) -> None:
    """What was taken took effect once, what was refused did not."""
    for account_id, order, key, state, *_ in rows:
        done = world.desks[world.name_of(account_id)].done[key]
        wanted = {"told": 1, "refused": 0, "own": 0}.get(state)
        if done != wanted and key not in world.watch.twice:
            world.broken(f"told_once: a {what} of {order} is {state}, and was done {done} times")


def _parcels(world: World, rows: list[tuple[Any, ...]], packed: dict[str, dict[str, int]]) -> None:
    known = {row[2] for row in rows}
    there = {
        name: {plain(key): one for key, one in desk.parcels.items()}
        for name, desk in world.desks.items()
    }
    for account_id, order, key, state, number in rows:
        parcel = there[world.name_of(account_id)].get(key)
        if state != "told" or parcel is None:
            continue
        if parcel.tracking_number != number:
            said = f"{order} shows {parcel.tracking_number}, not {number}"
            world.broken(f"parcels_agree: {said}")
        if {one.line_key: one.quantity for one in parcel.lines} != packed[key]:
            world.broken(f"parcels_agree: one of {order} has other lines")
    for name, parcels in there.items():
        if parcels.keys() - known:
            world.broken(f"told_once: {name} has a parcel that we never sent")


def _refunds(world: World) -> None:
    ours: dict[int, list[tuple[str, int, str]]] = defaultdict(list)
    for account_id, *refund in world.look(REFUNDS, seller=world.seller_id):
        ours[account_id].append((refund[0], refund[1], refund[2]))
    for name, desk in world.desks.items():
        shop, mine = world.shops[name], ours[world.accounts[name]]
        bad = world.unreadable(world.accounts[name])
        theirs = [
            (one.refund.external_id, one.refund.amount, one.refund.order_key)
            for one in desk.refunds
            if one.refund.order_key not in bad
        ]
        known = [one for one in mine if one[2] not in bad and one[2] is not None]
        if shop.kind != "told" and sorted(known) != sorted(theirs):
            said = f"{name} gave {sorted(theirs)}, the hub has {sorted(known)}"
            world.broken(f"refunds_agree: {said}")


def _in_order(world: World) -> None:
    """Of one order things are told in the order they happened."""
    wanted: dict[tuple[str, str], list[str]] = defaultdict(list)
    for account_id, order, key, number in world.look(TOLD, seller=world.seller_id):
        wanted[world.name_of(account_id), order].append(f"{key} {number or ''}")
    for (name, order), names in wanted.items():
        first = world.desks[name].told[order]
        if first != [one for one in names if one in first]:
            world.broken(f"told_in_order: of {order} a later thing was told first")
