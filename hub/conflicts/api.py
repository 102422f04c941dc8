"""Conflicts over HTTP: reading."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from hub.api.blueprints import Blueprint
from hub.api.edge import reading, tag
from hub.conflicts import reading as records
from hub.conflicts.schemas import ConflictAnswer, ConflictPage, ConflictQuery
from hub.paging import after_id, page

blueprint = Blueprint(
    "conflicts",
    __name__,
    role="viewer",
    url_prefix="/api/v1",
    description="What does not agree, with its evidence",
)


@blueprint.route("/conflicts")
class Conflicts(MethodView):
    @blueprint.query(ConflictQuery)
    @blueprint.answers(200, ConflictPage)
    def get(self, query: dict[str, Any]) -> Any:
        """Conflicts, the oldest first"""
        asked = {**query, "after": after_id(query["after"], "conflicts")}
        asked["limit"] += 1
        with reading() as tx:
            found = records.conflicts(tx, **asked)
        return page(found, query["limit"], "conflicts", lambda one: one.id)


@blueprint.route("/conflicts/<row:conflict_id>")
class OneConflict(MethodView):
    @blueprint.answers(200, ConflictAnswer)
    def get(self, conflict_id: int) -> Any:
        """One conflict: the hub's value, the channel's, and what is known besides"""
        with reading() as tx:
            one = records.get(tx, conflict_id)
        return one, 200, tag(one.version)
