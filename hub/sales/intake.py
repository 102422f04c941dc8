"""Taking in a page of orders: each counted once, allocated in the same transaction, in sets.

Idempotent by (account, remote order id). An older version of an order is dropped; at equal times
the content decides. A page that was taken in before costs one statement.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    LargeBinary,
    String,
    and_,
    bindparam,
    insert,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.channels.listings import Sold, note_sold
from hub.channels.models import listing
from hub.channels.resending import look_for_restock
from hub.conflicts.record import is_open
from hub.db import SELLER, At, Kind, Transaction, among, rows
from hub.errors import InvalidInput
from hub.sales import holding
from hub.sales.findings import quarantine, report
from hub.sales.incoming import IncomingLine, IncomingOrder, check, content_hash
from hub.sales.lines import Change, LineState, aim, settle_history
from hub.sales.models import order_line, order_payload, sales_order
from hub.sales.overtaken import Bad, in_time
from hub.secrets import Keyring, bound_to


@dataclass(frozen=True, slots=True)
class Target:
    """Where a page goes: the account, the locations that serve it in order, and since when the
    hub keeps this stock (units shipped before that are history). ``switch``: the channel shows on
    or off, which no single sale changes."""

    account_id: int
    locations: tuple[int, ...]
    since: datetime
    switch: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a page. ``short`` units wait for stock, ``pending`` ones for a link;
    ``touched`` are the orders that were new or newer."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    quarantined: int = 0
    short: int = 0
    pending: int = 0
    touched: Sequence[IncomingOrder] = field(default=(), compare=False, repr=False)


class _Entry(NamedTuple):
    order: IncomingOrder
    id: int
    version: int
    fresh: bool


@dataclass(slots=True)
class _Page:
    changes: list[Change] = field(default_factory=list)
    fresh: list[tuple[LineState, IncomingLine]] = field(default_factory=list)
    old: list[LineState] = field(default_factory=list)
    said: list[tuple[LineState, IncomingLine]] = field(default_factory=list)
    sold: list[Sold] = field(default_factory=list)
    poisoned: bool = True


def take_in(
    tx: Transaction, keyring: Keyring, target: Target, orders: Sequence[IncomingOrder]
) -> Taken:
    """Take in a page. Bad orders are quarantined as conflicts; the others go in."""
    good, bad = _sort_out(orders)
    quarantine(tx, keyring, target.account_id, in_time(tx, target.account_id, bad))
    # Of each order a row and a posting, and its lines.
    tx.reserve(2 * len(good) + sum(len(order.lines) for order in good))
    entries = _upsert(tx, target.account_id, good)
    if not entries:
        return Taken(unchanged=len(good), quarantined=len(bad))
    _save_payloads(tx, keyring, target.account_id, entries)  # before stock is locked
    page = _plan(tx, target, entries)
    keys = {entry.id: f"order:{entry.id}:{entry.version}" for entry in entries}
    decision = holding.hold(tx, page.changes, target.locations, keys)
    _insert_lines(tx, page.fresh)
    holding.save_lines(tx, page.old)
    _save_said(tx, page.said)
    if not target.switch:
        note_sold(tx, page.sold)
    given_back = {one.line.listing_key for one in page.changes if one.units < 0 or one.refused}
    look_for_restock(tx, target.account_id, given_back)
    known = {entry.id: entry.order for entry in entries}
    changed = not all(entry.fresh for entry in entries)
    report(tx, target.account_id, known, page.changes, changed=changed, poisoned=page.poisoned)
    fresh = sum(entry.fresh for entry in entries)
    return Taken(
        new=fresh,
        changed=len(entries) - fresh,
        unchanged=len(good) - len(entries),
        quarantined=len(bad),
        short=sum(demand.quantity for demand in decision.short),
        pending=sum(change.line.pending for change in page.changes),
        touched=[entry.order for entry in entries],
    )


def _sort_out(
    orders: Sequence[IncomingOrder],
) -> tuple[list[IncomingOrder], list[Bad]]:
    """Good orders sorted by remote id, the newest of each; and the bad ones."""
    good: dict[str, IncomingOrder] = {}
    bad = []
    for order in orders:
        try:
            check(order)
        except InvalidInput as error:
            bad.append(Bad(order, error))
            continue
        known = good.get(order.external_id)
        if known is None or known.updated_at <= order.updated_at:
            good[order.external_id] = order
    return [good[key] for key in sorted(good)], bad


_ORDER_COLUMNS: dict[str, Kind] = {
    "id": BigInteger,
    "external_id": String,
    "number": String,
    "status": String,
    "channel_status": String,
    "currency": String,
    "total": BigInteger,
    "placed_at": At,
    "source_updated_at": At,
    "content_hash": LargeBinary,
    "test": Boolean,
    "fulfilled_by_channel": Boolean,
}
_ORDERS = rows(*_ORDER_COLUMNS.items())
_KEPT_NEWEST = (
    "number",
    "status",
    "channel_status",
    "total",
    "source_updated_at",
    "content_hash",
    "fulfilled_by_channel",
)


_ACCOUNT = bindparam("account", type_=BigInteger)
_NEW_ORDERS = upsert(sales_order).from_select(
    ["seller_id", "account_id", *_ORDER_COLUMNS],
    select(SELLER, _ACCOUNT, *(_ORDERS.c[name] for name in _ORDER_COLUMNS)).order_by(
        _ORDERS.c.external_id
    ),
)
_GIVEN = _NEW_ORDERS.excluded
_UPSERT = _NEW_ORDERS.on_conflict_do_update(
    index_elements=["seller_id", "account_id", "external_id"],
    set_={
        **{name: _GIVEN[name] for name in _KEPT_NEWEST},
        "version": sales_order.c.version + 1,
    },
    where=or_(
        sales_order.c.source_updated_at < _GIVEN.source_updated_at,
        and_(
            sales_order.c.source_updated_at == _GIVEN.source_updated_at,
            sales_order.c.content_hash != _GIVEN.content_hash,
        ),
    ),
).returning(
    sales_order.c.external_id, sales_order.c.id, sales_order.c.version, literal_column("xmax = 0")
)


def _upsert(tx: Transaction, account_id: int, orders: Sequence[IncomingOrder]) -> list[_Entry]:
    """Write the orders that are new or newer; those alone are answered."""
    if not orders:
        return []
    values = tx.params(
        id=tx.ids(len(orders)),
        external_id=[order.external_id for order in orders],
        number=[order.number for order in orders],
        status=[str(order.status) for order in orders],
        channel_status=[order.channel_status for order in orders],
        currency=[order.currency for order in orders],
        total=[order.total for order in orders],
        placed_at=[order.placed_at for order in orders],
        source_updated_at=[order.updated_at for order in orders],
        content_hash=[content_hash(order) for order in orders],
        test=[order.test for order in orders],
        fulfilled_by_channel=[order.fulfilled_by_channel for order in orders],
    )
    values["account"] = account_id
    by_key = {order.external_id: order for order in orders}
    found = [_Entry(by_key[row[0]], *row[1:]) for row in tx.execute(_UPSERT, values)]
    return sorted(found, key=lambda entry: entry.order.external_id)


def _plan(tx: Transaction, target: Target, entries: Sequence[_Entry]) -> _Page:
    """Every line of the page with what must happen to its stock. Reads links and known lines."""
    links, poisoned = _links(tx, target.account_id, entries)
    changed = [entry.id for entry in entries if not entry.fresh]
    known: dict[tuple[int, str], LineState] = {}
    if changed:
        known = {
            (line.order_id, line.external_id): line for line in holding.load_lines(tx, changed)
        }
    new = sum(
        (entry.id, line.external_id) not in known for entry in entries for line in entry.order.lines
    )
    ids = iter(tx.ids(new))
    page = _Page(poisoned=poisoned)
    for entry in entries:
        cancelled = entry.order.status == "cancelled"
        before = entry.order.placed_at < target.since
        for line in entry.order.lines:
            state = known.pop((entry.id, line.external_id), None)
            if state is None:
                listing_id, product_id = links.get(line.listing_key, (0, None))
                state = LineState(
                    next(ids), entry.id, line.external_id, product_id, line.listing_key
                )
                state.quantity = line.quantity
                if before:
                    settle_history(state, line.shipped)
                page.fresh.append((state, line))
                if listing_id and line.quantity > line.cancelled:
                    units = line.quantity - line.cancelled
                    page.sold.append(Sold(listing_id, units, entry.order.placed_at))
            else:
                if state.product_id is None:  # nobody may look again: its product may be at rest
                    state.product_id = links.get(line.listing_key, (0, None))[1]
                page.old.append(state)
                page.said.append((state, line))
            page.changes.append(aim(state, line, cancelled=cancelled))
    for dropped in known.values():
        page.old.append(dropped)
        page.changes.append(aim(dropped, None, cancelled=False))
    return page


_LINKS = select(
    listing.c.external_id, listing.c.id, listing.c.product_id, is_open("poison_record", _ACCOUNT)
).where(
    listing.c.seller_id == SELLER,
    listing.c.account_id == _ACCOUNT,
    among(listing.c.external_id, "keys"),
)


def _links(
    tx: Transaction, account_id: int, entries: Sequence[_Entry]
) -> tuple[Mapping[str, tuple[int, int | None]], bool]:
    """Listing key → (listing id, product id), for what was sold; and whether records of the
    account may be in quarantine: to ask that apart would cost every page a round trip."""
    keys = sorted({line.listing_key for entry in entries for line in entry.order.lines} - {""})
    found = tx.execute(_LINKS, {**tx.params(keys=keys), "account": account_id}).all()
    links = {key: (number, product_id) for key, number, product_id, _ in found}
    return links, found[0][3] if found else True


_LINE_COLUMNS = {
    "id": BigInteger,
    "order_id": BigInteger,
    "external_id": String,
    "listing_key": String,
    "product_id": BigInteger,
    "sku": String,
    "title": String,
    "quantity": BigInteger,
    "unit_price": BigInteger,
    "total": BigInteger,
    "allocated": BigInteger,
    "claimed": BigInteger,
    "cancelled": BigInteger,
    "settled": BigInteger,
    "pending": BigInteger,
}
_LINES = rows(*_LINE_COLUMNS.items())
_OF_STATE = [name for name in _LINE_COLUMNS if name in LineState.__dataclass_fields__]
_OF_LINE = [name for name in _LINE_COLUMNS if name not in _OF_STATE]
_INSERT_LINES = insert(order_line).from_select(
    ["seller_id", *_LINE_COLUMNS],
    select(
        SELLER,
        *(_LINES.c[name] for name in _LINE_COLUMNS),
    ),
)


def _insert_lines(tx: Transaction, lines: Sequence[tuple[LineState, IncomingLine]]) -> None:
    if lines:
        values = {name: [getattr(state, name) for state, _ in lines] for name in _OF_STATE}
        values |= {name: [getattr(line, name) for _, line in lines] for name in _OF_LINE}
        tx.execute(_INSERT_LINES, tx.params(**values))


_SAID = {"sku": String, "title": String, "unit_price": BigInteger, "total": BigInteger}
_TOLD = rows(("id", BigInteger), *_SAID.items())
_SAVE_SAID = (
    order_line.update()
    .values({name: _TOLD.c[name] for name in _SAID})
    .where(order_line.c.seller_id == SELLER, order_line.c.id == _TOLD.c.id)
)


def _save_said(tx: Transaction, lines: Sequence[tuple[LineState, IncomingLine]]) -> None:
    """Names and amounts of lines that are known follow the channel's edits."""
    if lines:
        values = {name: [getattr(line, name) for _, line in lines] for name in _SAID}
        tx.execute(_SAVE_SAID, tx.params(id=[state.id for state, _ in lines], **values))


_PAYLOADS = rows(("order_id", BigInteger), ("wrapped_key", LargeBinary), ("sealed", LargeBinary))


_SEALED = ["wrapped_key", "sealed"]
_NEW_PAYLOADS = upsert(order_payload).from_select(
    ["seller_id", "order_id", *_SEALED],
    select(SELLER, *(_PAYLOADS.c[name] for name in ("order_id", *_SEALED))),
)
_SAVE_PAYLOADS = _NEW_PAYLOADS.on_conflict_do_update(
    index_elements=["seller_id", "order_id"],
    set_={name: _NEW_PAYLOADS.excluded[name] for name in _SEALED},
)


def _save_payloads(
    tx: Transaction, keyring: Keyring, account_id: int, entries: Sequence[_Entry]
) -> None:
    """Seal raw payload and buyer of each order under a fresh key of its own."""
    sealed = [
        keyring.seal(_private(entry.order), payload_binding(tx.seller_id, entry.id))
        for entry in entries
    ]
    values = tx.params(
        order_id=[entry.id for entry in entries],
        wrapped_key=[key for key, _ in sealed],
        sealed=[body for _, body in sealed],
    )
    tx.execute(_SAVE_PAYLOADS, values)


def payload_binding(seller_id: int, order_id: int) -> bytes:
    return bound_to(seller_id, "order_payload", order_id, "sealed")


def _private(order: IncomingOrder) -> bytes:
    buyer = order.buyer
    person = {
        "external_id": buyer.external_id,
        "name": buyer.name,
        "email": buyer.email,
        "phone": buyer.phone,
        "address": dict(buyer.address),
    }
    return json.dumps({"buyer": person, "raw": order.raw}, default=str).encode()
