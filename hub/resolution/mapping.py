"""Saying what a listing, or a line of one, is of: a product there is, or a new one.

Orders are locked before the product, the product before the listing: lines that wait for the link
get their stock in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import select

from hub.channels import accounts, listings
from hub.channels import models as channels
from hub.conflicts.life import Row
from hub.db import Transaction
from hub.errors import InvalidInput
from hub.inventory import ledger, products
from hub.inventory.allocating import Demand, allocate
from hub.inventory.products import NewProduct, Product, sku_key
from hub.resolution.plans import Case, Plan, impossible
from hub.resolution.showing import allocated, line_rows, stock_rows, units_got
from hub.sales import backorders, shortages
from hub.sales.shortages import Waiting


def link_line(tx: Transaction, case: Case) -> Plan:
    line = _waiting(tx, case)
    found = _listing(tx, line.account_id, line.listing_key)
    product = _product(tx, case)
    if found is None:
        return _give(tx, case, line, product)
    return _link(tx, case, found, product)


def create_line(tx: Transaction, case: Case) -> Plan:
    line = _waiting(tx, case)
    found = _listing(tx, line.account_id, line.listing_key)
    known: listings.Shown | Waiting = line if found is None else found
    new = _new(tx, case, known.sku, known.title)
    lines = [line] if found is None else _lines(tx, found)

    def act(tx: Transaction, product_id: int) -> None:
        if found is None:
            shortages.give_product(tx, line.id, product_id)
        else:
            _act(tx, found, product_id, lines)

    return _create(new, found, lines, act)


def link_listing(tx: Transaction, case: Case) -> Plan:
    return _link(tx, case, _unlinked(tx, case), _product(tx, case))


def create_listing(tx: Transaction, case: Case) -> Plan:
    found = _unlinked(tx, case)
    lines = _lines(tx, found)
    new = _new(tx, case, found.sku, found.title)
    return _create(new, found, lines, lambda tx, number: _act(tx, found, number, lines))


def _waiting(tx: Transaction, case: Case) -> Waiting:
    line = shortages.line(tx, case.row)
    if not line.pending:
        raise impossible(f"{line.name} does not wait for a link any more")
    return line


def _listing(tx: Transaction, account_id: int, key: str) -> listings.Shown | None:
    """The listing a line names, where the catalogue has shown it."""
    table = channels.listing
    number = tx.execute(
        select(table.c.id).where(
            table.c.seller_id == tx.seller_id,
            table.c.account_id == account_id,
            table.c.external_id == key,
        )
    ).scalar()
    return listings.get(tx, number) if number and key else None


def _unlinked(tx: Transaction, case: Case) -> listings.Shown:
    found = listings.get(tx, case.row)
    if found.product_id is not None:
        raise impossible(f"listing {found.id} sells a product by now")
    if found.state == "ended":
        raise impossible(f"listing {found.id} has ended at the channel")
    return found


def _lines(tx: Transaction, found: listings.Shown) -> list[Waiting]:
    return shortages.of_listing(tx, found.account_id, found.external_id)


def _product(tx: Transaction, case: Case) -> Product:
    """Raises InvalidInput for a SKU there is not."""
    sku = case.asked.told.sku or ""
    number = products.by_sku(tx, [sku]).get(sku_key(sku))
    if number is None:
        raise InvalidInput("arguments.sku", "is no product of yours")
    return products.these(tx, [number])[0]


def _new(tx: Transaction, case: Case, sku: str, title: str) -> NewProduct:
    wanted = case.asked.told.sku or sku
    try:
        key = sku_key(wanted)
    except InvalidInput as error:
        raise InvalidInput("arguments.sku", error.reason) from None
    if key in products.by_sku(tx, [wanted]):
        raise impossible(f"a product with the SKU {wanted!r} exists already: link it")
    return NewProduct(wanted, title[:500])


def _link(tx: Transaction, case: Case, found: listings.Shown, product: Product) -> Plan:
    if found.product_id is not None:
        raise impossible(f"listing {found.id} sells a product by now")
    lines = _lines(tx, found)
    return Plan(
        (_linked(found, product.sku), *_served(tx, case, found.account_id, product.id, lines)),
        lambda tx: _act(tx, found, product.id, lines),
        _push_notes(tx, found),
    )


def _give(tx: Transaction, case: Case, line: Waiting, product: Product) -> Plan:
    rows = _served(tx, case, line.account_id, product.id, [line])
    note = "the catalogue has no such listing: only this line is told what it is of"
    return Plan(
        (Row("order_line", f"{line.name}: product", None, product.sku), *rows),
        lambda tx: shortages.give_product(tx, line.id, product.id),
        (note,),
    )


def _served(
    tx: Transaction, case: Case, account_id: int, product_id: int, lines: Sequence[Waiting]
) -> list[Row]:
    """What the waiting lines get of the stock there is."""
    levels = case.levels(tx, [product_id], [one.id for one in lines])
    demands = [Demand(one.id, product_id, one.pending) for one in lines]
    shares = allocate(demands, levels, accounts.serving_locations(tx, account_id)).shares
    wanted = {one.id: one.pending for one in lines}
    rows = stock_rows(tx, levels, allocated(shares))
    return [*rows, *line_rows(lines, wanted, units_got(shares))]


def _create(
    new: NewProduct,
    found: listings.Shown | None,
    lines: Sequence[Waiting],
    act: Callable[[Transaction, int], None],
) -> Plan:
    """A new product has no stock yet: what waited for a link then waits for stock."""
    rows = [Row("product", new.sku, None, new.name or new.sku)]
    rows += [_linked(found, new.sku)] if found else []
    wanted = {one.id: one.pending for one in lines}
    rows += line_rows(lines, wanted, units_got(()))
    note = "the product has no stock yet: the listing shows 0 once it is pushed"

    def create(tx: Transaction) -> None:
        if lines:
            shortages.lock_orders(tx, [one.id for one in lines])
        made = products.add_products(tx, [new])
        act(tx, made[new.sku])

    return Plan(tuple(rows), create, (note,))


def _linked(found: listings.Shown, sku: str) -> Row:
    return Row("listing", f"{found.title or found.external_id}: product", None, sku)


def _push_notes(tx: Transaction, found: listings.Shown) -> tuple[str, ...]:
    account = accounts.get(tx, found.account_id)
    if account.mode != accounts.LIVE:
        return (f"{account.name} is not live: nothing is pushed to it",)
    return ("the listing's offer is derived and pushed at once",)


def _act(tx: Transaction, found: listings.Shown, product_id: int, lines: Sequence[Waiting]) -> None:
    """Orders are locked by now, or wait for nothing; the product comes before the listing. One
    that has ended sells no more, but what it sold needs its stock."""
    ledger.lock(tx, [product_id])
    if found.state == "ended":
        listings.link(tx, found.account_id, {found.id: product_id})
    else:
        listings.link_one(tx, found.id, product_id, expected_version=found.version)
    if lines:
        backorders.allocate_pending(tx, found.account_id)
