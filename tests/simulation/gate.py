"""Who gets into a simulated shop: a token that ends and is renewed, a budget, a shop that is down.

The refresh token is good for one use: the former one opens until the new pair has been used, and
then never again. Whoever asks faster than the budget, or before the time that a "too fast" named,
is counted, and the world is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from connectors.base import Limit
from connectors.errors import AuthError, TransientError
from tests.simulation.clocked import Clock
from tests.simulation.faults import Dice

#: A "too fast" names a time between these.
PAUSES = (1.0, 40.0)


@dataclass(frozen=True)
class Pair:
    access: str
    refresh: str


class TooFast(TransientError):
    """429. ``avoidable``: the budget was known, and overdrawn all the same."""

    def __init__(self, wait: float) -> None:
        super().__init__("too fast", code="429", retry_after=wait, throttled=True)


@dataclass
class Gate:
    name: str
    clock: Clock
    dice: Dice
    limit: Limit
    #: For so many seconds an access token opens.
    lifetime: float
    broken: Callable[[str], None] = lambda what: None
    pair: Pair = Pair("", "")
    #: The refresh token before this one, until the new pair is used.
    former: str = ""
    opens_until: float = 0.0
    down_until: float = 0.0
    shut_until: float = 0.0
    #: Redis was lost: until then what the hub counts begins anew.
    forgiven_until: float = 0.0
    #: It refused without a reason, or a person had it made anew: a person must act.
    taken_away: bool = False
    quiet: bool = False
    seen: Counter[str] = field(default_factory=Counter)
    _made: int = 0
    _level: float = 0.0
    _at: float = 0.0

    def __post_init__(self) -> None:
        self._level = self.limit.burst
        self.pair = self._issue()

    # -- tokens ------------------------------------------------------------------------------------

    def enter(self, access: str, what: str) -> None:
        """A request with this token. Raises what the shop answers instead."""
        self.seen[what] += 1
        if self.dice.hit("authorisation refused"):
            self.taken_away = True
            raise AuthError("the token does not open this shop")
        if access != self.pair.access or self.clock.seconds > self.opens_until:
            raise AuthError("the token has ended", code="401")
        self.former = ""
        if self.clock.seconds < self.down_until:
            raise TransientError("no answer")

    def renew(self, refresh: str) -> Pair:
        """A new pair for a refresh token. Raises AuthError: it has been used, or replaced."""
        if refresh not in {self.pair.refresh, self.former} or not refresh:
            raise AuthError("the refresh token is not known", code="invalid_grant")
        self.former = refresh
        self.pair = self._issue()
        return self.pair

    def authorise(self) -> Pair:
        """A person has it made anew: all that was opens nothing more."""
        self.former = ""
        self.pair = self._issue()
        return self.pair

    def _issue(self) -> Pair:
        self._made += 1
        self.opens_until = self.clock.seconds + self.lifetime
        return Pair(f"{self.name}-access-{self._made}", f"{self.name}-refresh-{self._made}")

    # -- the budget --------------------------------------------------------------------------------

    def count(self) -> None:
        """One request that the budget let out. Raises TooFast."""
        now = self.clock.seconds
        if self.quiet:
            return
        if now < self.shut_until:
            if now >= self.forgiven_until:
                self.broken(f"no_request_while_shut: {self.name} was asked before its time")
            raise TooFast(self.shut_until - now)
        if self.dice.hit("asked too fast by others"):
            self.shut_until = now + self.dice.between(*PAUSES)
            raise TooFast(self.shut_until - now)
        self._level = min(self.limit.burst, self._level + (now - self._at) * self.limit.rate)
        self._at = now
        if self._level < 1 - 1e-6:
            if now >= self.forgiven_until:
                self.broken(f"no_avoidable_too_fast: {self.name} was asked beyond its budget")
            raise TooFast((1 - self._level) / self.limit.rate)
        self._level -= 1

    def forgive(self) -> None:
        """What the hub counted is lost: it may ask too fast until the shop's bucket is full."""
        full = self.limit.burst / self.limit.rate
        self.forgiven_until = max(self.clock.seconds + full, self.shut_until)

    def open_wide(self) -> None:
        """From here on nothing is in the way."""
        self.quiet, self.down_until, self.lifetime = True, 0.0, 1e9
        self.opens_until = self.clock.seconds + self.lifetime
