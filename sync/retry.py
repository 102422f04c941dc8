"""What to do about an error, decided in one place: when to try again, what to call the flow.

Of an account's flow that failed several times in a row nothing is asked any more, however much
makes it due: a channel that hangs would else hold up a worker for every sale. At growing pauses one
try looks whether it is well again, and the first that succeeds opens it for all. What a person asks
for, and a new authorisation, do not wait.
"""

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
#: Short: a refusal recorded after the new authorisation must not hold its listings for long.
PROBE = 20.0
#: So many failures in a row, and the flow is held until the next try.
BREAKS = 5


@dataclass(frozen=True, slots=True)
class Reaction:
    """``delay`` in seconds; ``health`` as :mod:`hub.channels.flows` names it. ``hold``: for so many
    seconds the flow is left alone, whatever makes it due."""

    delay: float
    health: str
    error: str
    hold: float = 0.0


def react(error: ConnectorError, attempts: int) -> Reaction:
    """``attempts`` counts the tries so far, this one included."""
    said = f"{type(error).__name__}: {error.message}"[:500]
    if isinstance(error, AuthError):
        return Reaction(PROBE, REAUTHORISE, said)
    if isinstance(error, TransientError) and error.retry_after is not None:
        delay = min(max(error.retry_after, 0.1), LONGEST_OBEYED)
    else:
        delay = backoff(attempts)
    throttled = isinstance(error, TransientError) and error.throttled
    health = "throttled" if throttled else "failing"
    return Reaction(delay, health, said, delay if breaks(health, attempts) else 0.0)


def breaks(health: str, attempts: int) -> bool:
    """Being too fast breaks nothing: the budget says when to come again."""
    return health == "failing" and attempts >= BREAKS


def backoff(attempts: int) -> float:
    return min(LONGEST, jitter(FIRST * 2 ** min(max(attempts - 1, 0), 12)))
