"""Plans as rows a person reads: stock by place, lines, listings; before and after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select

from hub.channels import accounts, offers
from hub.channels.models import account, listing
from hub.conflicts.life import Row
from hub.db import Transaction
from hub.inventory import claims, products
from hub.inventory.allocating import Share
from hub.inventory.availability import Rule, switched
from hub.inventory.availability import offer as decide
from hub.inventory.ledger import LevelKey, Levels, net_changes
from hub.inventory.models import State
from hub.sales.shortages import Waiting

#: A product may have many listings; so many are shown.
MOST_LISTINGS = 20


def stock_rows(tx: Transaction, levels: Levels, changes: Mapping[LevelKey, int]) -> list[Row]:
    """What happens to stock, place by place."""
    names = {one.id: one.sku for one in products.these(tx, [key.product_id for key in changes])}
    places = {one.id: one.code for one in products.locations(tx)}
    rows = []
    for key, change in sorted(changes.items()):
        if change:
            where = f"{places[key.location_id]}, {State(key.state).name.lower()}"
            before = levels.at(key)
            rows.append(
                Row("stock", f"{names[key.product_id]} at {where}", before, before + change)
            )
    return rows


def allocated(shares: Iterable[Share]) -> Mapping[LevelKey, int]:
    """What allocating does to levels."""
    return net_changes(claims.allocating_moves(shares))


def line_rows(lines: Sequence[Waiting], wanted: Mapping[int, int], got: Counter[int]) -> list[Row]:
    """Lines that were told what they are of: ``wanted`` units each, of which some were got."""
    rows = []
    for one in lines:
        units, mine = wanted[one.id], got[one.id]
        rows.append(Row("order_line", f"{one.name}: waiting for a link", units, 0))
        if mine:
            told = f"{one.name}: allocated"
            rows.append(Row("order_line", told, one.allocated, one.allocated + mine))
        if units > mine:
            told = f"{one.name}: short of stock"
            rows.append(Row("order_line", told, one.claimed, one.claimed + units - mine))
    return rows


def units_got(shares: Iterable[Share]) -> Counter[int]:
    """Line → units."""
    got: Counter[int] = Counter()
    for share in shares:
        got[share.line_id] += share.quantity
    return got


def offer_rows(
    tx: Transaction, product_id: int, levels: Levels, changes: Mapping[LevelKey, int], waiting: int
) -> list[Row]:
    """What the product's listings would show once its stock has changed."""
    here = (account.c.seller_id == listing.c.seller_id) & (account.c.id == listing.c.account_id)
    found = tx.execute(
        select(
            listing.c.id,
            listing.c.account_id,
            listing.c.title,
            listing.c.external_id,
            listing.c.desired_quantity,
            account.c.name,
            account.c.stock_mode,
        )
        .join(account, here)
        .where(listing.c.seller_id == tx.seller_id, listing.c.product_id == product_id)
        .order_by(listing.c.id)
        .limit(MOST_LISTINGS)
    )
    rows = []
    for number, account_id, title, key, present, shop, mode in found:
        free = {
            place: levels.available(product_id, place)
            + changes.get(LevelKey(product_id, place, State.AVAILABLE), 0)
            for place in accounts.serving_locations(tx, account_id)
        }
        made = decide(free, waiting, rule_of(tx, account_id, number))
        quantity = (switched(made) if mode == accounts.SWITCH else made).quantity
        if quantity != present:
            rows.append(Row("listing", f"{title or key} at {shop}: shows", present, quantity))
    return rows


def rule_of(tx: Transaction, account_id: int, listing_id: int) -> Rule:
    """The listing's own rule, else its account's."""
    return offers.rule(tx, account_id, listing_id) or offers.rule(tx, account_id) or Rule()
