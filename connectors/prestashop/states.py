"""Where an order stands, by the shop's own states. Pure.

A shop names, adds and removes states as it likes. What they mean is told by their flags, by the
few that the configuration names (the state of cancelled orders …), and by the seller's own list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.errors import RejectedError
from connectors.prestashop.fields import Row
from connectors.records import OrderStatus

#: Configuration → (the id a new shop gives that state, where an order in it stands). The shop
#: itself gives the units of an order with a payment error back to its stock, as of a cancelled one.
ROLES = {
    "PS_OS_SHIPPING": ("4", OrderStatus.SHIPPED),
    "PS_OS_DELIVERED": ("5", OrderStatus.DELIVERED),
    "PS_OS_CANCELED": ("6", OrderStatus.CANCELLED),
    "PS_OS_REFUND": ("7", OrderStatus.CANCELLED),
    "PS_OS_ERROR": ("8", OrderStatus.CANCELLED),
}
SHIPPING, DELIVERED, CANCELED = "PS_OS_SHIPPING", "PS_OS_DELIVERED", "PS_OS_CANCELED"
SENT = (OrderStatus.SHIPPED, OrderStatus.DELIVERED, OrderStatus.SIGNED)


@dataclass(frozen=True, slots=True)
class State:
    """``logable``: the shop takes an order in it for a valid sale."""

    key: str
    name: str
    paid: bool
    shipped: bool
    logable: bool
    deleted: bool = False

    @property
    def open(self) -> bool:
        return not (self.paid or self.shipped or self.logable)


def state(data: object) -> State:
    """Raises Unreadable."""
    row = Row(data)
    return State(
        key=str(row.number("id")),
        name=row.in_any_language("name"),
        paid=row.flag("paid"),
        shipped=row.flag("shipped"),
        logable=row.flag("logable"),
        deleted=row.flag("deleted"),
    )


def chosen(text: str) -> dict[str, OrderStatus]:
    """The seller's list, ``13=confirmed, 25=held``. Raises RejectedError."""
    found = {}
    for one in filter(None, (part.strip() for part in text.split(","))):
        key, _, word = (part.strip() for part in one.partition("="))
        if not key.isdecimal() or word not in set(OrderStatus):
            known = ", ".join(OrderStatus)
            message = f"{one[:40]!r} is not a state's number = one of {known}"
            raise RejectedError(message, code="bad_setting", field="states")
        found[key] = OrderStatus(word)
    return found


@dataclass(frozen=True, slots=True)
class States:
    """``roles`` are state ids by the name of the configuration, {} where it cannot be read;
    ``own`` is the seller's list; ``shipped`` and ``cancelled`` the seller's choice, "" none."""

    known: Mapping[str, State]
    roles: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, OrderStatus] = field(default_factory=dict)
    shipped: str = ""
    cancelled: str = ""

    def status(self, key: str) -> OrderStatus:
        """An order in a state that the shop does not list is held: nothing is shipped on a guess.
        One without a state is not paid yet."""
        if key in self.own:
            return self.own[key]
        if key and key == self.cancelled:
            return OrderStatus.CANCELLED
        if not key:
            return OrderStatus.UNPAID
        found = self.known.get(key)
        if found is None:
            return OrderStatus.HELD
        role = self._role(found)
        if role is not None:
            return role
        if found.shipped or key == self.shipped:
            return OrderStatus.SHIPPED
        return OrderStatus.UNPAID if found.open else OrderStatus.CONFIRMED

    def name(self, key: str) -> str:
        found = self.known.get(key)
        return found.name if found and found.name else key

    def ended(self, key: str) -> bool:
        """Whether orders in it may have been shipped, and say so no more."""
        return self.status(key) is OrderStatus.CANCELLED

    def given_back(self, key: str) -> bool:
        """The money was given back; whether the goods had left before, the history tells."""
        return bool(key) and key not in self.own and key == self._id("PS_OS_REFUND")

    def has_shipped(self, key: str) -> bool:
        return self.status(key) in SENT

    def to_ship(self) -> str:
        """The state that says an order has left. Raises RejectedError."""
        if self.shipped:
            found = [self.shipped] if self.shipped in self.known else []
        else:
            usual, last = self._id(SHIPPING), self._id(DELIVERED)
            able = [one.key for one in self.known.values() if one.shipped and not one.deleted]
            found = sorted(able, key=lambda key: (key != usual, key == last, int(key)))
        if not found:
            raise RejectedError(
                "the shop has no state for shipped orders", code="no_state", field="shipped_state"
            )
        return found[0]

    def to_cancel(self) -> str:
        """Raises RejectedError."""
        key = self.cancelled or self._id(CANCELED)
        if key not in self.known or self.status(key) is not OrderStatus.CANCELLED:
            raise RejectedError(
                "the shop has no state for cancelled orders",
                code="no_state",
                field="cancelled_state",
            )
        return key

    def _id(self, role: str) -> str:
        return self.roles.get(role, "") if self.roles else ROLES[role][0]

    def _role(self, found: State) -> OrderStatus | None:
        """What the configuration makes of it. A new shop's ids, guessed, count only where the
        flags fit: they may have been taken by other states since."""
        for role, (_, status) in ROLES.items():
            if found.key == self._id(role):
                fits = found.shipped if status in SENT else found.open
                return status if self.roles or fits else None
        return None
