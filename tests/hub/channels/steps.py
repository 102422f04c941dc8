"""The steps of a push, as the sync takes them: claim, tell the channel, record, read back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import text

from hub.channels import checking, listings, pushing
from hub.channels.checking import Check, Seen
from hub.channels.pushing import Answer, Due
from hub.db import Transaction
from tests.builders import World, line, order

T = TypeVar("T")


def run(shop: World, work: Callable[[Transaction], T]) -> T:
    return shop.database.command(shop.seller_id, work)


def claim(shop: World, limit: int = 10, lease: float = 60) -> list[Due]:
    return run(shop, lambda tx: pushing.claim_due(tx, shop.account_id, limit, lease))


def answer(shop: World, due: Due, outcome: str, **said: Any) -> None:
    run(shop, lambda tx: pushing.record(tx, shop.account_id, [Answer(due, outcome, **said)]))


def push(shop: World, **said: Any) -> Due:
    """Claim the one due listing and have the channel accept it."""
    (due,) = claim(shop)
    answer(shop, due, "accepted", **said)
    return due


def shown(shop: World) -> listings.Shown:
    return run(shop, lambda tx: listings.listings(tx, shop.account_id))[0]


def due_again(shop: World) -> None:
    """The retry's time, or the lease's end, has come."""
    run(shop, lambda tx: tx.execute(text("UPDATE listing SET next_at = now()")))


def retry_in(shop: World) -> float:
    query = "SELECT extract(epoch FROM next_at - now())::float8 FROM listing"
    return float(shop.ask(query)[0][0])


def settle(shop: World) -> dict[str, Any]:
    """When each flow is due after a run; None = never."""
    run(shop, lambda tx: pushing.settle(tx, shop.account_id))
    return dict(
        shop.ask(
            "SELECT flow, CASE WHEN next_at = 'infinity' THEN NULL"
            " ELSE next_at <= now() END FROM flow"
        )
    )


def sell(shop: World, units: int, key: str) -> None:
    shop.take(order(key, line("a", "v-TENT", units)))
    shop.derive()


def checks(shop: World) -> list[Check]:
    return run(shop, lambda tx: checking.claim_checks(tx, shop.account_id, 10, 60))


def read_back(shop: World, check: Check, quantity: int | None, gone: bool = False) -> None:
    seen = Seen(check, quantity, gone)

    def work(tx: Transaction) -> None:
        if checking.agrees(seen):
            checking.confirm(tx, [seen], 30)
        else:
            checking.correct(tx, shop.account_id, [seen], 30)

    run(shop, work)


def look_now(shop: World) -> None:
    run(
        shop,
        lambda tx: tx.execute(
            text("UPDATE listing SET check_at = now() WHERE check_at IS NOT NULL")
        ),
    )
