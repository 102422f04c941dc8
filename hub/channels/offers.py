"""Deriving offers: products whose stock changed → what each of their listings should show.

One derivation at a time per seller (an advisory lock that ends with the transaction), so that an
older reading of the levels never lands after a newer one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    Double,
    Text,
    bindparam,
    case,
    cast,
    delete,
    func,
    insert,
    literal_column,
    select,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.channels import flows
from hub.channels.accounts import touch_listings
from hub.channels.models import account, account_location, listing, offer, offer_rule
from hub.db import SELLER, Transaction, among, rows
from hub.errors import InvalidInput
from hub.inventory.availability import Offer, Rule, switched
from hub.inventory.availability import offer as decide
from hub.inventory.models import State, claim, level, lot, product, stock_change
from hub.inventory.products import OWN_LOCATIONS

MOST = 5_000


_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('derive', :seller))")
_WAITING_CHANGES = select(stock_change.c.id).where(stock_change.c.seller_id == SELLER)
_EAT = (
    delete(stock_change)
    .where(
        stock_change.c.seller_id == SELLER,
        stock_change.c.id.in_(_WAITING_CHANGES.order_by(stock_change.c.id).limit(MOST)),
    )
    .returning(stock_change.c.product_ids)
)


class Changes(NamedTuple):
    """Products whose offers must be derived; ``more`` has changed than one transaction derives."""

    product_ids: list[int]
    more: bool


def take_changes(tx: Transaction) -> Changes:
    """Eats the rows that say what changed. Holds the seller's derivation lock until the
    transaction ends."""
    here = tx.params()
    tx.execute(_ONE_AT_A_TIME, here)
    eaten = tx.execute(_EAT, here).scalars().all()
    return Changes(sorted({number for ids in eaten for number in ids}), len(eaten) == MOST)


class _Stock(NamedTuple):
    """A product as it stands: its version, what waits for it, what is there by location."""

    version: int
    waiting: int
    available: dict[int, int]


class _Row(NamedTuple):
    id: int
    account_id: int
    product_id: int
    desired: int | None
    live: bool
    remote: int | None
    settled: bool
    switch: bool
    places: Sequence[int]
    rule: Rule


def derive(tx: Transaction, product_ids: Sequence[int], *, look_in: float = 5.0) -> dict[int, int]:
    """Derive the offers of these products' listings. Answers live account → listings to push; their
    pushes are due but not rung: the caller pushes.

    Where the channel is known to show the new number already (it made the sale), there is nothing
    to write: the listing counts as sent and is read back in ``look_in`` seconds.
    """
    if not product_ids:
        return {}
    stocks = _stocks(tx, product_ids)
    changed: list[tuple[_Row, Offer]] = []
    for row in _listings(tx, product_ids):
        stock = stocks[row.product_id]
        feeds = {place: stock.available.get(place, 0) for place in row.places}
        made = decide(feeds, stock.waiting, row.rule)
        made = switched(made) if row.switch else made
        if made.quantity != row.desired or _fallen(row, made):
            changed.append((row, made))
    _mark_derived(tx, {key: stock.version for key, stock in stocks.items()})
    _write(tx, changed, look_in)
    live = [(row, _shown(row, made)) for row, made in changed if row.live]
    due = Counter(row.account_id for row, shown in live if not shown)
    known = {row.account_id for row, shown in live if shown}
    # A push on its way may have kept one from being counted as sent: look once it is over.
    looks = {flows.Due(one, flow, look_in) for one in known for flow in (flows.CHECK, flows.PUSH)}
    looks -= {flows.Due(one, flows.PUSH, look_in) for one in due}
    flows.make_all_due(tx, [*(flows.Due(one, flows.PUSH, 0.0) for one in due), *looks])
    return dict(due)


def _fallen(row: _Row, made: Offer) -> bool:
    """The offer stays, but the channel has sold of its number since, and something else made up for
    that: told nothing, it would go on showing less."""
    return row.live and row.settled and row.remote not in (None, made.quantity)


def _shown(row: _Row, made: Offer) -> bool:
    return row.live and row.remote == made.quantity


_OWED = (
    select(func.coalesce(func.sum(claim.c.wanted - claim.c.filled), 0))
    .where(
        claim.c.seller_id == SELLER,
        claim.c.product_id == product.c.id,
        claim.c.filled < claim.c.wanted,
    )
    .scalar_subquery()
)
#: What has expired is not offered. The day is that of UTC, as everywhere.
_EXPIRED = (
    select(lot.c.id)
    .where(
        lot.c.seller_id == SELLER,
        lot.c.id == level.c.lot_id,
        lot.c.expires_on < cast(func.timezone("UTC", func.now()), Date),
    )
    .correlate(level)
    .exists()
)
_STOCKS = (
    select(
        product.c.id,
        product.c.stock_version,
        _OWED,
        level.c.location_id,
        func.sum(level.c.quantity),
    )
    .select_from(product)
    .join(
        level,
        (level.c.seller_id == SELLER)
        & (level.c.product_id == product.c.id)
        & (level.c.state == State.AVAILABLE)
        & ((level.c.lot_id == 0) | ~_EXPIRED),
        isouter=True,
    )
    .where(product.c.seller_id == SELLER, among(product.c.id, "ids"))
    .group_by(product.c.seller_id, product.c.id, level.c.location_id)
)
_FEEDS = select(account_location.c.location_id).where(
    account_location.c.seller_id == SELLER, account_location.c.account_id == account.c.id
)
_ACCOUNTS = (
    select(
        account.c.id,
        (account.c.mode == "live").label("live"),
        (account.c.stock_mode == "switch").label("switch"),
        case(
            (_FEEDS.exists(), func.array(_FEEDS.scalar_subquery(), type_=ARRAY(BigInteger))),
            else_=func.array(OWN_LOCATIONS.scalar_subquery(), type_=ARRAY(BigInteger)),
        ).label("places"),
    )
    .where(account.c.seller_id == SELLER)
    .cte("accounts")
    .prefix_with("MATERIALIZED")
)
_RULE_COLUMNS = (
    offer_rule.c.safety_stock,
    offer_rule.c.share_percent,
    offer_rule.c.buffer,
    offer_rule.c.cap,
    offer_rule.c.end_when_below,
    offer_rule.c.version,
)
#: A listing's own rule comes before its account's.
_RULE = (
    select(*_RULE_COLUMNS)
    .where(
        offer_rule.c.seller_id == SELLER,
        offer_rule.c.account_id == listing.c.account_id,
        offer_rule.c.listing_id.in_([literal_column("0"), listing.c.id]),
    )
    .order_by(offer_rule.c.listing_id.desc())
    .limit(literal_column("1"))
    .lateral("rule")
)
_LISTINGS = (
    select(
        listing.c.id,
        listing.c.account_id,
        listing.c.product_id,
        listing.c.desired_quantity,
        _ACCOUNTS.c.live & (listing.c.state == "active") & ~listing.c.paused,
        listing.c.remote_quantity,
        listing.c.sent_version == listing.c.desired_version,
        _ACCOUNTS.c.switch,
        _ACCOUNTS.c.places,
        *_RULE.c,
    )
    .join(_ACCOUNTS, _ACCOUNTS.c.id == listing.c.account_id)
    .join(_RULE, true(), isouter=True)
    .where(listing.c.seller_id == SELLER, among(listing.c.product_id, "ids"))
    .order_by(listing.c.id)
)


def _stocks(tx: Transaction, ids: Sequence[int]) -> dict[int, _Stock]:
    found: dict[int, _Stock] = {}
    for number, version, waiting, place, units in tx.execute(_STOCKS, tx.params(ids=ids)).all():
        stock = found.setdefault(number, _Stock(version, int(waiting), {}))
        if place is not None:
            stock.available[place] = int(units)
    return found


def _listings(tx: Transaction, ids: Sequence[int]) -> list[_Row]:
    plain = Rule()
    return [
        _Row._make((*row[:9], plain if row[-1] is None else Rule(*row[9:])))
        for row in tx.execute(_LISTINGS, tx.params(ids=ids)).all()
    ]


_CHANGED = rows(
    ("id", BigInteger), ("quantity", BigInteger), ("derivation", Text), ("shown", Boolean)
)
_NEXT = listing.c.desired_version + 1
_COUNTS = (
    _CHANGED.c.shown
    & (listing.c.remote_quantity == _CHANGED.c.quantity)
    & (listing.c.next_at <= func.now())
)
_BUMPED = (
    listing.update()
    .values(
        desired_version=_NEXT,
        desired_quantity=_CHANGED.c.quantity,
        sent_version=case((_COUNTS, _NEXT), else_=listing.c.sent_version),
        sent_quantity=case((_COUNTS, _CHANGED.c.quantity), else_=listing.c.sent_quantity),
        sent_at=case((_COUNTS, func.now()), else_=listing.c.sent_at),
        check_at=case(
            (_COUNTS, func.now() + flows.seconds(bindparam("look_in", type_=Double))),
            else_=listing.c.check_at,
        ),
        checks_left=case((_COUNTS, 1), else_=listing.c.checks_left),
    )
    .where(listing.c.seller_id == SELLER, listing.c.id == _CHANGED.c.id)
    .returning(
        listing.c.id,
        listing.c.desired_version,
        _CHANGED.c.quantity,
        cast(_CHANGED.c.derivation, JSONB).label("derivation"),
    )
    .cte("bumped")
)
_WRITE = insert(offer).from_select(
    ["seller_id", "listing_id", "version", "quantity", "derivation"], select(SELLER, *_BUMPED.c)
)


def _write(tx: Transaction, changed: Sequence[tuple[_Row, Offer]], look_in: float) -> None:
    """Bump the listings' desired versions and keep each derivation, in one statement."""
    if not changed:
        return
    values = tx.params(
        id=[row.id for row, _ in changed],
        quantity=[made.quantity for _, made in changed],
        derivation=[json.dumps(dict(made.derivation)) for _, made in changed],
        shown=[_shown(row, made) for row, made in changed],
    )
    tx.execute(_WRITE, {**values, "look_in": look_in})


_IN_ORDER = (
    select(product.c.id)
    .where(product.c.seller_id == SELLER, among(product.c.id, "id"))
    .order_by(product.c.id)
    .with_for_update(key_share=True)
)
_SEEN = rows(("id", BigInteger), ("version", BigInteger))
_MARK = (
    product.update()
    .values(derived_version=func.greatest(product.c.derived_version, _SEEN.c.version))
    .where(product.c.seller_id == SELLER, product.c.id == _SEEN.c.id)
)


def _mark_derived(tx: Transaction, versions: Mapping[int, int]) -> None:
    """Products are locked in key order, as posting locks them."""
    ids = sorted(versions)
    values = tx.params(id=ids, version=[versions[key] for key in ids])
    if len(ids) > 1:
        tx.execute(_IN_ORDER, values)
    tx.execute(_MARK, values)


def set_rule(tx: Transaction, account_id: int, rule: Rule, listing_id: int = 0) -> None:
    """Set an account's rule, or (with a listing) one listing's. Offers follow at once."""
    if not 0 <= rule.share_percent <= 100:
        raise InvalidInput("share_percent", "must be 0 to 100")
    for name in ("safety_stock", "buffer", "end_when_below", "cap"):
        if (getattr(rule, name) or 0) < 0:
            raise InvalidInput(name, "must not be negative")
    values = {
        "safety_stock": rule.safety_stock,
        "share_percent": rule.share_percent,
        "buffer": rule.buffer,
        "cap": rule.cap,
        "end_when_below": rule.end_when_below,
    }
    statement = upsert(offer_rule).values(
        seller_id=tx.seller_id, account_id=account_id, listing_id=listing_id, **values
    )
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=["seller_id", "account_id", "listing_id"],
            set_={**values, "version": offer_rule.c.version + 1},
        )
    )
    touch_listings(tx, account_id=account_id)


def rule(
    tx: Transaction, account_id: int, listing_id: int = 0, *, lock: bool = False
) -> Rule | None:
    """The rule set for an account (or one listing), None before the first. ``lock`` keeps others
    from setting any rule of the account until the transaction ends."""
    if lock:
        held = select(account.c.id).where(
            account.c.seller_id == tx.seller_id, account.c.id == account_id
        )
        tx.execute(held.with_for_update(key_share=True))
    found = tx.execute(
        select(*_RULE_COLUMNS).where(
            offer_rule.c.seller_id == tx.seller_id,
            offer_rule.c.account_id == account_id,
            offer_rule.c.listing_id == listing_id,
        )
    ).one_or_none()
    return Rule(*found) if found else None


def history(tx: Transaction, listing_id: int, limit: int = 20) -> list[dict[str, Any]]:
    """Newest first: every number the listing was to show, and why."""
    found = tx.execute(
        select(offer.c.version, offer.c.quantity, offer.c.derivation, offer.c.derived_at)
        .where(offer.c.seller_id == tx.seller_id, offer.c.listing_id == listing_id)
        .order_by(offer.c.version.desc())
        .limit(limit)
    )
    return [dict(row) for row in found.mappings()]
