"""An account whose credentials cannot be opened: the key they were sealed with is not here."""

from __future__ import annotations

from hub.channels import flows
from hub.conflicts.record import Finding, open_conflicts
from hub.db import Transaction

#: Seconds until somebody looks again whether the key is back.
PROBE = 60.0
SAID = "the key that this account's credentials were sealed with is not among this process' keys"


def stand_still(tx: Transaction, account_id: int) -> None:
    """Nothing is asked of the channel for a while, and a person is told. It goes on by itself once
    the key is back: the first pull that succeeds closes the conflict."""
    flows.lock(tx, account_id, *flows.FLOWS)
    for name in flows.FLOWS:
        flows.hold(tx, account_id, name, PROBE)
    for name in (flows.PULL, flows.PUSH):
        flows.note(tx, account_id, name, flows.REAUTHORISE, SAID)
    open_conflicts(
        tx, [Finding("auth_expired", f"account:{account_id}", SAID, {}, account_id, "high")]
    )
