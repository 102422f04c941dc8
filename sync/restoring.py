"""After an older backup has been put back: read first, write later.

The hub then believes what was true when the backup was made. Orders taken since are read again and
counted once, since intake is idempotent; but until they are, offers are too high. So no shop is
written to before a person has seen that all have been read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from hub import audit
from hub.channels import accounts
from hub.db import Database, Transaction

ACTOR = "command line"


class Held(NamedTuple):
    seller_id: int
    account_id: int
    name: str


def hold(database: Database, sellers: Iterable[int]) -> list[Held]:
    """Every live account into shadow: its orders are read, and nothing is written to it."""
    held = []
    for seller_id in sellers:
        for number, name in database.command(seller_id, _hold):
            held.append(Held(seller_id, number, name))
    return held


def _hold(tx: Transaction) -> list[tuple[int, str]]:
    live = [one for one in accounts.accounts(tx) if one.mode == accounts.LIVE]
    for one in live:
        accounts.set_mode(tx, one.id, accounts.SHADOW)
        before, after = {"mode": accounts.LIVE}, {"mode": accounts.SHADOW}
        audit.record(tx, ACTOR, "account.held", f"account:{one.id}", before=before, after=after)
    return [(one.id, one.name) for one in live]
