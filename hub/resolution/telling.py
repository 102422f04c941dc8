"""A channel would not take what it was told of a sale: it is told once more, when what stood in the
way is thought to be gone. The fact itself stands."""

from __future__ import annotations

from collections.abc import Callable

from hub.aftersales import refunding
from hub.channels.outbox import REFUSED
from hub.conflicts.life import Row
from hub.db import Transaction
from hub.resolution.plans import Case, Plan, impossible
from hub.sales import cancelling, shipments

_DOCUMENTS = {kind: document for kind, document in REFUSED.values()}
_AGAIN: dict[str, Callable[[Transaction, int], bool]] = {
    "shipment": shipments.tell_again,
    "cancellation": cancelling.tell_again,
    "refund": refunding.tell_again,
}


def tell_again(tx: Transaction, case: Case) -> Plan:
    document = _DOCUMENTS[case.conflict.kind]

    def act(tx: Transaction) -> None:
        if not _AGAIN[document](tx, case.row):
            raise impossible(f"the channel is being told of {document} {case.row}, or knows of it")

    return Plan(
        (Row(document, f"{document} {case.row}: the channel", "refused", "waiting"),),
        act,
        ("it stays in progress until the channel has taken it",),
        closes=False,
    )
