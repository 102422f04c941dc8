"""Listings: what the channels say there is, and which product each one sells."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from sqlalchemy import BigInteger, String, Text, case, cast, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.channels import flows
from hub.channels.accounts import touch_listings
from hub.channels.models import listing
from hub.conflicts.record import close_conflicts
from hub.db import SELLER, At, Transaction, among, params, rows
from hub.errors import Conflict, NotFound, StaleVersion
from hub.inventory.models import product
from hub.inventory.products import NewProduct, add_products, sku_key


class IncomingListing(Protocol):
    """The shape of a channel's listing record."""

    @property
    def external_id(self) -> str: ...
    @property
    def parent_key(self) -> str: ...
    @property
    def sku(self) -> str: ...
    @property
    def barcode(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def quantity(self) -> int | None: ...
    @property
    def state(self) -> str: ...
    @property
    def handles(self) -> Mapping[str, str]: ...


_COLUMNS = {
    "external_id": String,
    "parent_key": String,
    "sku": String,
    "barcode": String,
    "title": String,
    "handles": Text,
    "state": String,
    "remote_quantity": BigInteger,
}
_LISTINGS = rows(*_COLUMNS.items())


def save_listings(
    tx: Transaction, account_id: int, found: Sequence[IncomingListing]
) -> dict[str, int]:
    """Write a page of a catalogue; remote key → listing id. A known number is kept where we have
    pushed since: read-back speaks for that."""
    unique = {one.external_id: one for one in found}
    ordered = [unique[key] for key in sorted(unique)]
    source: list[Any] = [_LISTINGS.c[name] for name in _COLUMNS]
    source[list(_COLUMNS).index("handles")] = cast(_LISTINGS.c.handles, JSONB)
    statement = upsert(listing).from_select(
        ["seller_id", "account_id", *_COLUMNS],
        select(tx.seller, cast(literal(account_id), BigInteger), *source),
    )
    fresh = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=["seller_id", "account_id", "external_id"],
        set_={
            **{n: fresh[n] for n in ("parent_key", "sku", "barcode", "title", "handles", "state")},
            # Once we have pushed, a number that is not known is read together with its orders.
            "remote_quantity": case(
                (listing.c.sent_version > 0, listing.c.remote_quantity),
                else_=func.coalesce(listing.c.remote_quantity, fresh.remote_quantity),
            ),
        },
    )
    values = params(
        external_id=[one.external_id for one in ordered],
        parent_key=[one.parent_key for one in ordered],
        sku=[one.sku for one in ordered],
        barcode=[one.barcode for one in ordered],
        title=[one.title[:500] for one in ordered],
        handles=[json.dumps(dict(one.handles)) for one in ordered],
        state=[str(one.state) for one in ordered],
        remote_quantity=[one.quantity for one in ordered],
    )
    behind = (listing.c.sent_version < listing.c.desired_version) & (listing.c.state == "active")
    written = statement.returning(listing.c.external_id, listing.c.id, behind)
    saved = tx.execute(written, values).all()
    if any(row[2] for row in saved):
        # One that had ended may be back: its push was let go meanwhile.
        flows.make_due(tx, flows.PUSH, [account_id])
    ended = {one.external_id for one in ordered if str(one.state) == "ended"}
    over = [f"listing:{row[1]}" for row in saved if row[0] in ended]
    for kind in ("listing_unmapped", "stock_drift"):
        close_conflicts(tx, kind, over)
    return {row[0]: row[1] for row in saved}


class Sold(NamedTuple):
    """Units the channel sold of a listing, by its own word, and when."""

    listing_id: int
    units: int
    at: datetime


_SOLD = rows(("id", BigInteger), ("units", BigInteger), ("at", At))


_LOCK = (
    select(listing.c.id)
    .where(listing.c.seller_id == SELLER, among(listing.c.id, "id"))
    .order_by(listing.c.id)
    .with_for_update(key_share=True)
)
_NOTE_SOLD = (
    listing.update()
    .values(remote_quantity=func.greatest(listing.c.remote_quantity - _SOLD.c.units, 0))
    .where(
        listing.c.seller_id == SELLER,
        listing.c.id == _SOLD.c.id,
        listing.c.remote_quantity.is_not(None),  # what nobody has seen does not become 0
        func.coalesce(listing.c.remote_at, listing.c.created_at) < _SOLD.c.at,
    )
)


def note_sold(tx: Transaction, sales: Sequence[Sold]) -> None:
    """The channel's own number has fallen by what it sold since we last saw it. Believing that
    saves a refused compare-and-set, a reading and a pull for nearly every sale."""
    if not sales:
        return
    total: dict[int, int] = {}
    latest: dict[int, datetime] = {}
    for one in sales:
        total[one.listing_id] = total.get(one.listing_id, 0) + one.units
        latest[one.listing_id] = max(one.at, latest.get(one.listing_id, one.at))
    ids = sorted(total)
    if len(ids) > 1:
        tx.execute(_LOCK, tx.params(id=ids))
    values = tx.params(id=ids, units=[total[i] for i in ids], at=[latest[i] for i in ids])
    tx.execute(_NOTE_SOLD, values)


class Unlinked(NamedTuple):
    id: int
    sku: str
    barcode: str
    title: str


def unlinked(tx: Transaction, account_id: int) -> list[Unlinked]:
    """Active listings of an account that sell no product yet."""
    found = tx.execute(
        select(listing.c.id, listing.c.sku, listing.c.barcode, listing.c.title)
        .where(
            listing.c.seller_id == tx.seller_id,
            listing.c.account_id == account_id,
            listing.c.product_id.is_(None),
            listing.c.state != "ended",
        )
        .order_by(listing.c.id)
    )
    return [Unlinked(*row) for row in found]


def matches(tx: Transaction, wanted: Sequence[Unlinked]) -> dict[int, int]:
    """Listing id → the one product with its SKU; where the SKU matches none, its barcode, if that
    belongs to one product only. Nothing is guessed."""
    keys = {one.id: _key(one.sku) for one in wanted if _key(one.sku)}
    codes = {one.id: one.barcode for one in wanted if one.barcode}
    by_sku = dict(_products(tx, product.c.sku_key, sorted(set(keys.values()))))
    by_code: dict[str, set[int]] = {}
    for code, number in _products(tx, product.c.barcode, sorted(set(codes.values()))):
        by_code.setdefault(code, set()).add(number)
    found = {}
    for one in wanted:
        match = by_sku.get(keys.get(one.id, ""))
        same_code = by_code.get(codes.get(one.id, ""), set())
        if match is None and len(same_code) == 1:
            match = next(iter(same_code))
        if match is not None:
            found[one.id] = match
    return found


def _key(sku: str) -> str:
    return sku_key(sku) if sku.strip() and len(sku) <= 120 and sku.isprintable() else ""


def _products(tx: Transaction, column: Any, values: Sequence[str]) -> list[tuple[str, int]]:
    found = tx.execute(
        select(column, product.c.id).where(
            product.c.seller_id == tx.seller_id, column == func.any(list(values))
        )
    )
    return [(value, number) for value, number in found]


def link(tx: Transaction, account_id: int, links: Mapping[int, int]) -> int:
    """Link listings to products; their offers are derived at once. Answers how many changed."""
    if not links:
        return 0
    pairs = rows(("id", BigInteger), ("product_id", BigInteger))
    done = tx.change(
        listing.update()
        .values(product_id=pairs.c.product_id, version=listing.c.version + 1)
        .where(
            listing.c.seller_id == tx.seller_id,
            listing.c.account_id == account_id,
            listing.c.id == pairs.c.id,
            listing.c.product_id.is_distinct_from(pairs.c.product_id),
        ),
        params(id=sorted(links), product_id=[links[key] for key in sorted(links)]),
    )
    touch_listings(tx, account_id=account_id, listing_ids=sorted(links))
    close_conflicts(tx, "listing_unmapped", [f"listing:{number}" for number in sorted(links)])
    return done


def create_products(tx: Transaction, wanted: Sequence[Unlinked]) -> dict[int, int]:
    """Products for listings that match none: listing id → product id. Needs a SKU each."""
    usable = [one for one in wanted if _key(one.sku)]
    made = add_products(tx, [NewProduct(one.sku, one.title[:500], one.barcode) for one in usable])
    keys = {sku_key(sku): number for sku, number in made.items()}
    return {one.id: keys[_key(one.sku)] for one in usable}


class Shown(NamedTuple):
    """One line of the reconciliation view, the same units on both sides."""

    id: int
    account_id: int
    external_id: str
    sku: str
    title: str
    state: str
    paused: bool
    product_id: int | None
    offer: int | None
    last_pushed: int | None
    confirmed: int | None
    channel_now: int | None
    difference: int | None
    desired_version: int
    sent_version: int
    confirmed_version: int
    pushed_at: Any
    confirmed_at: Any
    seen_at: Any
    last_error: str
    version: int


_SHOWN = (
    listing.c.id,
    listing.c.account_id,
    listing.c.external_id,
    listing.c.sku,
    listing.c.title,
    listing.c.state,
    listing.c.paused,
    listing.c.product_id,
    listing.c.desired_quantity,
    listing.c.sent_quantity,
    listing.c.confirmed_quantity,
    listing.c.remote_quantity,
    listing.c.remote_quantity - listing.c.desired_quantity,
    listing.c.desired_version,
    listing.c.sent_version,
    listing.c.confirmed_version,
    listing.c.sent_at,
    listing.c.confirmed_at,
    listing.c.remote_at,
    listing.c.last_error,
    listing.c.version,
)


def listings(
    tx: Transaction,
    account_id: int | None = None,
    *,
    after: int = 0,
    limit: int = 100,
    different: bool = False,
) -> list[Shown]:
    """A page by id. ``different``: only those whose channel does not show the offer."""
    query = select(*_SHOWN).where(listing.c.seller_id == tx.seller_id, listing.c.id > after)
    if account_id is not None:
        query = query.where(listing.c.account_id == account_id)
    if different:
        query = query.where(
            listing.c.desired_quantity.is_distinct_from(listing.c.remote_quantity),
            listing.c.product_id.is_not(None),
        )
    return [Shown(*row) for row in tx.execute(query.order_by(listing.c.id).limit(limit))]


def get(tx: Transaction, number: int) -> Shown:
    found = tx.execute(
        select(*_SHOWN).where(listing.c.seller_id == tx.seller_id, listing.c.id == number)
    ).one_or_none()
    if found is None:
        raise NotFound(f"no listing {number}")
    return Shown(*found)


def set_paused(tx: Transaction, number: int, paused: bool, *, expected_version: int) -> Shown:
    """Stop or resume pushing one listing. Raises StaleVersion."""
    present = get(tx, number)
    done = tx.change(
        listing.update()
        .values(paused=paused, version=listing.c.version + 1)
        .where(
            listing.c.seller_id == tx.seller_id,
            listing.c.id == number,
            listing.c.version == expected_version,
        )
    )
    if not done:
        raise StaleVersion(f"listing {number} has been changed to version {present.version}")
    touch_listings(tx, account_id=present.account_id, listing_ids=[number])
    if not paused:
        flows.make_due(tx, flows.PUSH, [present.account_id])
    return get(tx, number)


def link_one(tx: Transaction, number: int, product_id: int, *, expected_version: int) -> Shown:
    """Link one listing on a person's word. Raises StaleVersion, NotFound for the product."""
    mine = select(listing.c.id).where(listing.c.seller_id == tx.seller_id, listing.c.id == number)
    tx.execute(mine.with_for_update())
    present = get(tx, number)
    if present.version != expected_version:
        raise StaleVersion(f"listing {number} has been changed to version {present.version}")
    known = select(product.c.id).where(
        product.c.seller_id == tx.seller_id, product.c.id == product_id
    )
    if tx.execute(known).first() is None:
        raise NotFound(f"no product {product_id}")
    if present.state == "ended":
        raise Conflict(f"listing {number} has ended at the channel")
    link(tx, present.account_id, {number: product_id})
    return get(tx, number)


def handles(tx: Transaction, account_id: int, keys: Sequence[str]) -> dict[str, dict[str, str]]:
    """Remote key → what the connector needs to read or write it."""
    found = tx.execute(
        select(listing.c.external_id, listing.c.handles).where(
            listing.c.seller_id == tx.seller_id,
            listing.c.account_id == account_id,
            listing.c.external_id == func.any(list(keys)),
        )
    )
    return {key: dict(value) for key, value in found}
