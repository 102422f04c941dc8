"""What went wrong between hub and channel: a record that could not be read, credentials that are
not accepted any more. The hub asks; sync tries again."""

from __future__ import annotations

from collections.abc import Mapping

from hub.channels import accounts, connecting, requests, resending, resuming, vitals
from hub.channels.accounts import Account
from hub.conflicts.life import Row
from hub.db import Transaction
from hub.resolution.plans import Case, Plan, impossible


def refetch(tx: Transaction, case: Case) -> Plan:
    about: Mapping[str, object] = case.conflict.evidence.get("about") or {}
    record, key = str(about.get("record") or ""), str(about.get("key") or "")
    account = _account(tx, case, case.conflict.account_id or 0)
    if record == "order" and not key:
        raise impossible("the record has no id it could be fetched by")
    channel = connecting.declared(case.channels, account.channel)
    kind, argument = ("refetch", {"orders": [key]}) if record == "order" else ("listings", {})
    connecting.check_request(channel, kind)
    told = f"{account.name}: {'order ' + key if record == 'order' else 'the whole catalogue'}"
    return Plan(
        (Row("request", told, None, kind),),
        lambda tx: requests.ask(tx, account.id, kind, argument),
        ("it stays in progress until the record has gone in",),
        closes=False,
    )


def try_again(tx: Transaction, case: Case) -> Plan:
    account = _account(tx, case, case.row)
    if account.mode == accounts.PAUSED:
        raise impossible(f"{account.name} is paused: resume it first")
    health = vitals.healths(tx).get(account.id, "healthy")

    def act(tx: Transaction) -> None:
        resending.push_now(tx, account.id)
        resuming.reset(tx, account.id)
        requests.ask(tx, account.id, "test")

    return Plan(
        (
            Row("account", f"{account.name}: health", health, "healthy"),
            Row("request", f"{account.name}: connection", None, "test"),
        ),
        act,
        ("it stays in progress until the channel accepts the credentials",),
        closes=False,
    )


def pause(tx: Transaction, case: Case) -> Plan:
    account = _account(tx, case, case.row)
    if account.mode == accounts.PAUSED:
        raise impossible(f"{account.name} is paused already")
    return Plan(
        (Row("account", f"{account.name}: mode", account.mode, accounts.PAUSED),),
        lambda tx: accounts.set_mode(
            tx, account.id, accounts.PAUSED, expected_version=account.version
        ),
        ("no orders come in and no stock goes out until it is resumed",),
    )


def _account(tx: Transaction, case: Case, number: int) -> Account:
    found = accounts.get(tx, number)
    if found.mode == accounts.CLOSED:
        raise impossible(f"{found.name} is closed")
    return found
