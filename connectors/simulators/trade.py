"""What a simulated shop sells and sold, and what it says of changes: values, errors, events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from connectors.postsale import Parcel, Refund
from connectors.records import OrderStatus

#: (time of the last change, version): where an order stands in the list by change.
Position = tuple[datetime, int]


class OutOfStock(Exception):
    """The shop itself does not have that many left."""


class Stale(Exception):
    """The quantity is not what the writer believed. ``current`` is what it is."""

    def __init__(self, current: int) -> None:
        super().__init__(f"the quantity is {current}")
        self.current = current


class Refused(Exception):
    """The shop does not do that: too many units, too much money, too late."""


class EventKind(StrEnum):
    ORDER_CREATED = "order_created"
    ORDER_UPDATED = "order_updated"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_SHIPPED = "order_shipped"
    ORDER_REFUNDED = "order_refunded"
    STOCK = "stock"
    LISTING = "listing"


@dataclass(frozen=True, slots=True)
class Variant:
    key: str
    product_key: str
    inventory_key: str
    sku: str
    title: str
    price: int
    quantity: int
    updated_at: datetime
    barcode: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True)
class SaleLine:
    """``quantity`` as placed, ``cancelled`` the units taken off since, ``shipped`` those sent."""

    key: str
    variant_key: str
    sku: str
    title: str
    quantity: int
    unit_price: int
    cancelled: int = 0
    shipped: int = 0

    @property
    def open(self) -> int:
        """Units still to be sent."""
        return self.quantity - self.cancelled - self.shipped


@dataclass(frozen=True, slots=True)
class Sale:
    """One order. ``version`` grows with every change in the shop and orders equal times.
    ``parcels`` and ``refunds`` carry the shop's own ids."""

    key: str
    number: str
    status: OrderStatus
    lines: tuple[SaleLine, ...]
    placed_at: datetime
    updated_at: datetime
    version: int
    buyer: Mapping[str, str] = field(default_factory=dict, repr=False)
    reference: str = ""
    cancelled_at: datetime | None = None
    parcels: tuple[Parcel, ...] = ()
    refunds: tuple[Refund, ...] = ()

    @property
    def total(self) -> int:
        return sum(line.quantity * line.unit_price for line in self.lines)

    @property
    def refunded(self) -> int:
        return sum(one.amount for one in self.refunds)

    @property
    def position(self) -> Position:
        return (self.updated_at, self.version)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that just changed, as it was at that moment."""

    kind: EventKind
    at: datetime
    sale: Sale | None = None
    variant: Variant | None = None
