"""A blueprint says which role may use it; a method may ask for a stricter one. No role, no entry.

``PUBLIC`` blueprints check by other means (a signature) or have nothing to hide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar, cast

import flask_smorest
from flask import Flask, Request, current_app, request
from marshmallow import RAISE
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import UnsupportedMediaType
from werkzeug.routing import BaseConverter, ValidationError

from hub.api.bodies import parse
from hub.api.edge import authorise, raw_body
from hub.api.fields import ProblemSchema
from hub.api.repeats import UNSAFE, documented
from hub.auth import ROLES
from hub.errors import Forbidden
from hub.paging import LARGEST_ID
from hub.problems import MEDIA_TYPE

PUBLIC = "public"
F = TypeVar("F", bound=Callable[..., Any])
Decorator = Callable[[F], F]


class RowConverter(BaseConverter):
    """A row's id in a path: what PostgreSQL could not hold is simply not found."""

    regex = "[1-9][0-9]{0,18}"

    def to_python(self, value: str) -> int:
        number = int(value)
        if number > LARGEST_ID:
            raise ValidationError
        return number


class Parser(FlaskParser):
    """Strict bodies; a query parameter we do not know is an error too."""

    DEFAULT_UNKNOWN_BY_LOCATION = {  # noqa: RUF012  # webargs' own shape
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": RAISE,
        "querystring": RAISE,
    }

    def _raw_load_json(self, req: Request) -> Any:
        if req.mimetype != "application/json":
            raise UnsupportedMediaType("the body must be application/json")
        return parse(raw_body())


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]  # smorest has no types
    ARGUMENTS_PARSER = Parser()

    def __init__(self, name: str, import_name: str, *, role: str, **options: Any) -> None:
        super().__init__(name, import_name, **options)
        self.role = role
        self._prepare_doc_cbks.append(self._prepare_problems_doc)

    def route(self, rule: str, **options: Any) -> Decorator[Any]:
        return cast("Decorator[Any]", super().route(rule, **options))

    def takes(self, schema: type) -> Decorator[Any]:
        """The schema of the JSON body."""
        return cast("Decorator[Any]", self.arguments(schema))

    def query(self, schema: type) -> Decorator[Any]:
        """The schema of the query string."""
        return cast("Decorator[Any]", self.arguments(schema, location="query"))

    def answers(self, status: int, schema: type | None = None, **options: Any) -> Decorator[Any]:
        return cast("Decorator[Any]", self.response(status, schema, **options))

    def may_answer(self, status: int, name: str) -> Decorator[Any]:
        """Documents an error that other operations do not have."""
        return cast("Decorator[Any]", self.alt_response(status, response=name))

    def updates(self) -> Decorator[Any]:
        """Documents that the method compares versions."""
        header = {
            "in": "header",
            "name": "If-Match",
            "required": True,
            "schema": {"type": "string"},
            "description": "the ETag of what was read",
        }
        responses = {"412": "PRECONDITION_FAILED", "428": "PRECONDITION_REQUIRED"}
        return cast("Decorator[Any]", self.doc(parameters=[header], responses=responses))

    def _prepare_problems_doc(
        self, doc: dict[str, Any], doc_info: Mapping[str, Any], *, method: str, **kwargs: Any
    ) -> dict[str, Any]:
        """What any operation may answer, so that the page tells all of it."""
        told = doc.setdefault("responses", {})
        manual = doc_info.get("manual_doc", {})
        role = manual.get("x-role", self.role)
        if role != PUBLIC and method.upper() in UNSAFE:
            # smorest would put the manual list in the place of this one.
            named = [*doc.get("parameters", []), *manual.pop("parameters", [])]
            doc["parameters"] = [*named, documented()]
            told |= {400: "BAD_REQUEST", 409: "CONFLICT", 422: HTTPStatus(422).name}
        if role != PUBLIC:
            doc["security"] = [{"bearer": []}]
            told |= {401: "UNAUTHORIZED", 403: "FORBIDDEN"}
        else:
            doc["security"] = []
        doc["x-role"] = role
        if "requestBody" in doc:
            told |= {
                400: "BAD_REQUEST",
                413: "REQUEST_ENTITY_TOO_LARGE",
                415: "UNSUPPORTED_MEDIA_TYPE",
            }
        told |= {404: "NOT_FOUND", 503: "SERVICE_UNAVAILABLE", "default": "DEFAULT_ERROR"}
        return doc


def needs(role: str) -> Callable[[F], F]:
    """A stricter role for one method of a blueprint."""
    if role not in ROLES:
        raise ValueError(f"{role} is not a role")

    def mark(view: F) -> F:
        view.role = role  # type: ignore[attr-defined]
        return cast("F", flask_smorest.Blueprint.doc(**{"x-role": role})(view))

    return mark


def role_of(app: Flask, endpoint: str, method: str) -> str:
    """The role a request needs; "" where none is declared, which lets nobody in."""
    view = app.view_functions[endpoint]
    name = "get" if method == "HEAD" else method.lower()
    handler = getattr(getattr(view, "view_class", None), name, view)
    blueprint = app.blueprints.get(endpoint.rpartition(".")[0])
    return str(getattr(handler, "role", "") or getattr(blueprint, "role", ""))


def guard() -> None:
    """Before every request that has a route. Deny by default."""
    if request.endpoint is None:
        return
    role = role_of(current_app, request.endpoint, request.method)
    if role == PUBLIC:
        return
    if role not in ROLES:
        raise Forbidden("nobody may use this route")
    authorise(role)


class Api(flask_smorest.Api):  # type: ignore[misc]
    """flask-smorest with our error shape, in answers and in the specification."""

    ERROR_SCHEMA = ProblemSchema

    def _register_error_handlers(self) -> None:
        """The application answers all errors itself."""

    def _register_responses(self) -> None:
        self.DEFAULT_RESPONSE_CONTENT_TYPE = MEDIA_TYPE
        super()._register_responses()
        del self.DEFAULT_RESPONSE_CONTENT_TYPE
