"""What a page of orders shows a person: records that could not go in, lines that lack stock or a
link, edits that come too late. And what it sets right again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from hub.conflicts.record import Finding, close_conflicts, open_conflicts
from hub.db import Transaction
from hub.sales.incoming import IncomingOrder
from hub.sales.lines import Change
from hub.secrets import Keyring, bound_to


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
        name = one.external_id
        if not 0 < len(name) <= 200:
            name = hashlib.blake2b(payload, digest_size=16).hexdigest()
        subject = f"{record}:{account_id}:{name}".encode(errors="backslashreplace").decode()
        subject = subject.replace("\0", "\\0")[:300]
        findings.append(
            Finding(
                "poison_record",
                subject,
                f"{record} {one.external_id!r} was not taken in: {one.field}: {one.reason}",
                {"field": one.field, "reason": ascii(one.reason)[:500]},
                account_id,
                "high",
                keyring.encrypt(payload, bound_to(tx.seller_id, "conflict", subject, "payload")),
            )
        )
    open_conflicts(tx, findings)


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
        order = orders[change.line.order_id]
        name = f"line {change.line.external_id} of order {order.number}"
        evidence: dict[str, Any] = {"order": order.external_id, "line": change.line.external_id}
        subject = f"order_line:{change.line.id}"
        if change.line.pending:
            said = f"{name} is of a listing that is not linked to a product"
            findings.append(Finding("order_line_unmapped", subject, said, evidence, account_id))
        if change.line.claimed:
            said = f"{name} wants {change.line.claimed} more than there is"
            evidence = {**evidence, "product": change.line.product_id, "short": change.line.claimed}
            findings.append(Finding("oversold", subject, said, evidence, account_id, "high"))
        if change.refused:
            said = f"{name}: the channel took off {change.refused} units that are shipped"
            findings.append(
                Finding("edited_after_shipment", subject, said, evidence, account_id, "high")
            )
    open_conflicts(tx, findings)
    if poisoned:
        readable = [f"order:{account_id}:{order.external_id}"[:300] for order in orders.values()]
        close_conflicts(tx, "poison_record", readable)
    if changed:
        clear = [c.line.id for c in changes if not c.line.claimed]
        close_conflicts(tx, "oversold", [f"order_line:{number}" for number in clear])
        known = [c.line.id for c in changes if not c.line.pending]
        close_conflicts(tx, "order_line_unmapped", [f"order_line:{number}" for number in known])
