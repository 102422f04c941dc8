"""Health, readiness and metrics, over HTTP. They tell nothing of any seller."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask.views import MethodView
from marshmallow import fields

from hub import metrics, migrating
from hub.api.blueprints import PUBLIC, Blueprint
from hub.api.edge import installation
from hub.api.fields import Answer
from hub.errors import NotFound, Unauthenticated, Unavailable
from hub.health.figures import Figures, depths_seen
from hub.heartbeat import beats

health = Blueprint(
    "health", __name__, role=PUBLIC, url_prefix="/", description="For whoever watches the process"
)


class StateAnswer(Answer):
    """Nothing but that it is so."""

    status = fields.String(required=True)


class ReadyAnswer(StateAnswer):
    redis = fields.String(
        required=True,
        metadata={
            "description": "what the clock that leads sees of Redis: ok, away, or unknown where"
            " none leads; the web does not need it"
        },
    )


@health.route("/healthz")
class Healthz(MethodView):
    @health.answers(200, StateAnswer)
    def get(self) -> Any:
        """The process answers"""
        return {"status": "ok"}


@health.route("/readyz")
class Readyz(MethodView):
    @health.answers(200, ReadyAnswer)
    def get(self) -> Any:
        """The database answers and has this version's tables"""
        database = installation().database
        with database.across_sellers() as connection:
            found = migrating.current(connection)
        if migrating.is_behind(found):
            raise Unavailable("the database is not migrated to this version: run `hub migrate`")
        depths = depths_seen(beats(database))
        seen = "unknown" if depths is None else "away" if None in depths.values() else "ok"
        return {"status": "ok", "redis": seen}


@health.route("/metrics")
class Metrics(MethodView):
    @health.may_answer(401, "UNAUTHORIZED")
    @health.answers(200, content_type=metrics.CONTENT_TYPE)
    def get(self) -> Any:
        """Figures for Prometheus, for the bearer of the installation's metrics token"""
        here = installation()
        if not here.settings.metrics_token:
            raise NotFound("no such path")
        given = request.headers.get("Authorization", "")
        if not metrics.may_read(given, here.settings.metrics_token):
            raise Unauthenticated("send the metrics token: Authorization: Bearer …")
        page = metrics.page(here.settings.metrics_folder, Figures(here.database))
        return Response(page, content_type=metrics.CONTENT_TYPE)
