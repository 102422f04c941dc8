"""Traces of what a request set off, web → job → channel call (OpenTelemetry). Off unless asked for.

Nothing of OpenTelemetry is imported before :func:`begin`. A span carries ids, names of our own and
outcomes: no URL, no query, no host, no message of an error, nothing that a person wrote. It is no
part of the ledger: what a trace loses, logs still tell by request and job ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

import structlog

from hub.errors import Misconfigured

T = TypeVar("T")
#: As W3C Trace Context writes it; longer ones are nobody's.
LONGEST = 64

_tracer: Any = None


class Mark:
    """What is noted on a span; nothing where there is none."""

    def __init__(self, span: Any = None) -> None:
        self._span = span

    def name(self, name: str) -> None:
        if self._span is not None:
            self._span.update_name(name)

    def note(self, **attributes: str | int) -> None:
        if self._span is not None:
            self._span.set_attributes({f"hub.{name}": value for name, value in attributes.items()})

    def failed(self, what: str) -> None:
        """``what`` is a kind of failure, never its message."""
        if self._span is not None:
            from opentelemetry.trace import Status, StatusCode

            self._span.set_status(Status(StatusCode.ERROR, what))


def begin(service: str, processor: Any = None) -> None:
    """Trace this process from now on; ``processor`` takes the spans in the place of an exporter.

    Raises Misconfigured where the packages are missing.
    """
    global _tracer  # noqa: PLW0603  # one per process is the point
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider

        processor = processor or _exporting()
    except ImportError:
        raise Misconfigured(
            "tracing needs its packages: pip install storefront-hub[tracing]"
        ) from None
    provider = TracerProvider(resource=Resource.create({"service.name": f"hub-{service}"}))
    provider.add_span_processor(processor)
    _tracer = provider.get_tracer("storefront-hub")


def _exporting() -> Any:
    """Where to, with which headers and how often: OpenTelemetry's own OTEL_… variables say."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    return BatchSpanProcessor(OTLPSpanExporter())


def end() -> None:
    """Trace no longer."""
    global _tracer  # noqa: PLW0603
    _tracer = None


@contextmanager
def span(name: str, kind: str, *, cause: str = "", **attributes: str | int) -> Iterator[Mark]:
    """``kind``: server, consumer or client. ``cause`` is the traceparent of what set it off, where
    that was in another process. An error passes through; only its kind is noted."""
    if _tracer is None:
        yield Mark()
        return
    from opentelemetry.trace import SpanKind

    made = _tracer.start_as_current_span(
        name,
        context=_context(cause) if cause else None,
        kind=SpanKind[kind.upper()],
        record_exception=False,
        set_status_on_exception=False,
    )
    with made as current:
        mark = Mark(current)
        mark.note(**attributes)
        if kind != "client":
            trace_id = format(current.get_span_context().trace_id, "032x")
            structlog.contextvars.bind_contextvars(trace_id=trace_id)
        try:
            yield mark
        except Exception as error:
            mark.failed(type(error).__name__)
            raise


def carried() -> str:
    """The traceparent of what is under way, for whoever goes on with it; "" where nothing is."""
    if _tracer is None:
        return ""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    headers: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(headers)
    return headers.get("traceparent", "")


def _context(cause: str) -> Any:
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({"traceparent": cause[:LONGEST]})


def along(function: Callable[..., T]) -> Callable[..., T]:
    """The function, to be called once by another thread, in the context of now: its logs keep
    their ids and its spans their parent."""
    return partial(copy_context().run, function)
