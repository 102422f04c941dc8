"""Does the hub agree with the simulated shops? What must be true at the end of a demo."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import func, select

from connectors.simulators.shop import Shop
from hub import invariants
from hub.channels import listings
from hub.conflicts.record import open_kinds
from hub.db import Database, Transaction
from hub.sales.models import order_line, sales_order
from hub.schema import INVARIANTS


@dataclass(frozen=True, slots=True)
class ShopView:
    """One shop against its account. ``missing`` and ``doubled`` are orders; ``wrong`` listings
    that do not show their offer, or are not confirmed to."""

    orders: int
    in_hub: int
    missing: int
    doubled: int
    listings: int
    wrong: int
    units_sold: int
    units_in_hub: int


@dataclass(frozen=True, slots=True)
class Picture:
    shops: Mapping[str, ShopView]
    broken: tuple[str, ...] = ()
    conflicts: Mapping[str, int] = field(default_factory=dict)

    @property
    def converged(self) -> bool:
        return not self.broken and all(
            view.missing == view.doubled == view.wrong == 0 and view.units_sold == view.units_in_hub
            for view in self.shops.values()
        )


def picture(database: Database, seller_id: int, shops: Mapping[str, tuple[int, Shop]]) -> Picture:
    """``shops`` maps a name to (account id, the simulated shop)."""
    with database.transaction(seller_id) as tx:
        views = {name: _view(tx, number, shop) for name, (number, shop) in shops.items()}
        broken = tuple(one.invariant for one in invariants.check(tx, INVARIANTS))
        return Picture(views, broken, open_kinds(tx))


def _view(tx: Transaction, account_id: int, shop: Shop) -> ShopView:
    with shop.lock:
        sold = {sale.key.rpartition("/")[2]: sale for sale in shop.orders}
        quantities = {shop.listing_key(one.key): one.quantity for one in shop.variants}
    found = Counter(
        str(key).rpartition("/")[2]
        for key in tx.execute(
            select(sales_order.c.external_id).where(
                sales_order.c.seller_id == tx.seller_id, sales_order.c.account_id == account_id
            )
        ).scalars()
    )
    wrong = total = 0
    for row in listings.listings(tx, account_id, limit=1_000_000):
        total += 1
        shown = quantities.get(row.external_id.rpartition("/")[2])
        settled = row.confirmed_version == row.desired_version
        wrong += shown is None or shown != row.offer or not settled
    return ShopView(
        orders=len(sold),
        in_hub=len(found),
        missing=len(sold.keys() - found.keys()),
        doubled=sum(count - 1 for count in found.values()),
        listings=total,
        wrong=wrong,
        units_sold=sum(line.quantity - line.cancelled for s in sold.values() for line in s.lines),
        units_in_hub=_units(tx, account_id),
    )


def _units(tx: Transaction, account_id: int) -> int:
    wanted = func.sum(order_line.c.quantity - order_line.c.cancelled)
    found = tx.execute(
        select(func.coalesce(wanted, 0))
        .join(
            sales_order,
            (sales_order.c.seller_id == order_line.c.seller_id)
            & (sales_order.c.id == order_line.c.order_id),
        )
        .where(order_line.c.seller_id == tx.seller_id, sales_order.c.account_id == account_id)
    ).scalar()
    return int(found or 0)
