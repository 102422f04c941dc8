"""Purchase orders: made, read, and locked. Their steps are in :mod:`hub.purchasing.stepping`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Date,
    Integer,
    String,
    bindparam,
    func,
    insert,
    select,
)
from sqlalchemy.exc import IntegrityError

from hub.db import SELLER, Kind, Transaction, among, rows
from hub.errors import Conflict, InvalidInput, NotFound
from hub.money import exponent
from hub.purchasing import pricelists, settings, suppliers
from hub.purchasing.counting import Line
from hub.purchasing.models import purchase_line, purchase_order
from hub.purchasing.prices import PriceList, Rate, quote

MOST_LINES = 5_000


@dataclass(frozen=True, slots=True)
class NewLine:
    """``unit_price`` None: what the supplier's price list says today."""

    product_id: int
    quantity: int
    unit_price: int | None = None
    unit_cost: int | None = None
    expected_on: date | None = None
    supplier_code: str = ""


@dataclass(frozen=True, slots=True)
class NewOrder:
    """``currency`` "": the supplier's. ``rate``: of that currency in the seller's; not needed where
    they are the same. Tolerances that are None are the seller's own."""

    supplier_id: int
    location_id: int
    lines: Sequence[NewLine]
    number: str = ""
    kind: str = "stock"
    currency: str = ""
    rate: Rate | None = None
    over_percent: int | None = None
    under_percent: int | None = None
    expected_on: date | None = None
    note: str = ""


class Order(NamedTuple):
    id: int
    number: str
    kind: str
    supplier_id: int
    location_id: int
    state: str
    currency: str
    rate_numerator: int | None
    rate_denominator: int | None
    over_percent: int
    under_percent: int
    expected_on: date | None
    note: str
    made_by: str
    approved_by: str
    version: int
    made_at: datetime
    approved_at: datetime | None
    sent_at: datetime | None
    confirmed_at: datetime | None
    shipped_at: datetime | None
    received_at: datetime | None
    closed_at: datetime | None

    @property
    def rate(self) -> Rate | None:
        if self.rate_numerator is None or self.rate_denominator is None:
            return None
        return Rate(self.rate_numerator, self.rate_denominator)


class Sums(NamedTuple):
    """An order's lines, summed; ``total`` of what is not cancelled."""

    lines: int
    units: int
    received: int
    rejected: int
    inspecting: int
    total: int


_ORDER = [purchase_order.c[name] for name in Order._fields]
_LINE = [purchase_line.c[name] for name in Line._fields]


def create(tx: Transaction, actor: str, new: NewOrder, today: date) -> Order:
    """A draft. Raises NotFound (supplier), InvalidInput naming the line, Conflict (number)."""
    of = suppliers.get(tx, new.supplier_id)
    if not of.active:
        raise InvalidInput("supplier_id", "is not active")
    if not 1 <= len(new.lines) <= MOST_LINES:
        raise InvalidInput("lines", f"must be 1 to {MOST_LINES}")
    currency = new.currency or of.currency
    exponent(currency)
    priced = with_prices(tx, of.id, currency, new.lines, today)
    number, *line_ids = tx.ids(1 + len(priced))
    given = settings.get(tx)
    rate = Rate(1, 1) if currency == settings.own_currency(tx) else new.rate
    statement = insert(purchase_order).values(
        seller_id=tx.seller_id,
        id=number,
        number=new.number or f"PO-{number}",
        kind=new.kind,
        supplier_id=of.id,
        location_id=new.location_id,
        currency=currency,
        rate_numerator=rate.numerator if rate else None,
        rate_denominator=rate.denominator if rate else None,
        over_percent=given.over_percent if new.over_percent is None else new.over_percent,
        under_percent=given.under_percent if new.under_percent is None else new.under_percent,
        expected_on=new.expected_on,
        note=new.note,
        made_by=actor[:100],
    )
    try:
        with tx.connection.begin_nested():
            made = Order(*tx.execute(statement.returning(*_ORDER)).one())
    except IntegrityError:
        said = f"there is an order with the number {new.number!r}"
        raise Conflict(said, code="number_taken") from None
    add_lines(tx, number, priced, line_ids, first=1)
    return made


def with_prices(
    tx: Transaction, supplier_id: int, currency: str, lines: Sequence[NewLine], today: date
) -> list[NewLine]:
    """Lines without a price get the price list's, and its code and lead time where they have none
    of their own. Raises InvalidInput where no list holds."""
    open_ones = {one.product_id for one in lines if one.unit_price is None}
    lists: dict[int, list[PriceList]] = {}
    for one in pricelists.of_products(tx, sorted(open_ones)) if open_ones else ():
        if one.supplier_id == supplier_id and one.currency == currency:
            lists.setdefault(one.product_id, []).append(one)
    return [
        one if one.unit_price is not None else _priced(place, one, lists, today)
        for place, one in enumerate(lines)
    ]


def _priced(place: int, one: NewLine, lists: dict[int, list[PriceList]], today: date) -> NewLine:
    found = quote(lists.get(one.product_id, ()), one.quantity, today)
    if found.terms is None or not found.quantity:
        raise InvalidInput(f"lines[{place}].unit_price", f"is needed: {found.reasons[-1]}")
    return replace(
        one,
        unit_price=found.unit_price,
        supplier_code=one.supplier_code or found.terms.supplier_code,
        expected_on=one.expected_on or today + timedelta(days=found.terms.lead_days),
    )


_NEW_LINE: dict[str, Kind] = {
    "id": BigInteger,
    "position": Integer,
    "product_id": BigInteger,
    "supplier_code": String,
    "quantity": BigInteger,
    "unit_price": BigInteger,
    "unit_cost": BigInteger,
    "expected_on": Date,
}
_GIVEN = rows(*_NEW_LINE.items())
_ORDER_ID = bindparam("order", type_=BigInteger)
_ADD = insert(purchase_line).from_select(
    ["seller_id", "order_id", *_NEW_LINE],
    select(SELLER, _ORDER_ID, *(_GIVEN.c[name] for name in _NEW_LINE)).order_by(_GIVEN.c.position),
)


def add_lines(
    tx: Transaction, number: int, lines: Sequence[NewLine], ids: Sequence[int], *, first: int
) -> None:
    """``first``: the position of the first of them."""
    if not lines:
        return
    told = [name for name in _NEW_LINE if name not in {"id", "position"}]
    columns = {name: [getattr(one, name) for one in lines] for name in told}
    places = range(first, first + len(lines))
    tx.execute(_ADD, {**tx.params(id=ids, position=places, **columns), "order": number})


def get(tx: Transaction, number: int) -> Order:
    """Raises NotFound."""
    return _one(tx, number, lock=False)


def lock(tx: Transaction, number: int) -> Order:
    """The order as it is once nobody else is at it. Raises NotFound."""
    return _one(tx, number, lock=True)


def _one(tx: Transaction, number: int, *, lock: bool) -> Order:
    query = select(*_ORDER).where(
        purchase_order.c.seller_id == tx.seller_id, purchase_order.c.id == number
    )
    found = tx.execute(query.with_for_update(key_share=True) if lock else query).one_or_none()
    if found is None:
        raise NotFound(f"no purchase order {number}")
    return Order(*found)


def orders(
    tx: Transaction,
    *,
    before: int,
    limit: int,
    state: str | None = None,
    supplier_id: int | None = None,
) -> list[Order]:
    """The ``limit`` newest whose id is below ``before``."""
    query = select(*_ORDER).where(
        purchase_order.c.seller_id == tx.seller_id, purchase_order.c.id < before
    )
    if state is not None:
        query = query.where(purchase_order.c.state == state)
    if supplier_id is not None:
        query = query.where(purchase_order.c.supplier_id == supplier_id)
    found = tx.execute(query.order_by(purchase_order.c.id.desc()).limit(limit))
    return [Order(*row) for row in found]


_kept = purchase_line.c.quantity - purchase_line.c.cancelled
_SUMS = (
    select(
        purchase_line.c.order_id,
        func.count(),
        func.sum(purchase_line.c.quantity),
        func.sum(purchase_line.c.received),
        func.sum(purchase_line.c.rejected),
        func.sum(purchase_line.c.inspecting),
        func.sum(_kept * purchase_line.c.unit_price),
    )
    .where(purchase_line.c.seller_id == SELLER, among(purchase_line.c.order_id, "ids"))
    .group_by(purchase_line.c.order_id)
)


def sums(tx: Transaction, ids: Sequence[int]) -> dict[int, Sums]:
    found = tx.execute(_SUMS, tx.params(ids=ids))
    return {number: Sums(*(int(value) for value in values)) for number, *values in found}


_EVERY_LINE = (
    select(*_LINE)
    .where(purchase_line.c.seller_id == SELLER, purchase_line.c.order_id == _ORDER_ID)
    .order_by(purchase_line.c.position)
)


def lines(tx: Transaction, number: int, *, after: int = 0, limit: int | None = None) -> list[Line]:
    """An order's lines, from the one after a position on."""
    query = _EVERY_LINE
    if after or limit is not None:
        query = query.where(purchase_line.c.position > after).limit(limit)
    return [Line(*row) for row in tx.execute(query, {**tx.params(), "order": number})]
