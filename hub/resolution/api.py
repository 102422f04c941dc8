"""Resolving conflicts over HTTP: what an action would do, doing it, doing it for many."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from hub.api.blueprints import Blueprint
from hub.api.edge import command, expected_version, installation, reading, tag
from hub.conflicts.api import Answered, assignee, detail, who
from hub.conflicts.reading import Wanted
from hub.conflicts.schemas import ConflictDetail
from hub.db import Transaction
from hub.resolution import applying
from hub.resolution.applying import Desk
from hub.resolution.bulk import chosen, take_all
from hub.resolution.plans import Asked, Told
from hub.resolution.schemas import (
    BulkAnswer,
    BulkBody,
    PreviewAnswer,
    PreviewBody,
    ResolveBody,
)

blueprint = Blueprint(
    "resolution",
    __name__,
    role="support",
    url_prefix="/api/v1",
    description="What may be done about conflicts, with a preview of its effect",
)


def desk() -> Desk:
    return Desk(who(), installation().channels)


def asked(body: dict[str, Any]) -> Asked:
    return Asked(body["verb"], Told(**body["arguments"]), body.get("reason", ""))


@blueprint.route("/conflicts/<row:conflict_id>/preview")
class Preview(MethodView):
    @blueprint.takes(PreviewBody)
    @blueprint.answers(200, PreviewAnswer)
    def post(self, body: dict[str, Any], conflict_id: int) -> Any:
        """What an action would change, before and after; nothing changes"""
        with reading() as tx:
            shown = applying.preview(tx, desk(), conflict_id, asked(body))
        return shown, 200, tag(shown.version)


@blueprint.route("/conflicts/<row:conflict_id>/resolve")
class Resolve(MethodView):
    @blueprint.updates()
    @blueprint.takes(ResolveBody)
    @blueprint.answers(200, ConflictDetail)
    def post(self, body: dict[str, Any], conflict_id: int) -> Any:
        """Take an action

        It takes effect once: sent again as it was, it changes nothing more.
        """
        version = expected_version()

        def work(tx: Transaction) -> Answered:
            told = asked(body)
            now = applying.resolve(tx, desk(), conflict_id, told, expected_version=version)
            return detail(tx, now)

        return command(work)


@blueprint.route("/conflicts/bulk")
class Bulk(MethodView):
    @blueprint.takes(BulkBody)
    @blueprint.answers(200, BulkAnswer)
    def post(self, body: dict[str, Any]) -> Any:
        """Take an action for many conflicts, each judged by itself

        Each is judged on the version it had when the call came in; what is refused stops no other.
        """
        told, meant = asked(body), body["filter"]
        if meant is not None:
            meant = Wanted(**{**meant, "assignee": assignee(meant["assignee"])})
        with reading() as tx:
            picked = chosen(tx, body["ids"], meant)
        return {"items": list(take_all(command, desk(), picked, told))}
