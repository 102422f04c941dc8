"""Numbers that somebody else keeps writing over ours: another hub at the same shop, or a person who
insists.

Neither would ever end it: each puts right what the other wrote, and between two writes the shop
sells by either number. So after some corrections the number is left for a while. What changes here
is told all the same, and the conflict that is open says what is shown.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import String, cast, func, literal, select

from hub.channels.flows import seconds
from hub.channels.models import listing, offer
from hub.conflicts.models import conflict

#: So many corrections within the time (seconds), of a difference that was found as often.
MOST, WITHIN = 5, 3_600.0
#: Seconds until a number that was left is looked at again.
REST = 900.0
#: Corrections are among the newest versions.
NEWEST = 50


def contested() -> Any:
    """A condition on a listing. Numbers of our own that landed late are corrected as often as they
    come: they open no conflict."""
    since = func.now() - seconds(WITHIN)
    corrected = (
        select(func.count())
        .where(
            offer.c.seller_id == listing.c.seller_id,
            offer.c.listing_id == listing.c.id,
            offer.c.version > listing.c.desired_version - NEWEST,
            offer.c.derived_at > since,
            offer.c.derivation["again"].has_key("read_back"),
        )
        .scalar_subquery()
    )
    found = (
        select(conflict.c.id)
        .where(
            conflict.c.seller_id == listing.c.seller_id,
            conflict.c.kind == "stock_drift",
            conflict.c.subject == literal("listing:") + cast(listing.c.id, String),
            conflict.c.seen >= MOST,
        )
        .exists()
    )
    return (corrected >= MOST) & found
