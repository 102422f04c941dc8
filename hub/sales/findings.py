"""What a page of orders shows a person: records that could not go in, lines that lack stock or a
link, edits that come too late. And what it sets right again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hub.conflicts.evidence import Evidence, Value
from hub.conflicts.record import Finding, close_conflicts, open_conflicts, payload_binding
from hub.db import Transaction
from hub.sales.incoming import IncomingOrder
from hub.sales.lines import Change
from hub.secrets import Keyring


class Poison(NamedTuple):
    """A record that could not go in, with what is wrong with which field."""

    external_id: str
    field: str
    reason: str
    raw: object


def quarantine(
    tx: Transaction,
    keyring: Keyring,
    account_id: int,
    bad: Sequence[Poison],
    record: str = "order",
) -> None:
    """Keep each bad ``record`` as a conflict, its payload encrypted."""
    findings = []
    for one in bad:
        payload = json.dumps(one.raw, default=repr).encode()
        known = one.external_id if _usable(one.external_id) else ""
        name = known or hashlib.blake2b(payload, digest_size=16).hexdigest()
        subject = f"{record}:{account_id}:{name}"[:300]
        evidence = Evidence(
            about={"record": record, "key": known},
            channel={"field": one.field, "reason": ascii(one.reason)[:500]},
        )
        findings.append(
            Finding(
                "poison_record",
                subject,
                f"{record} {one.external_id!r} was not taken in: {one.field}: {one.reason}",
                evidence,
                account_id,
                "high",
                keyring.encrypt(payload, payload_binding(tx.seller_id, subject)),
            )
        )
    open_conflicts(tx, findings)


def _usable(name: str) -> bool:
    """The record can be asked for again by this name, and the ledger can hold it."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return 0 < len(name) <= 200 and "\0" not in name


def report(
    tx: Transaction,
    account_id: int,
    orders: Mapping[int, IncomingOrder],
    changes: Sequence[Change],
    *,
    changed: bool,
    poisoned: bool,
) -> None:
    """Open what a person must see; close what this page has set right. ``orders`` is by order id;
    ``changed``: some of them were known before; ``poisoned``: records of this account may be in
    quarantine."""
    findings = []
    for change in changes:
        line = change.line
        if line.pending or line.claimed or change.refused:
            findings += _of_line(account_id, orders[line.order_id], change)
    open_conflicts(tx, findings)
    if poisoned:
        readable = [f"order:{account_id}:{order.external_id}"[:300] for order in orders.values()]
        close_conflicts(tx, "poison_record", readable)
    if changed:
        clear = [c.line.id for c in changes if not c.line.claimed]
        close_conflicts(tx, "oversold", [f"order_line:{number}" for number in clear])
        known = [c.line.id for c in changes if not c.line.pending]
        close_conflicts(tx, "order_line_unmapped", [f"order_line:{number}" for number in known])


def _of_line(account_id: int, order: IncomingOrder, change: Change) -> list[Finding]:
    line = change.line
    subject = f"order_line:{line.id}"
    name = f"line {line.external_id} of order {order.number}"
    about = _about(order, change)
    sold: dict[str, Value] = {"units": line.quantity, "cancelled": line.cancelled}
    findings = []
    if line.pending:
        said = f"{name} is of a listing that is not linked to a product"
        evidence = Evidence(about, hub={"product": None, "waiting": line.pending}, channel=sold)
        findings.append(Finding("order_line_unmapped", subject, said, evidence, account_id))
    if line.claimed:
        kept: dict[str, Value] = {
            "product": line.product_id,
            "allocated": line.allocated,
            "short": line.claimed,
        }
        findings.append(short_of(account_id, line.id, name, about, kept, sold))
    if change.refused:
        said = f"{name}: the channel took off {change.refused} units that are shipped"
        evidence = Evidence(about, hub={"shipped": line.shipped}, channel=sold)
        findings.append(
            Finding("edited_after_shipment", subject, said, evidence, account_id, "high")
        )
    return findings


def short_of(
    account_id: int,
    line_id: int,
    name: str,
    about: Mapping[str, Value],
    kept: Mapping[str, Value],
    sold: Mapping[str, Value],
) -> Finding:
    """An order line that wants more units than there are."""
    said = f"{name} wants {kept['short']} more than there is"
    evidence = Evidence(about, hub=kept, channel=sold)
    return Finding("oversold", f"order_line:{line_id}", said, evidence, account_id, "high")


def _about(order: IncomingOrder, change: Change) -> dict[str, Value]:
    """What a person knows the line by; nothing of the buyer."""
    line = change.line
    told = next((one for one in order.lines if one.external_id == line.external_id), None)
    return {
        "order": order.external_id,
        "number": order.number,
        "line": line.external_id,
        "listing": line.listing_key,
        "sku": told.sku if told else "",
        "title": told.title if told else "",
        "ordered_at": order.placed_at,
    }
