"""Telling a person of a channel's number that nothing explains: with what the hub knows to have
happened to that stock since both sides last agreed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import BigInteger, select, true

from hub.channels.checking import Drift, subject
from hub.channels.models import offer
from hub.conflicts.evidence import MOST_EVENTS, Evidence, Happening
from hub.conflicts.record import Finding, open_conflicts
from hub.db import SELLER, At, Transaction, rows
from hub.inventory.models import move, posting
from hub.sales.models import sales_order

_GIVEN = rows(("listing_id", BigInteger), ("product_id", BigInteger), ("since", At))
_MOVES = (
    select(move.c.posted_at, posting.c.reason, move.c.quantity, sales_order.c.number)
    .join(
        posting,
        (posting.c.seller_id == move.c.seller_id) & (posting.c.id == move.c.posting_id),
    )
    .outerjoin(
        sales_order,
        (sales_order.c.seller_id == posting.c.seller_id)
        & (sales_order.c.id == posting.c.document_id)
        & (posting.c.document == "sales_order"),
    )
    .where(
        move.c.seller_id == SELLER,
        move.c.product_id == _GIVEN.c.product_id,
        move.c.posted_at > _GIVEN.c.since,
    )
    .order_by(move.c.posted_at.desc())
    .limit(MOST_EVENTS)
    .lateral("moves")
)
_HAPPENED = select(_GIVEN.c.listing_id, *_MOVES.c).select_from(_GIVEN.join(_MOVES, true()))
_OFFERS = (
    select(offer.c.derived_at, offer.c.quantity)
    .where(
        offer.c.seller_id == SELLER,
        offer.c.listing_id == _GIVEN.c.listing_id,
        offer.c.derived_at > _GIVEN.c.since,
    )
    .order_by(offer.c.version.desc())
    .limit(MOST_EVENTS)
    .lateral("offers")
)
_OFFERED = select(_GIVEN.c.listing_id, *_OFFERS.c).select_from(_GIVEN.join(_OFFERS, true()))


def report_drift(tx: Transaction, account_id: int, drifts: Sequence[Drift]) -> None:
    """Each is one conflict, which closes by itself once the read-back agrees."""
    if not drifts:
        return
    between = _between(tx, drifts)
    open_conflicts(
        tx, [_finding(account_id, one, between.get(one.listing_id, ())) for one in drifts]
    )


def _finding(account_id: int, one: Drift, between: Sequence[Happening]) -> Finding:
    said = f"listing {one.title or one.sku or one.external_id!r} shows {one.shown}, not {one.sent}"
    evidence = Evidence(
        about={"listing": one.external_id, "sku": one.sku, "title": one.title},
        base={"confirmed": one.confirmed},
        hub={"sent": one.sent},
        channel={"shown": one.shown},
        events=(*_ours(one), *between),
    )
    return Finding("stock_drift", subject(one.listing_id), said, evidence, account_id)


def _ours(one: Drift) -> list[Happening]:
    """When the channel was told, and when it last agreed."""
    told = [(one.confirmed_at, "confirmed", one.confirmed), (one.sent_at, "sent", one.sent)]
    return [Happening(at, what, units) for at, what, units in told if at is not None]


def _between(tx: Transaction, drifts: Sequence[Drift]) -> Mapping[int, Sequence[Happening]]:
    """Listing → what moved its product's stock since it was last confirmed, and what it was to
    show."""
    since = {one.listing_id: one.confirmed_at or one.sent_at for one in drifts}
    asked = [one for one in drifts if since[one.listing_id] is not None]
    values = tx.params(
        listing_id=[one.listing_id for one in asked],
        product_id=[one.product_id for one in asked],
        since=[since[one.listing_id] for one in asked],
    )
    found: dict[int, list[Happening]] = defaultdict(list)
    for number, at, reason, units, order in tx.execute(_HAPPENED, values):
        found[number].append(Happening(at, str(reason), units, _order(order)))
    for number, at, units in tx.execute(_OFFERED, values):
        found[number].append(Happening(at, "offer", units))
    return found


def _order(number: str | None) -> str:
    return f"order {number}" if number else ""
