"""Safeguards taken away on purpose. A simulation that does not notice would notice nothing else.

Here are those of stock, orders, pushes, webhooks and leases; what is told after a sale, and the way
in to a channel, have theirs in a module of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

from sqlalchemy import Engine, text

from connectors.errors import ConnectorError
from hub.aftersales import returns
from hub.channels import checking, flows, inbox, pushing
from hub.db import Transaction
from hub.inventory import ledger
from hub.sales import backorders
from sync import clock, keeping, pull, push, walking, webhooks
from tests.simulation import connector
from tests.simulation.mutants_told import TOLD
from tests.simulation.mutating import Mutant, Swap, everywhere, keeper, taken_away

NEVER = 1e8

MUTANTS: dict[str, Mutant] = {}
mutant = keeper(MUTANTS)


def applied(name: str, engine: Engine) -> AbstractContextManager[None]:
    """While it lasts, the safeguard is gone."""
    return taken_away(name, MUTANTS[name], engine)


# -- keys and locks of the database ----------------------------------------------------------------

MUTANTS |= {
    "no-posting-key": Mutant(
        "A posting's key is not unique",
        schema=("ALTER TABLE posting DROP CONSTRAINT uq_posting_key_seller_id",),
        rewrites=((r"ON CONFLICT \(seller_id, key\) DO NOTHING", ""),),
    ),
    "no-order-key": Mutant(
        "An order's remote id is not unique",
        schema=(
            "ALTER TABLE sales_order"
            " DROP CONSTRAINT uq_sales_order_external_id_account_id_seller_id",
        ),
        rewrites=((r"(INSERT INTO sales_order \(.*?) ON CONFLICT .*?( RETURNING)", r"\1\2"),),
    ),
    "older-version-accepted": Mutant(
        "An older version of an order replaces a newer one",
        rewrites=(
            (r"(INSERT INTO sales_order \(.*? DO UPDATE SET .*?) WHERE .*?( RETURNING)", r"\1\2"),
        ),
    ),
    "silent-posting": Mutant(
        "A posting neither bumps the stock version nor notes what changed",
        rewrites=(
            (r"=\(product\.stock_version \+ .*?BIGINT\)", "=product.stock_version"),
            (
                r"(INSERT INTO stock_change \(\w+, \w+\) SELECT .*?)( RETURNING)",
                r"\1 WHERE false\2",
            ),
        ),
    ),
    # Without SKIP LOCKED the changes that one has eaten make the other wait, lock or no lock.
    "derive-unlocked": Mutant(
        "Two may derive a seller's offers at once, each from its own changes",
        rewrites=(
            (r"pg_advisory_xact_lock(\(hashtextextended\('derive')", r"abs\1"),
            (
                r"(LIMIT %\(\w+\)s(?:::\w+)?)\)(\s+RETURNING stock_change)",
                r"\1 FOR UPDATE SKIP LOCKED)\2",
            ),
        ),
    ),
    "made-due-meanwhile": Mutant(
        "Work made due while somebody is at it is forgotten",
        rewrites=((r"flow\.next_at < flow\.lease_until", "false"),),
    ),
}


# -- stock ---------------------------------------------------------------------------------------


@mutant("levels-before-lock", "Levels are read before the product is locked")
def _levels_before_lock() -> Sequence[Swap]:
    lock = ledger.lock

    def too_late(tx: Transaction, product_ids: Any) -> ledger.Levels:
        ids = sorted(set(product_ids))
        levels = ledger.read_levels(tx, ids) if ids else ledger.Levels()
        lock(tx, ids)
        return levels

    return everywhere(lock, too_late)


@mutant("claims-not-filled", "Stock that comes is not given to those who wait")
def _claims_not_filled() -> Sequence[Swap]:
    return everywhere(backorders.fill_waiting, lambda tx, product_ids: 0)


@mutant("restock-each-time", "A refund is not known by its remote id")
def _restock_each_time() -> Sequence[Swap]:
    record, numbers = returns.record_refund, count()

    def forgetful(tx: Transaction, fact: returns.Refunded, goods: Any = ()) -> tuple[int, bool]:
        fresh = replace(fact, external_id=f"{fact.external_id}:{next(numbers)}")
        return record(tx, fresh, goods)

    return everywhere(record, forgetful)


# -- orders in -------------------------------------------------------------------------------------


@mutant("cursor-first", "The cursor is saved before the orders it covers, not with them")
def _cursor_first() -> Sequence[Swap]:
    save = pull.save_page

    def apart(carrier: Any, seller_id: int, work: Any, lease: Any, page: Any) -> Any:
        if lease:
            cursor = walking.dump_cursor(page.cursor)
            move = partial(flows.save_cursor, lease=lease, cursor=cursor, extend=keeping.LEASE)
            carrier.database.command(seller_id, move)
        return save(carrier, seller_id, work, None, page)

    return everywhere(save, apart)


@mutant("no-overlap", "A walk over the order list reads nothing again")
def _no_overlap() -> Sequence[Swap]:
    return [(connector, "overlap", lambda: timedelta(0))]


@mutant("webhook-finished-first", "A webhook counts as done before its order is fetched")
def _webhook_finished_first() -> Sequence[Swap]:
    round_ = webhooks._round

    def hasty(carrier: Any, seller_id: int, work: Any, events: Any) -> None:
        ids = [event.id for event in events]
        carrier.database.command(seller_id, lambda tx: inbox.finish(tx, ids, "done"))
        round_(carrier, seller_id, work, events)

    return [(webhooks, "_round", hasty)]


@mutant("webhook-tried-once", "A webhook whose order cannot be fetched is let go")
def _webhook_tried_once() -> Sequence[Swap]:
    round_ = webhooks._round

    def impatient(carrier: Any, seller_id: int, work: Any, events: Any) -> None:
        try:
            round_(carrier, seller_id, work, events)
        except ConnectorError:
            ids = [event.id for event in events]
            carrier.database.command(seller_id, lambda tx: inbox.finish(tx, ids, "ignored"))

    return [(webhooks, "_round", impatient)]


# -- stock out -------------------------------------------------------------------------------------


@mutant("no-read-back", "Whatever is read back is taken to agree")
def _no_read_back() -> Sequence[Swap]:
    return everywhere(checking.agrees, lambda one: True)


@mutant("read-back-at-once", "The read-back does not wait until a late write has landed")
def _read_back_at_once() -> Sequence[Swap]:
    return everywhere(push.check_delay, lambda carrier, work: 0.1)


@mutant("no-second-look", "A number that was read back once is not looked at again")
def _no_second_look() -> Sequence[Swap]:
    confirm = checking.confirm
    return everywhere(confirm, lambda tx, seen, second_look: confirm(tx, seen, NEVER))


@mutant("old-reading-counts", "What was read before a newer write confirms the newer one")
def _old_reading_counts() -> Sequence[Swap]:
    confirm = checking.confirm

    def whichever(tx: Transaction, seen: Sequence[Any], second_look: float) -> None:
        versions = dict(_now(tx, "sent_version", [one.check.id for one in seen]))
        fresh = [
            one._replace(check=one.check._replace(sent_version=versions[one.check.id]))
            for one in seen
        ]
        confirm(tx, fresh, second_look)

    return everywhere(confirm, whichever)


@mutant("older-answer-recorded", "An answer is recorded over a newer one: no token, no order")
def _older_answer_recorded() -> Sequence[Swap]:
    record = pushing.record

    def whoever(tx: Transaction, account_id: int, answers: Sequence[Any], **options: Any) -> None:
        for one in answers:
            back = "least({0}, :version - 1)".format
            tx.execute(
                text(
                    "UPDATE listing SET lease_token = :token, sent_version = "
                    f"{back('sent_version')}, confirmed_version = {back('confirmed_version')}"
                    " WHERE seller_id = :seller AND id = :id"
                ),
                {
                    "seller": tx.seller_id,
                    "id": one.due.id,
                    "token": one.due.token,
                    "version": one.due.version,
                },
            )
        record(tx, account_id, answers, **options)

    return everywhere(record, whoever)


@mutant("unknown-is-done", "A write without an answer counts as done and is not read back")
def _unknown_is_done() -> Sequence[Swap]:
    record = pushing.record

    def trusting(tx: Transaction, account_id: int, answers: Sequence[Any], **options: Any) -> None:
        trusted = [
            one._replace(outcome="accepted", check_in=NEVER) if one.outcome == "unknown" else one
            for one in answers
        ]
        record(tx, account_id, trusted, **options)

    return everywhere(record, trusting)


@mutant("stale-tried-blindly", "A refused write is repeated without reading the orders first")
def _stale_tried_blindly() -> Sequence[Swap]:
    return [(push, "_explained", lambda carrier, seller_id, work, answers: answers)]


# -- waking, leases --------------------------------------------------------------------------------


@mutant("no-sweep", "Nobody looks for what no ring told of")
def _no_sweep() -> Sequence[Swap]:
    return [(clock, "work_within", lambda database, ahead: [])]


@mutant("endless-lease", "The lease of a worker that died does not end")
def _endless_lease() -> Sequence[Swap]:
    claim = flows.claim

    def forever(tx: Transaction, account_id: int, name: str, lease: float) -> Any:
        return claim(tx, account_id, name, NEVER)

    return [(flows, "claim", forever)]


@mutant("endless-push-lease", "The claim on a listing of a worker that died does not end")
def _endless_push_lease() -> Sequence[Swap]:
    return [(push, "LEASE", NEVER)]


@mutant("push-settled-early", "When the next push is due is said without the flow's lock")
def _push_settled_early() -> Sequence[Swap]:
    return everywhere(flows.lock, lambda tx, account_id, *names: None)


def _now(tx: Transaction, column: str, ids: Sequence[int]) -> Sequence[tuple[int, int]]:
    found = tx.execute(
        text(f"SELECT id, {column} FROM listing WHERE seller_id = :seller AND id = ANY (:ids)"),
        {"seller": tx.seller_id, "ids": list(ids)},
    )
    return [(row[0], row[1]) for row in found]


MUTANTS |= TOLD
