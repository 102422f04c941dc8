"""Safeguards of what is told after a sale, and of the way in to a channel, taken away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any

from connectors.base import Connection
from connectors.records import Credentials
from hub.aftersales import refunding
from hub.channels import flows, resending, resuming
from hub.channels import outbox as outbox_rows
from hub.channels.telling import Thing
from hub.db import Database, Transaction
from hub.sales import intake, lines
from sync import budgets, outbox, retry, subscriptions
from sync.keeping import Keeper
from sync.renewing import Tokens
from tests.simulation import connector, entering
from tests.simulation.mutating import Mutant, Swap, everywhere, keeper

NEVER = 1e8

TOLD: dict[str, Mutant] = {}
mutant = keeper(TOLD)

TOLD |= {
    "told-unclaimed": Mutant(
        "What is to be told is not claimed: two workers may tell it at once",
        rewrites=(
            (
                r"next_at=\(now\(\) \+ make_interval\((?:(?!lease_token).)*%\(lease\)s\)\), "
                r"(lease_token=\(outbox)",
                r"\1",
            ),
        ),
    ),
    "told-out-of-order": Mutant(
        "Of one order a later thing is told before the earlier one is done",
        rewrites=((r"earlier\.id < outbox\.id", "false"),),
    ),
    "told-on-hold": Mutant(
        "An account that a person has put on hold is told things all the same",
        rewrites=((r"account\.mode = %\(\w+\)s(::VARCHAR)?", "true"),),
    ),
    "asked-while-held": Mutant(
        "What makes a flow due has it asked though it was to be left alone",
        rewrites=((r"flow\.lease_until > now\(\)\)\)", "false))"),),
    ),
    "kept-over-made-due": Mutant(
        "A lease that is kept longer hides what was made due meanwhile",
        rewrites=(
            (r"CASE WHEN \(flow\.next_at < flow\.lease_until\) THEN", "CASE WHEN false THEN"),
        ),
    ),
}


# -- what is told ----------------------------------------------------------------------------------


@mutant("told-apart", "What is to be told is written after the fact it tells of, not with it")
def _told_apart() -> Sequence[Swap]:
    add = outbox_rows.add
    command = Database.command

    def later(tx: Transaction, *given: Any, **options: Any) -> None:
        tx.connection.info.setdefault("told apart", []).append((given, options))

    def apart(self: Any, seller_id: int, work: Callable[[Transaction], Any]) -> Any:
        left: list[Any] = []

        def first(tx: Transaction) -> Any:
            tx.connection.info["told apart"] = []
            done = work(tx)
            left[:] = tx.connection.info.pop("told apart")
            return done

        done = command(self, seller_id, first)
        for given, options in left:
            command(self, seller_id, partial(_added, add, given, options))
        return done

    return [*everywhere(add, later), (Database, "command", apart)]


def _added(
    add: Callable[..., None], given: Sequence[Any], options: Mapping[str, Any], tx: Transaction
) -> None:
    add(tx, *given, **options)


@mutant("told-under-new-key", "What is told again is told under another key")
def _told_under_new_key() -> Sequence[Swap]:
    tell, numbers = dict(outbox._TELL), count()

    def anew(kind: str) -> Callable[[Any, Any, Thing], str]:
        def told(work: Any, due: Any, thing: Thing) -> str:
            again = f"~{next(numbers)}" if due.attempts > 1 else ""
            return tell[kind](work, due, replace(thing, key=thing.key + again))

        return told

    return [(outbox, "_TELL", {kind: anew(kind) for kind in tell})]


@mutant("told-without-looking", "What may have been told is not looked for before it is told again")
def _told_without_looking() -> Sequence[Swap]:
    return [(connector, "looked_up", lambda found: "")]


@mutant("untold-is-done", "A telling without an answer counts as done")
def _untold_is_done() -> Sequence[Swap]:
    record = outbox_rows.record

    def trusting(tx: Transaction, account_id: int, answers: Sequence[Any]) -> Any:
        done = [
            one._replace(outcome="done") if one.outcome == "unknown" else one for one in answers
        ]
        return record(tx, account_id, done)

    return [(outbox_rows, "record", trusting)]


@mutant("withdrawn-forgotten", "What we took off an order comes back when its channel speaks of it")
def _withdrawn_forgotten() -> Sequence[Swap]:
    aim = lines.aim

    def forgetful(line: lines.LineState, incoming: Any, *, cancelled: bool) -> lines.Change:
        before, line.withdrawn = line.withdrawn, 0
        change = aim(line, incoming, cancelled=cancelled)
        line.withdrawn = before
        return change

    return [(intake, "aim", forgetful)]


@mutant("restock-believed", "After a cancellation a shop is thought to show what it was told")
def _restock_believed() -> Sequence[Swap]:
    return everywhere(resending.push_restocked, lambda tx, account_id, keys: None)


@mutant("restock-unlooked", "Nobody looks whether a shop has put a cancelled sale's units back")
def _restock_unlooked() -> Sequence[Swap]:
    return everywhere(resending.look_for_restock, lambda tx, account_id, keys: None)


@mutant("refund-by-own-key", "A refund of ours is not known by the channel's id when it is listed")
def _refund_by_own_key() -> Sequence[Swap]:
    answered = refunding.answered

    def unnamed(tx: Transaction, number: int, external_id: str, *, taken: bool) -> None:
        answered(tx, number, "", taken=taken)

    return [(refunding, "answered", unnamed)]


# -- holds and budgets -----------------------------------------------------------------------------


@mutant(
    "never-held", "However often a flow has failed, it is asked whenever something makes it due"
)
def _never_held() -> Sequence[Swap]:
    return everywhere(retry.breaks, lambda health, attempts: False)


@mutant("held-for-ever", "A flow that was held is not tried again")
def _held_for_ever() -> Sequence[Swap]:
    react, hold = retry.react, flows.hold

    def final(error: Any, attempts: int) -> retry.Reaction:
        found = react(error, attempts)
        return replace(found, hold=NEVER, delay=NEVER) if found.hold else found

    def long(tx: Transaction, account_id: int, name: str, held_for: float) -> None:
        hold(tx, account_id, name, NEVER)

    return [*everywhere(react, final), (flows, "hold", long)]


@mutant("not-resumed", "An account that is released stays as it was when it was held")
def _not_resumed() -> Sequence[Swap]:
    return everywhere(resuming.reset, lambda tx, account_id: None)


@mutant("budget-of-its-own", "Each worker counts what it asks for itself")
def _budget_of_its_own() -> Sequence[Swap]:
    take, numbers = budgets.Shared.__init__, count()

    def apart(self: Any, redis: Any, key: str, limit: Any) -> None:
        take(self, redis, f"{key}:{next(numbers)}", limit)

    return [(budgets.Shared, "__init__", apart)]


@mutant("too-fast-ignored", 'After a "too fast" the channel is asked before the time it named')
def _too_fast_ignored() -> Sequence[Swap]:
    return [(budgets.Shared, "shut", lambda self, seconds: None)]


# -- tokens, webhooks, leases ----------------------------------------------------------------------


@mutant("renewed-by-two", "Two workers may renew an account's tokens at once")
def _renewed_by_two() -> Sequence[Swap]:
    @contextmanager
    def together(self: Tokens) -> Any:
        yield self.stored()

    return [(Tokens, "alone", together)]


@mutant("token-used-first", "New tokens are used before they are stored")
def _token_used_first() -> Sequence[Swap]:
    def hasty(self: Connection, token: str, ask: Callable[[Credentials], Credentials]) -> bool:
        mine = self.credentials.get(token, "")
        assert self.renewing is not None
        with self.renewing() as stored:
            self.credentials = stored
            if stored.get(token, "") != mine:
                return False
            fresh = ask(stored)
            premises = entering.premises_of(self)
            premises.gate.enter(fresh["access"], "test")
            premises.shop.border("called")
            self.on_refresh(fresh)
            self.credentials = fresh
        return True

    return [(Connection, "renew", hasty)]


@mutant("typed-in-overwritten", "What a person types in while tokens are renewed is written over")
def _typed_in_overwritten() -> Sequence[Swap]:
    store = Tokens.store

    def blindly(self: Tokens, known: Mapping[str, str], fresh: Mapping[str, str]) -> None:
        store(self, self.stored(), Credentials(fresh))

    return [(Tokens, "store", blindly)]


@mutant("no-upkeep", "Nobody looks whether webhooks are still subscribed")
def _no_upkeep() -> Sequence[Swap]:
    return [(subscriptions, "_missing", lambda carrier, seller_id, work: [])]


@mutant("no-keeper", "Nobody extends the lease of a job that takes longer than one")
def _no_keeper() -> Sequence[Swap]:
    return [(Keeper, "keep", lambda self, held_for=0.0: 0)]
