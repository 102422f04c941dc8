"""Failpoints: places between two steps where a process can be killed, frozen or cut off.

For tests only. A process has them where it was started with HUB_FAILPOINTS naming a directory, says
so loudly, and nothing else can arm them: no setting, no call of the API. Everywhere else a call
costs one look at a name.

A charge is a file in ``charged/``, named after its point, that holds what is to happen. Whoever
reaches the point first takes it, by renaming it to ``struck/<point>@<process>@<moment>``: a charge
goes off once, and what it struck is known though the process is gone.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from time import monotonic_ns

from hub.config import environment
from hub.errors import Misconfigured, Unavailable

log = logging.getLogger(__name__)

VARIABLE = "HUB_FAILPOINTS"
CHARGED, STRUCK = "charged", "struck"
KILL, FREEZE, LOSE = "kill", "freeze", "lose"

#: Every point, and what a crash there means.
POINTS: Mapping[str, str] = {
    "job.taken": "a job is off its queue and nothing is done: Redis has forgotten it",
    "push.claimed": "listings are leased, and nobody pushes them",
    "push.asking": "the offers are about to be sent",
    "push.answered": "the channel shows the new numbers, and the hub does not know",
    "push.recorded": "the answers are in; when the next push is due is not said yet",
    "derive.derived": "offers follow the stock in a transaction that is not committed",
    "derive.committed": "offers are derived, and nobody has been told to push them",
    "pull.claimed": "the account's orders are leased, and nobody reads them",
    "pull.fetched": "a page of orders is read, and not in the database",
    "pull.saving": "a page, its stock moves and its cursor are written, not committed",
    "pull.saved": "a page is in; the walk goes on from its cursor",
    "pull.done": "all pages are in, and the lease is not given back",
    "inbox.claimed": "webhooks wait, and their lease is taken",
    "inbox.fetched": "what the webhooks name is in; they still count as waiting",
    "inbox.finished": "the webhooks are done, and the lease is not given back",
    "check.claimed": "read-backs are leased, and nothing is read",
    "check.read": "the channel's numbers are known, and not judged",
    "check.judged": "the numbers are judged; the next read-back is not said yet",
    "outbox.claimed": "parcels, cancellations and refunds are leased, and not told",
    "outbox.told": "the channel was told, and the hub has no record of it",
    "outbox.recorded": "one is recorded, the rest of the batch is still leased",
    "request.claimed": "what people asked is leased, and not asked of the channel",
    "request.answered": "the channel has answered, and the person does not know",
    "request.recorded": "one answer is in, and the lease is not given back",
    "catalogue.fetched": "a page of listings is read, and not in the database",
    "catalogue.saved": "listings are in, and linked to nothing yet",
    "refunds.fetched": "a page of refunds is read, and not in the database",
    "payouts.fetched": "a page of payouts is read, and not in the database",
    "money.saving": "refunds or payouts and their cursor are written, not committed",
    "tokens.renewed": "the channel has given new tokens, and only this process has them",
    "tokens.stored": "new tokens are stored, and not used yet",
    "door.stored": "a webhook is stored, and its channel has not been answered",
    "door.opened": "a webhook is genuine, and not stored",
    "call.done": "a call has had its effect in a transaction that is not committed",
    "call.committed": "a call has had its effect for good, and the caller was not told",
    "database.commit": "any transaction, right before its COMMIT",
    "database.committed": "any transaction, after its COMMIT and before it rings",
    "clock.heard": "a ring is heard, and no job is queued for it",
    "clock.sweeping": "half of what is due is queued",
}


class Charges:
    """The charges of one directory, as a process meets them."""

    def __init__(self, folder: Path) -> None:
        self._charged = f"{folder / CHARGED}{os.sep}"
        self._struck = f"{folder / STRUCK}{os.sep}"

    def reached(self, point: str) -> None:
        """Nothing, or what the point's charge wants. Raises Unavailable."""
        mine = f"{self._struck}{point}@{os.getpid()}@{monotonic_ns()}"
        try:
            os.rename(f"{self._charged}{point}", mine)
        except FileNotFoundError:
            return
        _go_off(point, Path(mine).read_text())


def _go_off(point: str, deed: str) -> None:
    log.warning("failpoint %s: %s", point, deed)
    if deed == KILL:
        os.kill(os.getpid(), signal.SIGKILL)
    elif deed == FREEZE:
        # Whoever planted it lets us go on.
        os.kill(os.getpid(), signal.SIGSTOP)
    else:
        raise Unavailable(f"the connection is lost at {point}")


def _armed(variables: Mapping[str, str]) -> Charges | None:
    """Raises Misconfigured where the directory is not one that was made for this."""
    if not variables.get(VARIABLE):
        return None
    folder = Path(variables[VARIABLE])
    if not all((folder / part).is_dir() for part in (CHARGED, STRUCK)):
        raise Misconfigured(f"{VARIABLE} must name a directory with {CHARGED}/ and {STRUCK}/")
    log.critical("failpoints are armed: this process may be made to fail at any step (%s)", folder)
    return Charges(folder)


_charges = _armed(environment())


def reached(point: str) -> None:
    if _charges is not None:
        _charges.reached(point)
