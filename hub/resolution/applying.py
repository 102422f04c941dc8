"""Previewing an action and taking it: judged alike, once, by who may, on the version that was seen.

The effect, the record, its history and the audit line are one transaction. The conflict's own row
comes last, by its version: of two people at once one takes effect, and the other's is rolled back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from hub.auth import ROLES
from hub.channels.connecting import Declared
from hub.conflicts import life, reading
from hub.conflicts.kinds import Action, actions_of
from hub.conflicts.life import Resolution, Row, Who
from hub.conflicts.reading import Shown
from hub.db import Transaction
from hub.errors import Conflict, Forbidden, HubError, InvalidInput, StaleVersion
from hub.resolution.plans import Asked, Case, Told
from hub.resolution.verbs import PUT_OFF, VERBS

#: What is written down as the reason where none is asked for.
UNSAID = {"wait": "it waits for stock"}


class Preview(NamedTuple):
    """What an action would do now. ``leads_to``: the state the conflict would then be in."""

    verb: str
    version: int
    leads_to: str
    changes: tuple[Row, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Desk:
    """Who works on conflicts, and with which channels."""

    who: Who
    channels: Mapping[str, Declared]


def preview(tx: Transaction, desk: Desk, number: int, asked: Asked) -> Preview:
    """What would change; nothing does. Raises what taking the action would raise."""
    present = reading.get(tx, number)
    _judge(desk, present, asked, reasoned=False)
    if asked.verb in PUT_OFF:
        row = Row("conflict", f"{present.kind} {number}", present.state, "dismissed")
        return Preview(asked.verb, present.version, "dismissed", (row,), ())
    plan = VERBS[present.kind, asked.verb](tx, Case(present, asked, desk.who, desk.channels))
    leads_to = "resolved" if plan.closes else "in_progress"
    return Preview(asked.verb, present.version, leads_to, plan.changes, plan.notes)


def resolve(
    tx: Transaction, desk: Desk, number: int, asked: Asked, *, expected_version: int
) -> Shown:
    """Take the action. The very same one taken before has no second effect. Raises StaleVersion
    where the conflict is another by now, Conflict where it is closed or things do not allow it."""
    present = reading.get(tx, number)
    reason = asked.reason or UNSAID.get(asked.verb, "")
    done = Resolution(asked.verb, expected_version, reason, asked.told.plain())
    if _taken_before(present, desk.who, done):
        return present
    life.known(tx, number, expected_version)
    _judge(desk, present, asked, reasoned=True)
    if asked.verb in PUT_OFF:
        return life.dismiss(tx, number, desk.who, done, until=asked.told.until)
    case = Case(present, asked, desk.who, desk.channels, firm=True)
    try:
        plan = VERBS[present.kind, asked.verb](tx, case)
        plan.act(tx)
    except HubError as error:
        _raise_if_stale(tx, present, error)
        raise
    told = Resolution(done.verb, done.version, done.reason, done.arguments, plan.changes)
    return life.conclude(tx, present, desk.who, told, closes=plan.closes)


def _taken_before(present: Shown, who: Who, done: Resolution) -> bool:
    """This very command has been carried out: its answer was lost, and it is sent again."""
    before = present.resolution
    return before is not None and (
        before["verb"], before["version"], before["actor"], before["arguments"], before["reason"]
    ) == (done.verb, done.version, who.actor, dict(done.arguments), done.reason)  # fmt: skip


def _raise_if_stale(tx: Transaction, present: Shown, error: HubError) -> None:
    """What stood in the way may be what somebody else has just done about it."""
    now = reading.get(tx, present.id)
    if now.version != present.version and not isinstance(error, StaleVersion):
        said = f"conflict {present.id} has been changed to version {now.version}"
        raise StaleVersion(said) from error


def _judge(desk: Desk, present: Shown, asked: Asked, *, reasoned: bool) -> None:
    """Whether this may be asked of this conflict, by this person, in this way."""
    action = next((one for one in actions_of(present.kind) if one.verb == asked.verb), None)
    if action is None:
        known = ", ".join(one.verb for one in actions_of(present.kind))
        raise InvalidInput("verb", f"must be one of {known}")
    if ROLES.index(desk.who.role) < ROLES.index(action.role):
        raise Forbidden(f"this needs the role {action.role}; the token's is {desk.who.role}")
    if action.elsewhere:
        where = action.elsewhere.format(account_id=present.account_id)
        raise Conflict(f"that is done by {where}", code="done_elsewhere")
    _check_told(action, asked.told)
    if reasoned and action.reasoned and not asked.reason.strip():
        raise InvalidInput("reason", "is needed")
    put_off = asked.verb in PUT_OFF and present.state == "dismissed"
    if not present.is_open and not put_off:
        raise Conflict(f"conflict {present.id} is {present.state}: reopen it", code="not_open")


def _check_told(action: Action, told: Told) -> None:
    """Every argument is one of the action's, and those it needs are there."""
    taken = {one.name: one.needed for one in action.arguments}
    for name, value in told._asdict().items():
        if value is not None and name not in taken:
            raise InvalidInput(f"arguments.{name}", f"is nothing {action.verb} takes")
        if value is None and taken.get(name):
            raise InvalidInput(f"arguments.{name}", "is needed")
