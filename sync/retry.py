"""What to do about an error, decided in one place: when to try again, what to call the flow.

Of an account's flow that failed several times in a row nothing is asked any more, however much
makes it due: a channel that hangs would else hold up a worker for every sale. At growing pauses one
try looks whether it is well again, and the first that succeeds opens it for all. What a person asks
for, and a new authorisation, do not wait.
"""

from __future__ import annotations

from dataclasses import dataclass

from connectors.errors import AuthError, ConnectorError, TransientError
from hub.channels.flows import REAUTHORISE, THROTTLED
from hub.db import jitter

FIRST = 0.5
LONGEST = 300.0
#: How long a channel may tell us to wait before we look for ourselves.
LONGEST_OBEYED = 900.0
#: An account that wants a person is still tried: the channel may have been wrong, or the person may
#: have acted elsewhere. Soon at first, then more and more rarely.
FIRST_PROBE, PROBE = 15.0, 900.0
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

    @property
    def rows_delay(self) -> float:
        """For what is to be sent or read once the flow is tried. Where a person must act first it
        is due at once: the flow is held instead, and a new authorisation ends that."""
        return 0.0 if self.health == REAUTHORISE else self.delay


def react(error: ConnectorError, attempts: int) -> Reaction:
    """``attempts`` counts the tries so far, this one included."""
    said = f"{type(error).__name__}: {error.message}"[:500]
    if isinstance(error, AuthError):
        probe = min(PROBE, FIRST_PROBE * 2 ** min(max(attempts - 1, 0), 10))
        return Reaction(probe, REAUTHORISE, said, hold=probe)
    if isinstance(error, TransientError) and error.retry_after is not None:
        delay = min(max(error.retry_after, 0.1), LONGEST_OBEYED)
    else:
        delay = backoff(attempts)
    health = THROTTLED if too_fast(error) else "failing"
    return Reaction(delay, health, said, delay if breaks(health, attempts) else 0.0)


def too_fast(error: ConnectorError) -> bool:
    """The channel, or our own count of its budget, asks us to come later: nothing was tried."""
    return isinstance(error, TransientError) and error.throttled


def breaks(health: str, attempts: int) -> bool:
    """Being too fast breaks nothing: the budget says when to come again."""
    return health == "failing" and attempts >= BREAKS


def backoff(attempts: int) -> float:
    return min(LONGEST, jitter(FIRST * 2 ** min(max(attempts - 1, 0), 12)))
