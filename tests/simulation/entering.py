"""How a request gets into a simulated shop: by its budget, its token, and while the shop is up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil

from connectors.base import Connection, Connector
from connectors.errors import AuthError, ProtocolError, TransientError
from connectors.http import Response
from connectors.records import Credentials
from sync.budgets import TOO_FAST, Budget
from tests.simulation.channel import Shop
from tests.simulation.desk import Desk
from tests.simulation.gate import Gate, TooFast

SIGNATURE = "signed by the shop"


@dataclass(frozen=True)
class Premises:
    """A shop with its gate and its desk. ``budget``: what each process counts by; ``asked`` is told
    what for each request comes, and whether it writes."""

    shop: Shop
    gate: Gate
    desk: Desk
    budget: Callable[[], Budget]
    asked: Callable[[str, bool], None] = lambda what, writes: None


_OPEN: dict[str, Premises] = {}


@contextmanager
def open_shop(key: str, premises: Premises) -> Iterator[dict[str, str]]:
    """The credentials that lead to a shop while it is open."""
    _OPEN[key] = premises
    try:
        yield {"shop": key, "webhook_secret": SIGNATURE, **_tokens(premises.gate)}
    finally:
        del _OPEN[key]


def _tokens(gate: Gate) -> dict[str, str]:
    return {"access": gate.pair.access, "refresh": gate.pair.refresh}


def premises_of(connection: Connection) -> Premises:
    return _OPEN[connection.credentials["shop"]]


class Entrant(Connector):
    """What every request of the simulated connector goes through."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.premises = premises_of(connection)
        self.shop, self.desk = self.premises.shop, self.premises.desk
        self.budget = self.premises.budget()

    def _arrive(self, what: str, *, writes: bool = False) -> None:
        """A request comes to the shop's gate, with a new token where the old one has ended."""
        try:
            self._enter(what, writes)
        except AuthError as error:
            if error.code != "401":
                raise
            self.connection.renew("access", self._renewed)
            self._enter(what, writes)

    def _enter(self, what: str, writes: bool) -> None:
        self.shop.clock.tick()
        self.shop.border("call")
        self._spend()
        self.premises.asked(what, writes)
        self.premises.gate.enter(self.connection.credentials["access"], what)

    def _spend(self) -> None:
        """What the session does around each request: the budget is asked, and hears the answer."""
        if self.premises.gate.quiet:
            return
        self.budget.before(1.0)
        try:
            self.premises.gate.count()
        except TooFast as error:
            wait = {"retry-after": str(ceil(error.retry_after or 0.0))}
            self.budget.after(Response(TOO_FAST, wait, b""))
            raise
        self.budget.after(Response(200, {}, b""))

    def _renewed(self, stored: Credentials) -> Credentials:
        dice = self.shop.dice
        self.shop.clock.tick()
        self.shop.border("call")
        if dice.hit("renewal never arrives"):
            raise TransientError("no connection")
        pair = self.premises.gate.renew(stored["refresh"])
        self.shop.note(f"{self.shop.name} gives new tokens")
        self.shop.border("called")
        if dice.hit("renewal done, answer lost"):
            raise TransientError("no answer")
        return Credentials({**stored, "access": pair.access, "refresh": pair.refresh})

    def _read(self, what: str) -> None:
        self._arrive(what)
        if self.shop.dice.hit("no answer to a read"):
            raise TransientError("no answer")
        if self.shop.dice.hit("garbled read"):
            raise ProtocolError("the answer makes no sense")
