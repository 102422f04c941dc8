"""A desk that works on a shop's conflicts: previews, resolves, and looks what became of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from connectors import catalog
from hub.channels import listings
from hub.channels.unmapped import report_unmapped
from hub.conflicts import reading
from hub.conflicts.life import Who
from hub.conflicts.reading import Shown, Wanted
from hub.db import Transaction
from hub.resolution import applying
from hub.resolution.applying import Desk, Preview
from hub.resolution.plans import Asked, Told
from tests.builders import World, listing

T = TypeVar("T")
ANNA = Who("token:1", "support", "request-1")
CHANNELS = {one.name: one for one in catalog.channels()}


def run(shop: World, work: Callable[[Transaction], T]) -> T:
    return shop.database.command(shop.seller_id, work)


def conflict(shop: World, kind: str, nth: int = 0) -> Shown:
    """The one of its kind, or the nth of them."""
    wanted = Wanted(kind=kind)
    return run(shop, lambda tx: reading.conflicts(tx, wanted, after=0, limit=10))[nth]


def preview(shop: World, kind: str, verb: str, *, nth: int = 0, **told: Any) -> Preview:
    number = conflict(shop, kind, nth).id
    asked = Asked(verb, Told(**told))
    return run(shop, lambda tx: applying.preview(tx, Desk(ANNA, CHANNELS), number, asked))


def resolve(
    shop: World, kind: str, verb: str, *, reason: str = "", who: Who = ANNA, **told: Any
) -> Shown:
    one = conflict(shop, kind)
    asked = Asked(verb, Told(**told), reason)
    desk = Desk(who, CHANNELS)
    return run(
        shop,
        lambda tx: applying.resolve(tx, desk, one.id, asked, expected_version=one.version),
    )


def as_told(shop: World, kind: str, verb: str, *, reason: str = "", **told: Any) -> Shown:
    """Preview, then resolve: what was promised is what happened."""
    promised = preview(shop, kind, verb, **told)
    done = resolve(shop, kind, verb, reason=reason, **told)
    assert done.resolution is not None
    assert done.resolution["changes"] == [one._asdict() for one in promised.changes]
    assert done.state == promised.leads_to
    return done


def rows(found: Preview) -> dict[str, tuple[Any, Any]]:
    return {one.name: (one.before, one.after) for one in found.changes}


def show(shop: World, key: str, **known: Any) -> int:
    """A listing the channel has and the hub cannot place; a person is told of it."""

    def work(tx: Transaction) -> int:
        number = listings.save_listings(tx, shop.account_id, [listing(key, **known)])[key]
        report_unmapped(tx, shop.account_id, listings.unlinked(tx, shop.account_id))
        return number

    return run(shop, work)
