"""What to do about an error, decided in one place: when to try again, what to call the flow."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.errors import AuthError, ConnectorError, TransientError
from hub.channels.flows import REAUTHORISE
from hub.db import jitter

FIRST = 0.5
LONGEST = 300.0
#: How long a channel may tell us to wait before we look for ourselves.
LONGEST_OBEYED = 900.0
#: An account that wants a person is still tried now and then: the person may have acted elsewhere.
PROBE = 900.0


@dataclass(frozen=True, slots=True)
class Reaction:
    """``delay`` in seconds; ``health`` as :mod:`hub.channels.flows` names it."""

    delay: float
    health: str
    error: str


def react(error: ConnectorError, attempts: int) -> Reaction:
    """``attempts`` counts the tries so far, this one included."""
    said = f"{type(error).__name__}: {error.message}"[:500]
    if isinstance(error, AuthError):
        return Reaction(PROBE, REAUTHORISE, said)
    if isinstance(error, TransientError) and error.retry_after is not None:
        delay = min(max(error.retry_after, 0.1), LONGEST_OBEYED)
        return Reaction(delay, "throttled" if error.throttled else "failing", said)
    health = "throttled" if isinstance(error, TransientError) and error.throttled else "failing"
    return Reaction(backoff(attempts), health, said)


def backoff(attempts: int) -> float:
    return min(LONGEST, jitter(FIRST * 2 ** min(max(attempts - 1, 0), 12)))
