"""What a seller's ledger says, by names that two sellers share: never by a row's number.

Left out is what tells of the way and not of the end: versions and ids, belief about the channel's
numbers, of lines that the shop dropped everything but the units they still hold or have had, and of
lines that ask for nothing the product.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import text

from hub import invariants
from hub.inventory.models import State
from hub.schema import INVARIANTS
from tests.simulation.delivery import Seller

Facts = dict[str, dict[tuple[Any, ...], Any]]

QUERIES = {
    "orders": """
        SELECT a.name, o.external_id, o.number, o.status, o.channel_status, o.currency, o.total,
               o.placed_at, o.source_updated_at, o.content_hash, o.test
          FROM sales_order o JOIN account a ON a.id = o.account_id""",
    "lines": """
        SELECT a.name, o.external_id, l.external_id, l.listing_key, p.sku, l.title, l.unit_price,
               l.total, l.quantity, l.cancelled, l.allocated, l.claimed, l.pending, l.shipped,
               l.settled, l.returned
          FROM order_line l JOIN sales_order o ON o.id = l.order_id
          JOIN account a ON a.id = o.account_id LEFT JOIN product p ON p.id = l.product_id""",
    "allocations": """
        SELECT a.name, o.external_id, l.external_id, p.sku, s.code, h.quantity
          FROM allocation h JOIN order_line l ON l.id = h.line_id
          JOIN sales_order o ON o.id = l.order_id JOIN account a ON a.id = o.account_id
          JOIN product p ON p.id = h.product_id JOIN location s ON s.id = h.location_id
         WHERE h.quantity > 0""",
    "claims": """
        SELECT a.name, o.external_id, l.external_id, p.sku, c.wanted - c.filled
          FROM claim c JOIN order_line l ON l.id = c.line_id
          JOIN sales_order o ON o.id = l.order_id JOIN account a ON a.id = o.account_id
          JOIN product p ON p.id = c.product_id WHERE c.filled < c.wanted""",
    "levels": """
        SELECT p.sku, s.code, v.state, v.quantity FROM level v JOIN product p ON p.id = v.product_id
          JOIN location s ON s.id = v.location_id WHERE v.quantity > 0""",
    "offers": """
        SELECT a.name, l.external_id, l.desired_quantity
          FROM listing l JOIN account a ON a.id = l.account_id""",
    "refunds": """
        SELECT a.name, r.external_id, g.quantity, g.sellable FROM refund r
          JOIN account a ON a.id = r.account_id JOIN returned g ON g.refund_id = r.id""",
    "conflicts": """
        SELECT c.kind, a.name, coalesce(o.external_id, split_part(c.subject, ':', 3)),
               l.external_id, c.account_id IS NULL
          FROM conflict c LEFT JOIN order_line l ON c.subject = 'order_line:' || l.id
          LEFT JOIN sales_order o ON o.id = l.order_id LEFT JOIN account a ON a.id = c.account_id
         WHERE c.state IN ('open', 'in_progress')""",
    "unread": "SELECT event_id, state FROM webhook WHERE state <> 'done'",
}
#: How many leading columns name a fact; the rest is what it says.
NAMES = {"orders": 2, "lines": 3, "allocations": 5, "claims": 4, "levels": 3, "offers": 2,
         "refunds": 2, "conflicts": 5, "unread": 1}  # fmt: skip
#: Columns of a line, after its name.
SOLD, COUNTED, HELD = slice(0, 5), slice(5, 7), slice(7, None)
WAITS_FOR_A_PERSON = "edited_after_shipment"


def facts(seller: Seller) -> Facts:
    """Everything that must come out the same, once what must always hold has been checked."""
    found: Facts = {}
    with seller.database.transaction(seller.id) as tx:
        assert invariants.check(tx, INVARIANTS) == []
        for kind, query in QUERIES.items():
            rows = [tuple(row) for row in tx.execute(text(query))]
            names = NAMES[kind]
            found[kind] = {row[:names]: row[names:] for row in rows}
            assert len(found[kind]) == len(rows), f"{kind}: one name twice"
    _forget_what_is_moot(seller, found)
    return found


def _forget_what_is_moot(seller: Seller, found: Facts) -> None:
    last = seller.history.last_lines()
    for key, line in list(found["lines"].items()):
        if key not in last:
            del found["lines"][key]
            if any(line[HELD]):
                found["lines"][(*key, "dropped")] = line[HELD]
        elif not any(line[HELD]):
            # It asks for nothing, and so needs no product: none is looked for.
            found["lines"][key] = (line[0], "", *line[2:])


def whole(found: Facts) -> Facts:
    """Of a history without contention: all of it. Whether a person has been told that units were
    taken off which had left is a matter of what was seen on the way: it stays open for that person.
    :func:`untold` looks that it was not missed."""
    kept = {key: said for key, said in found["conflicts"].items() if key[0] != WAITS_FOR_A_PERSON}
    return {**found, "conflicts": kept}


def shared_out(found: Facts) -> Facts:
    """Of a contended history: who got the last unit depends on who came first. But each line wants
    the same, and of each product as much is held, owed and free; who waits has a conflict."""
    lines = {}
    held: Counter[tuple[Any, ...]] = Counter()
    for key, line in found["lines"].items():
        if key[-1] == "dropped":
            lines[key] = line
            continue
        allocated, claimed, *rest = line[HELD]
        lines[key] = (*line[SOLD], *line[COUNTED], allocated + claimed, *rest)
        held[line[1], "allocated"] += allocated
        held[line[1], "claimed"] += claimed
    levels: Counter[tuple[Any, ...]] = Counter()
    for (sku, _, state), (units,) in found["levels"].items():
        levels[sku, State(state).name] += units
    rest_of_it = {kind: found[kind] for kind in ("orders", "offers", "refunds", "unread")}
    told = {key: () for key in found["conflicts"] if key[0] not in ("oversold", WAITS_FOR_A_PERSON)}
    return {**rest_of_it, "lines": lines, "held": dict(held), "levels": dict(levels),
            "conflicts": told}  # fmt: skip


def untold(clean: Facts, seen: Facts) -> list[str]:
    """In words, where a person is told of what is not so, or not told of what is."""
    short = {key[:3] for key in seen["claims"]}
    told = {key[1:4] for key in seen["conflicts"] if key[0] == "oversold"}
    wrong = [f"{key} is short, and there is no conflict" for key in sorted(short - told)]
    wrong += [f"{key} is not short, and there is a conflict" for key in sorted(told - short)]
    left = {key for key in clean["conflicts"] if key[0] == WAITS_FOR_A_PERSON}
    missing = left - {*seen["conflicts"]}
    return [*wrong, *(f"{key} is missing" for key in sorted(missing, key=str))]


def differences(clean: Facts, seen: Facts) -> list[str]:
    """In words, each fact that is not the same."""
    return [
        f"{kind} {key}: {of.get(key)} by one clean pull, {other.get(key)} by this schedule"
        for kind, of in clean.items()
        for other in (seen[kind],)
        for key in sorted({*of, *other}, key=str)
        if of.get(key) != other.get(key)
    ]
