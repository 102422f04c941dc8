"""The web application: joins the features, the channels' declarations and the error shape.

``create_app()`` connects to nothing; the first request does.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from connectors import catalog
from hub import logs
from hub.aftersales import api as aftersales
from hub.api import answering
from hub.api.blueprints import PUBLIC, Api, RowConverter, guard
from hub.api.bodies import LARGEST
from hub.api.edge import Installation, request_id
from hub.api.repeats import Hub
from hub.api.watching import watch
from hub.channels import door
from hub.channels.api import channels, webhooks
from hub.channels.entrance import Entrance
from hub.channels.reconciliation import api as reconciliation
from hub.config import Settings, settings
from hub.conflicts import api as conflicts
from hub.db import Database, create
from hub.errors import NotFound
from hub.health.api import health
from hub.inventory import api as inventory
from hub.purchasing import api as purchasing
from hub.purchasing.arriving import api as arriving
from hub.purchasing.supply import api as supply
from hub.resolution import api as resolution
from hub.sales import api as sales
from hub.sales import backorders
from hub.secrets import Keyring

log = logs.logger(__name__)
VERSION = "1.0.0"
#: Connections kept, and as many again at need: one for each thread of a web process.
POOL = 8


def create_app(
    database: Database | None = None,
    settings: Settings | None = None,
    keyring: Keyring | None = None,
) -> Flask:
    """Raises Misconfigured where keys or the database's address are missing."""
    found = settings or _from_environment()
    database = database or Database(create(found.database_url, pool=POOL, name="hub-web"))
    keyring = keyring or Keyring.load(found.secret_keys, found.home)
    app = Hub("hub", static_folder=None)
    app.extensions["hub"] = Installation(
        database,
        found,
        keyring,
        {one.name: one for one in catalog.channels()},
        backorders.lock_waiting,
        backorders.serve_waiting,
    )
    app.config.update(
        MAX_CONTENT_LENGTH=LARGEST,
        API_TITLE="Storefront Hub",
        API_VERSION=VERSION,
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api/v1",
        OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS={"components": {"securitySchemes": {"bearer": _BEARER}}},
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the provider is the default one
    app.url_map.converters["row"] = RowConverter
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = False
    app.before_request(name_request)
    watch(app)
    app.before_request(guard)
    app.after_request(_finish)
    app.register_error_handler(Exception, answer)
    _register(app)
    porter = door.Porter(database, keyring, open_letter)
    app.wsgi_app = Entrance(  # type: ignore[method-assign]  # as Flask tells us to wrap it
        porter.receive, found.public_url, app.wsgi_app
    )
    return app


_BEARER = {"type": "http", "scheme": "bearer", "description": "a token made by `hub token`"}


def _from_environment() -> Settings:
    return settings()


def _register(app: Flask) -> None:
    api = Api(app)
    api.register_converter(
        RowConverter, lambda converter: {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
    )
    app.blueprints["api-docs"].role = PUBLIC  # type: ignore[attr-defined]  # it tells no secret
    for blueprint in (
        health,
        channels,
        webhooks,
        reconciliation.blueprint,
        inventory.blueprint,
        supply.blueprint,
        purchasing.blueprint,
        arriving.blueprint,
        sales.blueprint,
        aftersales.blueprint,
        conflicts.blueprint,
        resolution.blueprint,
    ):
        api.register_blueprint(blueprint)


def open_letter(
    name: str, letter: door.Letter, secrets: Mapping[str, Any], now: datetime
) -> door.Answered:
    """Let the channel say whether a webhook is its own, and what it means."""
    try:
        declared = catalog.channel(name).webhooks
    except catalog.UnknownChannel:
        raise NotFound("no such path") from None
    if declared is None:
        raise NotFound("no such path")
    incoming = catalog.WebhookRequest(letter.method, letter.url, letter.headers, letter.body)
    try:
        reply = declared.challenge(incoming, secrets) if declared.challenge else None
        if reply is not None:
            return door.Answered(reply.status, reply.body, reply.content_type)
        if letter.method != "POST":
            raise NotFound("no such path")
        genuine = declared.verify(incoming, secrets, now)
    except catalog.SignatureError as error:
        log.warning("webhook refused", channel=name, code=error.code, reason=error.message)
        raise door.NotGenuine(error.message) from None
    except catalog.KeyMissing as error:
        raise door.KeyAway(error.message) from None
    hints = [{"kind": str(hint.kind), "key": hint.key} for hint in genuine.hints]
    event = door.Event(genuine.event_id, genuine.topic, hints)
    ack = declared.ack
    return door.Answered(ack.status, ack.body, ack.content_type, event)


def name_request() -> None:
    g.request_id = answering.name_request(request.headers.get(answering.REQUEST_ID, ""))


def _finish(response: Response) -> Response:
    for name, value in answering.carried(request_id()).items():
        response.headers.setdefault(name, value)
    return response


def answer(error: Exception) -> Response:
    """Every error in one shape; what only sends the caller elsewhere is none."""
    if isinstance(error, HTTPException) and error.code is not None and error.code < 400:
        return cast(Response, error.get_response())
    told = answering.told(error, request_id())
    response = Response(told.body, told.status, content_type=told.content_type)
    response.headers.update(told.headers)
    return response
