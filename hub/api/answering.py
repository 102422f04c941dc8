"""What every answer carries, and how an error is told: to Flask's routes and to the webhook door,
which does without Flask."""

from __future__ import annotations

import json
import random
import re
import traceback
from collections.abc import Mapping
from typing import NamedTuple

import structlog

from hub import logs
from hub.problems import MEDIA_TYPE, problem_of

log = logs.logger(__name__)
REQUEST_ID = "X-Request-Id"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")


class Told(NamedTuple):
    """An error as it goes out; ``headers`` beside those that every answer carries."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    content_type: str = MEDIA_TYPE


def name_request(given: str) -> str:
    """The caller's request id where it is one, else one that is made; every log line carries it. It
    guards nothing, so the system is not asked for its randomness: a webhook has little time."""
    made = given if _REQUEST_ID.match(given) else f"{random.getrandbits(128):032x}"  # noqa: S311  # an id, no secret
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=made)
    return made


def carried(request_id: str) -> dict[str, str]:
    """Headers of every answer that says nothing else under these names."""
    return {
        REQUEST_ID: request_id,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }


def told(error: Exception, request_id: str) -> Told:
    """Every error in one shape. Only what was not foreseen is logged, and never its values."""
    problem = problem_of(error)
    if problem.unforeseen:
        frames = traceback.extract_tb(error.__traceback__)
        where = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-12:]]
        log.error("request failed", kind=type(error).__qualname__, code=problem.code, where=where)
    body = json.dumps(problem.body(request_id), separators=(",", ":")) + "\n"
    return Told(problem.status, problem.headers, body.encode())
