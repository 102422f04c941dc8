"""Numbers that channels are told once more, though nothing has changed."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import BigInteger, bindparam, func, null, select

from hub.channels import flows
from hub.channels.checking import keep
from hub.channels.models import listing
from hub.db import SELLER, Transaction, among


def push_again(tx: Transaction, listing_id: int, asked_by: str) -> None:
    """On a person's word the channel is told its number once more, and at once."""
    bumped = tx.execute(
        listing.update()
        .values(
            desired_version=listing.c.desired_version + 1,
            next_at=func.now(),
            # What it shows is not believed: a number that is thought to be right is not written.
            remote_quantity=null(),
        )
        .where(listing.c.seller_id == tx.seller_id, listing.c.id == listing_id)
        .returning(
            listing.c.id,
            listing.c.desired_version,
            listing.c.desired_quantity,
            listing.c.account_id,
        )
    ).one()
    keep(tx, [(bumped[0], bumped[1], bumped[2])], {listing_id: {"asked_by": asked_by}})
    flows.make_due(tx, flows.PUSH, [bumped[3]])


def push_restocked(tx: Transaction, account_id: int, keys: Sequence[str]) -> None:
    """The channel may have put units of these listings back on sale itself: what it shows is not
    believed, and each is told its number once more."""
    found = tx.execute(
        select(listing.c.id)
        .where(
            listing.c.seller_id == tx.seller_id,
            listing.c.account_id == account_id,
            listing.c.external_id == func.any(list(keys)),
            listing.c.state == "active",
            listing.c.desired_quantity.is_not(None),
        )
        .order_by(listing.c.id)
    )
    for number in list(found.scalars()):
        push_again(tx, number, "cancellation")


#: Seconds after which it is looked whether a channel has put units back on sale itself.
LOOK_IN = 5.0
_GIVEN_BACK = (
    select(listing.c.id)
    .where(
        listing.c.seller_id == SELLER,
        listing.c.account_id == bindparam("account", type_=BigInteger),
        among(listing.c.external_id, "keys"),
        listing.c.state == "active",
        listing.c.sent_version > 0,
    )
    .order_by(listing.c.id)
    .with_for_update()
    .cte("given_back")
)
_LOOK = (
    listing.update()
    .values(
        check_at=func.least(
            func.coalesce(listing.c.check_at, flows.NEVER), func.now() + flows.seconds(LOOK_IN)
        ),
        # Whoever is just reading it read the number of before: it is looked at again.
        checks_left=func.greatest(listing.c.checks_left, 1),
    )
    .where(listing.c.seller_id == SELLER, listing.c.id == _GIVEN_BACK.c.id)
    .returning(listing.c.id)
)


def look_for_restock(tx: Transaction, account_id: int, keys: Collection[str]) -> None:
    """The channel took units of these listings off an order, and may have put them back on sale.
    Where others have waited for them, the offer stays, and nothing would be told: what is shown is
    read back."""
    if not keys:
        return
    values = {**tx.params(keys=sorted(keys)), "account": account_id}
    if tx.execute(_LOOK, values).all():
        flows.make_due(tx, flows.CHECK, [account_id], after=LOOK_IN)


def push_now(tx: Transaction, account_id: int) -> None:
    """What an account's listings wait to be told need wait no longer: what stood in the way is
    thought to be gone."""
    tx.execute(
        listing.update()
        .values(next_at=func.now())
        .where(
            listing.c.seller_id == tx.seller_id,
            listing.c.account_id == account_id,
            listing.c.sent_version < listing.c.desired_version,
        )
    )
