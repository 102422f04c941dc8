"""Conflicts over HTTP: reading them, taking them, putting them off. Resolving is above."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask.views import MethodView

from hub.api.blueprints import Blueprint, needs
from hub.api.edge import (
    command,
    expected_version,
    installation,
    note,
    principal,
    reading,
    request_id,
    tag,
)
from hub.conflicts import life
from hub.conflicts import reading as records
from hub.conflicts.kinds import Action, actions_of
from hub.conflicts.life import Resolution, Who
from hub.conflicts.reading import NOBODY, Shown, Wanted
from hub.conflicts.schemas import (
    AssignBody,
    ConflictDetail,
    ConflictPage,
    ConflictQuery,
    CountsAnswer,
    DismissBody,
    PayloadAnswer,
    ReopenBody,
)
from hub.db import Transaction
from hub.paging import after_id, page

blueprint = Blueprint(
    "conflicts",
    __name__,
    role="viewer",
    url_prefix="/api/v1",
    description="What does not agree, with its evidence, and what a person does about it",
)
Answered = tuple[dict[str, Any], int, dict[str, str]]


def who() -> Who:
    return Who(principal().actor, principal().role, request_id())


def assignee(given: str | None) -> str | None:
    """``me`` is the token that asks."""
    return principal().actor if given == "me" else given


def offered(one: Shown) -> list[Action]:
    """What the token may do about it now; the first is suggested."""
    if not one.is_open:
        return []
    allowed = [action for action in actions_of(one.kind) if principal().may(action.role)]
    return allowed if principal().may("support") else []


def detail(tx: Transaction, one: Shown) -> Answered:
    told = {**one._asdict(), "events": records.events(tx, one.id), "actions": offered(one)}
    return told, 200, tag(one.version)


def wanted(query: dict[str, Any]) -> Wanted:
    values = {name: query[name] for name in Wanted._fields}
    return Wanted(**{**values, "assignee": assignee(values["assignee"])})


@blueprint.route("/conflicts")
class Conflicts(MethodView):
    @blueprint.query(ConflictQuery)
    @blueprint.answers(200, ConflictPage)
    def get(self, query: dict[str, Any]) -> Any:
        """Conflicts, the oldest first"""
        after, limit = after_id(query["after"], "conflicts"), query["limit"]
        with reading() as tx:
            found = records.conflicts(tx, wanted(query), after=after, limit=limit + 1)
        return page(found, limit, "conflicts", lambda one: one.id)


@blueprint.route("/conflicts/counts")
class Counts(MethodView):
    @blueprint.answers(200, CountsAnswer)
    def get(self) -> Any:
        """How many conflicts there are of each kind in each state"""
        with reading() as tx:
            return {"items": records.counts(tx)}


@blueprint.route("/conflicts/<row:conflict_id>")
class OneConflict(MethodView):
    @blueprint.answers(200, ConflictDetail)
    def get(self, conflict_id: int) -> Any:
        """One conflict: its evidence, its history, and what may be done about it"""
        with reading() as tx:
            return detail(tx, records.get(tx, conflict_id))


@blueprint.route("/conflicts/<row:conflict_id>/payload")
class Payload(MethodView):
    @needs("owner")
    @blueprint.answers(200, PayloadAnswer)
    def get(self, conflict_id: int) -> Any:
        """The record that could not be taken in: personal data, and the look is written down"""
        keyring = installation().keyring

        def look(tx: Transaction) -> dict[str, Any]:
            found = records.payload(tx, keyring, conflict_id)
            note(tx, "conflict.payload", f"conflict:{conflict_id}")
            return {"payload": found}

        return command(look)


@blueprint.route("/conflicts/<row:conflict_id>/assign")
class Assign(MethodView):
    @needs("support")
    @blueprint.updates()
    @blueprint.takes(AssignBody)
    @blueprint.answers(200, ConflictDetail)
    def post(self, body: dict[str, Any], conflict_id: int) -> Any:
        """Give a conflict to somebody: it is in progress from then on"""
        given = None if body["assignee"] == NOBODY else assignee(body["assignee"])
        version = expected_version()
        return _step(
            lambda tx: life.assign(tx, conflict_id, who(), given, expected_version=version)
        )


@blueprint.route("/conflicts/<row:conflict_id>/dismiss")
class Dismiss(MethodView):
    @needs("support")
    @blueprint.updates()
    @blueprint.takes(DismissBody)
    @blueprint.answers(200, ConflictDetail)
    def post(self, body: dict[str, Any], conflict_id: int) -> Any:
        """Leave it as it is, for good or until a moment

        It is opened again when that moment has come, or when its evidence is another.
        """
        until = body["until"]
        told = {"until": until.isoformat()} if until else {}
        done = Resolution("dismiss", expected_version(), body["reason"], told)
        return _step(lambda tx: life.dismiss(tx, conflict_id, who(), done, until=until))


@blueprint.route("/conflicts/<row:conflict_id>/reopen")
class Reopen(MethodView):
    @needs("support")
    @blueprint.updates()
    @blueprint.takes(ReopenBody)
    @blueprint.answers(200, ConflictDetail)
    def post(self, body: dict[str, Any], conflict_id: int) -> Any:
        """Open a closed conflict again; one that is open stays as it is"""
        version, reason = expected_version(), body["reason"]
        return _step(
            lambda tx: life.reopen(tx, conflict_id, who(), reason, expected_version=version)
        )


def _step(take: Callable[[Transaction], Shown]) -> Answered:
    def work(tx: Transaction) -> Answered:
        return detail(tx, take(tx))

    return command(work)
