"""Read-back: does the channel show what it was told?

A push is sent, then accepted, then confirmed by reading the number back after longer than the
longest a late write may take; a second look later catches stragglers. A number that no order
explains is pushed again: this is the only way a write that landed late is ever found. Where it is
not one of our own numbers, come late, either, it is drift, and a person is to see it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Double,
    Text,
    bindparam,
    case,
    cast,
    func,
    insert,
    null,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from hub.channels import flows
from hub.channels.contested import REST, contested
from hub.channels.flows import seconds
from hub.channels.models import account, listing, offer
from hub.conflicts.record import Finding, close_conflicts, open_conflicts
from hub.db import SELLER, At, Transaction, params, rows

#: A number of ours that was replaced may still land so long after the newest was sent (seconds).
LATE = 900.0
#: So many of our numbers before the newest may be the one that landed late.
LATE_OFFERS = 5


class Check(NamedTuple):
    """A listing to be read back. What is read is not older than ``claimed_at``: a sale after that
    may not be in the number yet."""

    id: int
    external_id: str
    handles: Mapping[str, str]
    sent_version: int
    sent_quantity: int | None
    claimed_at: datetime


class Drift(NamedTuple):
    """A listing whose channel shows a number that neither an order nor our own writes explain:
    what was last confirmed, what it was told since, and what it shows."""

    listing_id: int
    product_id: int | None
    external_id: str
    sku: str
    title: str
    confirmed: int | None
    confirmed_at: datetime | None
    sent: int | None
    sent_at: datetime | None
    shown: int | None


class Seen(NamedTuple):
    """What the channel showed. ``gone``: it knows no such listing any more."""

    check: Check
    quantity: int | None
    gone: bool = False


_ACCOUNT = bindparam("account", type_=BigInteger)
_CHOSEN = (
    select(listing.c.id)
    .where(
        listing.c.seller_id == SELLER,
        listing.c.account_id == _ACCOUNT,
        listing.c.check_at <= func.now(),
        listing.c.state != "ended",
        ~flows.held(_ACCOUNT, flows.CHECK),
    )
    .order_by(listing.c.id)
    .limit(bindparam("most", type_=BigInteger))
    .with_for_update(skip_locked=True)
    .cte("chosen")
    .prefix_with("MATERIALIZED")
)
_CLAIM = (
    listing.update()
    .values(check_at=func.now() + seconds(bindparam("lease", type_=Double)))
    .where(listing.c.seller_id == SELLER, listing.c.id == _CHOSEN.c.id)
    .returning(
        listing.c.id,
        listing.c.external_id,
        listing.c.handles,
        listing.c.sent_version,
        listing.c.sent_quantity,
        func.now(),
    )
    .add_cte(_CHOSEN)
)


def claim_checks(tx: Transaction, account_id: int, limit: int, lease: float) -> list[Check]:
    """Claim read-backs that are due, none while they are held; their time moves to the lease's
    end."""
    values = {**tx.params(), "account": account_id, "most": limit, "lease": lease}
    return sorted(Check(*row) for row in tx.execute(_CLAIM, values))


def agrees(one: Seen) -> bool:
    return not one.gone and one.quantity == one.check.sent_quantity


_SEEN = rows(
    ("id", BigInteger),
    ("version", BigInteger),
    ("quantity", BigInteger),
    ("again_in", Double),
    ("gone", Boolean),
    ("at", At),
)


def confirm(tx: Transaction, seen: Sequence[Seen], second_look: float) -> None:
    """The channel shows what was sent: confirmed, with one more look ``second_look`` seconds on.
    Where something newer was sent since it was read, that one's answer and read-back stand."""
    if not seen:
        return
    s = _SEEN.c
    unchanged = listing.c.sent_version == s.version
    agreed = tx.execute(
        listing.update()
        .values(
            confirmed_version=func.greatest(
                listing.c.confirmed_version, case((unchanged, s.version), else_=0)
            ),
            confirmed_quantity=case((unchanged, s.quantity), else_=listing.c.confirmed_quantity),
            confirmed_at=case((unchanged, func.now()), else_=listing.c.confirmed_at),
            remote_quantity=case((unchanged, s.quantity), else_=listing.c.remote_quantity),
            remote_at=case((unchanged, s.at), else_=listing.c.remote_at),
            checks_left=case(
                (unchanged, func.greatest(listing.c.checks_left - 1, 0)),
                else_=listing.c.checks_left,
            ),
            check_at=case(
                (~unchanged, listing.c.check_at),
                (listing.c.checks_left > 0, func.now() + seconds(s.again_in)),
                else_=null(),
            ),
        )
        .where(listing.c.seller_id == tx.seller_id, listing.c.id == s.id)
        .returning(listing.c.id, listing.c.sent_version == s.version),
        _seen_values(seen, second_look),
    )
    close_conflicts(tx, "stock_drift", [subject(number) for number, ours in agreed if ours])


def subject(listing_id: int) -> str:
    """How conflicts name a listing."""
    return f"listing:{listing_id}"


def _seen_values(seen: Sequence[Seen], again_in: float) -> dict[str, object]:
    return params(
        id=[one.check.id for one in seen],
        version=[one.check.sent_version for one in seen],
        quantity=[one.quantity for one in seen],
        again_in=[again_in] * len(seen),
        gone=[one.gone for one in seen],
        at=[one.check.claimed_at for one in seen],
    )


def correct(tx: Transaction, account_id: int, seen: Sequence[Seen], look_in: float) -> list[Drift]:
    """The channel shows something else, and its orders have been pulled since: note the number.
    Where no newer offer is on its way, the old one becomes due again under a new version. Where
    one was sent since the number was read, its answer and its read-back stand. A number that
    somebody keeps writing over ours is left for a while. Answers what a person is to see."""
    if not seen:
        return []
    again = _note_shown(tx, seen, look_in)
    reasons = {one.check.id: {"read_back": one.quantity} for one in seen}
    keep(tx, [(row.id, row.version, row.quantity) for row in again], reasons)
    live = select(account.c.mode).where(
        account.c.seller_id == tx.seller_id, account.c.id == account_id
    )
    _tell_gone(tx, account_id, [one.check for one in seen if one.gone])
    if tx.execute(live).scalar() != "live":
        return []
    flows.make_due(tx, flows.PUSH, [account_id])
    return _drifted(tx, [row.id for row in again if row.stale])


class _Noted(NamedTuple):
    id: int
    version: int
    quantity: int | None
    stale: bool


def _note_shown(tx: Transaction, seen: Sequence[Seen], look_in: float) -> list[_Noted]:
    s = _SEEN.c
    unchanged = listing.c.sent_version == s.version
    settled = unchanged & (listing.c.desired_version == listing.c.sent_version)
    differs = settled & (listing.c.sent_quantity.is_distinct_from(s.quantity)) & ~s.gone
    left = differs & contested()
    stale = differs & ~left
    again = (
        listing.update()
        .values(
            remote_quantity=case((unchanged, s.quantity), else_=listing.c.remote_quantity),
            remote_at=case((unchanged, s.at), else_=listing.c.remote_at),
            desired_version=listing.c.desired_version + case((stale, 1), else_=0),
            next_at=case((stale, func.now()), else_=listing.c.next_at),
            check_at=case(
                (s.gone, null()),
                (~unchanged, listing.c.check_at),
                (left, func.now() + seconds(REST)),
                (stale | ~settled, null()),
                else_=func.now() + seconds(s.again_in),
            ),
            state=case((s.gone, "ended"), else_=listing.c.state),
        )
        .where(listing.c.seller_id == tx.seller_id, listing.c.id == s.id)
        .returning(
            listing.c.id,
            listing.c.desired_version,
            listing.c.desired_quantity,
            listing.c.next_at == func.now(),  # set where it is stale, and by nobody else
        )
    )
    return [_Noted(*row) for row in tx.execute(again, _seen_values(seen, look_in))]


def _drifted(tx: Transaction, ids: Sequence[int]) -> list[Drift]:
    """Those whose number is none of our own that has only now landed."""
    if not ids:
        return []
    wrote = select(offer.c.version).where(
        offer.c.seller_id == tx.seller_id,
        offer.c.listing_id == listing.c.id,
        offer.c.version.between(listing.c.sent_version - LATE_OFFERS, listing.c.sent_version - 1),
        offer.c.quantity == listing.c.remote_quantity,
    )
    late = (listing.c.sent_at > func.now() - seconds(LATE)) & wrote.exists()
    columns = (
        listing.c.id,
        listing.c.product_id,
        listing.c.external_id,
        listing.c.sku,
        listing.c.title,
        listing.c.confirmed_quantity,
        listing.c.confirmed_at,
        listing.c.sent_quantity,
        listing.c.sent_at,
        listing.c.remote_quantity,
    )
    found = tx.execute(
        select(*columns)
        .where(listing.c.seller_id == tx.seller_id, listing.c.id == func.any(list(ids)), ~late)
        .order_by(listing.c.id)
    )
    return [Drift(*row) for row in found]


def _tell_gone(tx: Transaction, account_id: int, gone: Sequence[Check]) -> None:
    close_conflicts(tx, "stock_drift", [subject(one.id) for one in gone])
    open_conflicts(
        tx,
        [
            Finding(
                "listing_gone",
                subject(one.id),
                f"listing {one.external_id} is no longer at the channel",
                {"hub": one.sent_quantity},
                account_id,
                "high",
            )
            for one in gone
        ],
    )


def keep(
    tx: Transaction,
    bumped: Sequence[tuple[int, int, int | None]],
    reasons: Mapping[int, Mapping[str, object]],
) -> None:
    """The history of offers says why one was sent again; versions that stand are left alone."""
    kept = [row for row in bumped if row[2] is not None and row[1] > 0]
    if not kept:
        return
    again = rows(
        ("id", BigInteger), ("version", BigInteger), ("quantity", BigInteger), ("why", Text)
    )
    known = (
        select(offer.c.version)
        .where(
            offer.c.seller_id == tx.seller_id,
            offer.c.listing_id == again.c.id,
            offer.c.version == again.c.version,
        )
        .exists()
    )
    tx.execute(
        insert(offer).from_select(
            ["seller_id", "listing_id", "version", "quantity", "derivation"],
            select(
                tx.seller,
                again.c.id,
                again.c.version,
                again.c.quantity,
                cast(again.c.why, JSONB),
            ).where(~known),
        ),
        params(
            id=[row[0] for row in kept],
            version=[row[1] for row in kept],
            quantity=[row[2] for row in kept],
            why=[json.dumps({"again": dict(reasons[row[0]])}) for row in kept],
        ),
    )


def look_again(tx: Transaction, checks: Sequence[Check], delay: float) -> None:
    """Nothing could be learned now: read these back in ``delay`` seconds."""
    due = rows(("id", BigInteger))
    tx.execute(
        listing.update()
        .values(check_at=func.now() + seconds(delay))
        .where(listing.c.seller_id == tx.seller_id, listing.c.id == due.c.id),
        params(id=[one.id for one in checks]),
    )


def look_at_all(tx: Transaction, account_id: int, every: float) -> int:
    """Once in ``every`` seconds, make due the read-back of each pushed listing not seen for that
    long: what changed behind our back, with no event to tell, is found within twice that time."""
    if not flows.first_in(tx, account_id, flows.CHECK, every):
        return 0
    return tx.change(
        listing.update()
        .values(check_at=func.now())
        .where(
            listing.c.seller_id == tx.seller_id,
            listing.c.account_id == account_id,
            listing.c.state == "active",
            listing.c.sent_version > 0,
            listing.c.check_at.is_(None),
            func.coalesce(listing.c.remote_at, listing.c.created_at) < func.now() - seconds(every),
        )
    )
