"""Every job and every call to a channel is counted, timed and, where tracing is on, traced.

Labels and attributes are names of ours and ids: no URL, no query, no host, no error's message.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import structlog
from rq import get_current_job
from rq.job import Job

from connectors import errors
from connectors.http import Http, Response
from hub import logs, metrics, tracing
from hub.errors import NotFound
from sync.aside import COUNTER

log = logs.logger(__name__)

#: How a call ended, the more special first.
OUTCOMES = {
    errors.UnknownOutcome: "unknown",
    errors.TransientError: "failed",
    errors.AuthError: "unauthorised",
    errors.RejectedError: "rejected",
    errors.ProtocolError: "senseless",
}


@contextmanager
def watched(topic: str, seller_id: int, account_id: int, job: Job | None = None) -> Iterator[None]:
    """One job: its log lines carry its ids, and its end is counted however it ends. ``job`` where
    another thread took it."""
    running = job or get_current_job()
    job_id, cause = (running.id, str(running.meta.get("cause", ""))) if running else ("", "")
    ids: dict[str, str | int] = {"job_id": job_id, "seller": seller_id, "account": account_id}
    structlog.contextvars.bind_contextvars(job=topic, **ids)
    began, outcome = monotonic(), "failed"
    try:
        with tracing.span(f"job {topic}", "consumer", cause=cause, topic=topic, **ids):
            try:
                yield
                outcome = "done"
            except NotFound as error:
                outcome = "nothing"
                log.warning("nothing to do", reason=error.message)
    except Exception:
        log.exception("job failed")
        raise
    finally:
        seconds = monotonic() - began
        metrics.JOBS.labels(topic, outcome).inc()
        metrics.JOB_SECONDS.labels(topic).observe(seconds)
        log.info("job ended", outcome=outcome, milliseconds=round(seconds * 1000, 1))
        structlog.contextvars.clear_contextvars()


class Watched(Http):
    """An account's session whose calls are watched. A call is one request with its repetitions."""

    def __init__(self, channel: str, account_id: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self._channel = channel
        self._account_id = account_id

    def request(self, method: str, url: str, *, write: bool, **options: Any) -> Response:
        began, outcome = monotonic(), "failed"
        noted: dict[str, Any] = {
            "channel": self._channel,
            "method": method,
            "write": int(write),
        }
        try:
            with tracing.span(f"call {self._channel}", "client", **noted) as mark:
                with COUNTER.waiting(self._channel, urlsplit(url).netloc, self._account_id):
                    answer = super().request(method, url, write=write, **options)
                mark.note(status=answer.status)
            outcome = "answered"
            return answer
        except errors.ConnectorError as error:
            outcome = outcome_of(error)
            raise
        finally:
            metrics.CALLS.labels(self._channel, outcome).inc()
            metrics.CALL_SECONDS.labels(self._channel).observe(monotonic() - began)


def outcome_of(error: errors.ConnectorError) -> str:
    if isinstance(error, errors.TransientError) and error.throttled:
        return "throttled"
    return next((name for kind, name in OUTCOMES.items() if isinstance(error, kind)), "failed")
