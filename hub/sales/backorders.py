"""Giving waiting lines the stock that has come: most urgent first, oldest first."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Executable, func, literal_column, select, union_all

from hub.channels.accounts import serving_locations
from hub.channels.models import listing
from hub.conflicts.record import close_conflicts
from hub.db import SELLER, Transaction, among
from hub.inventory import claims
from hub.inventory.allocating import allocate
from hub.inventory.ledger import Move, Posting, lock, post, read_levels
from hub.inventory.models import claim
from hub.inventory.products import own_locations
from hub.sales import delivering, holding, shortages
from hub.sales.lines import DOCUMENT, Change
from hub.sales.models import order_line, sales_order

_WANTED = (
    select(claim.c.product_id)
    .where(
        claim.c.seller_id == SELLER,
        among(claim.c.product_id, "ids"),
        claim.c.filled < claim.c.wanted,
    )
    .distinct()
)


def serve_waiting(tx: Transaction, product_ids: Sequence[int]) -> int:
    """What waits for these products, for a link or for stock, gets its share; answers how much
    found an owner. One look where nobody waits."""
    found = {kind for (kind,) in tx.execute(_ANYBODY, tx.params(ids=product_ids))}
    got = link_waiting(tx, product_ids) if "link" in found else 0
    return got + (fill_waiting(tx, product_ids) if found else 0)


def lock_waiting(tx: Transaction, product_ids: Sequence[int]) -> int:
    """Lock the orders that wait for these products' stock: who is about to bring it locks them
    before the products. Answers how many lines wait."""
    if not products_waiting(tx, product_ids):
        return 0
    lines = [one.line_id for one in claims.waiting(tx, DOCUMENT, product_ids)]
    shortages.lock_orders(tx, lines)
    return len(lines)


def products_waiting(tx: Transaction, product_ids: Sequence[int]) -> list[int]:
    """Which of these products somebody waits for. One indexed look, no lock."""
    return sorted(tx.execute(_WANTED, tx.params(ids=product_ids)).scalars())


def fill_waiting(tx: Transaction, product_ids: Sequence[int]) -> int:
    """Allocate what is available now to open claims; answers the units that found an owner."""
    wanted = products_waiting(tx, product_ids)
    if not wanted:
        return 0
    # A lock notes a stock change: where nothing is there to give, deriving would never end.
    places = own_locations(tx)
    likely = allocate(claims.waiting(tx, DOCUMENT, wanted), read_levels(tx, wanted), places).shares
    if not likely:
        return 0
    lines = {share.line_id for share in likely}
    shortages.lock_orders(tx, sorted(lines))
    levels = lock(tx, {share.product_id for share in likely})
    still = [one for one in claims.waiting(tx, DOCUMENT, wanted) if one.line_id in lines]
    decision = allocate(still, levels, places)
    if not decision.shares:
        return 0
    moves: list[Move] = claims.allocating_moves(decision.shares)
    key = f"fill:{tx.ids(1)[0]}"
    post(tx, [Posting(key, "backorder", moves)], levels=levels)
    claims.hold(tx, DOCUMENT, decision.shares)
    claims.fill(tx, DOCUMENT, decision.shares)
    _serve(tx, {share.line_id for share in decision.shares})
    delivering.note_lines(tx, sorted({share.line_id for share in decision.shares}))
    return sum(share.quantity for share in decision.shares)


def _serve(tx: Transaction, line_ids: set[int]) -> None:
    """Bring the lines' own counts up to what claims and allocations now say."""
    ids = sorted(line_ids)
    open_units = (
        select(func.coalesce(func.sum(claim.c.wanted - claim.c.filled), 0))
        .where(
            claim.c.seller_id == tx.seller_id,
            claim.c.document == DOCUMENT,
            claim.c.line_id == order_line.c.id,
        )
        .scalar_subquery()
    )
    held = order_line.c.allocated + order_line.c.claimed
    done = tx.execute(
        order_line.update()
        .values(claimed=open_units, allocated=held - open_units)
        .where(order_line.c.seller_id == tx.seller_id, order_line.c.id == func.any(ids))
        .returning(order_line.c.id, order_line.c.claimed)
    )
    left = {number: units for number, units in done}
    served = [f"order_line:{number}" for number, units in left.items() if not units]
    close_conflicts(tx, "oversold", served)
    shortages.report_short(tx, [number for number, units in left.items() if units])


_UNSERVED = (
    select(sales_order.c.account_id)
    .select_from(listing)
    .join(
        order_line,
        (order_line.c.seller_id == listing.c.seller_id)
        & (order_line.c.listing_key == listing.c.external_id)
        & (order_line.c.pending > 0),
    )
    .join(
        sales_order,
        (sales_order.c.seller_id == order_line.c.seller_id)
        & (sales_order.c.id == order_line.c.order_id)
        & (sales_order.c.account_id == listing.c.account_id),
    )
    .where(listing.c.seller_id == SELLER, among(listing.c.product_id, "ids"))
    .distinct()
)


_ANYBODY: Executable = union_all(
    select(literal_column("'link'")).where(_UNSERVED.exists()),
    select(literal_column("'stock'")).where(_WANTED.exists()),
)


def link_waiting(tx: Transaction, product_ids: Sequence[int]) -> int:
    """Lines that waited for a listing of these products to be linked become demand. Two indexed
    looks where nobody waits. Answers how many lines."""
    found = tx.execute(_UNSERVED, tx.params(ids=product_ids))
    return sum(allocate_pending(tx, account_id) for account_id in sorted(found.scalars()))


def allocate_pending(tx: Transaction, account_id: int) -> int:
    """Listings of an account have been linked: the order lines that waited for that become demand.
    Answers how many lines."""
    linked = _linked_by_now(tx, account_id)
    if not linked:
        return 0
    waiting = {line_id: product_id for line_id, _, product_id in linked}
    orders = sorted({order_id for _, order_id, _ in linked})
    lines = [line for line in holding.load_lines(tx, orders) if line.id in waiting]
    changes = []
    for line in lines:
        line.product_id = waiting[line.id]
        changes.append(Change(line, line.pending))
        line.pending = 0
    attempt = tx.ids(1)[0]
    keys = {order_id: f"link:{order_id}:{attempt}" for order_id in orders}
    holding.hold(tx, changes, serving_locations(tx, account_id), keys)
    holding.save_lines(tx, lines)
    delivering.note_lines(tx, [line.id for line in lines])
    close_conflicts(tx, "order_line_unmapped", [f"order_line:{line.id}" for line in lines])
    shortages.report_short(tx, [line.id for line in lines if line.claimed])
    return len(lines)


def _linked_by_now(tx: Transaction, account_id: int) -> list[tuple[int, int, int]]:
    """(line, order, product) of pending lines whose listing sells a product by now."""
    same_order = (sales_order.c.seller_id == order_line.c.seller_id) & (
        sales_order.c.id == order_line.c.order_id
    )
    same_listing = (
        (listing.c.seller_id == order_line.c.seller_id)
        & (listing.c.account_id == sales_order.c.account_id)
        & (listing.c.external_id == order_line.c.listing_key)
    )
    found = tx.execute(
        select(order_line.c.id, order_line.c.order_id, listing.c.product_id)
        .join(sales_order, same_order)
        .join(listing, same_listing)
        .where(
            order_line.c.seller_id == tx.seller_id,
            order_line.c.pending > 0,
            sales_order.c.account_id == account_id,
            listing.c.product_id.is_not(None),
        )
        .with_for_update(of=sales_order, key_share=True)
    )
    return [(line_id, order_id, product_id) for line_id, order_id, product_id in found]
