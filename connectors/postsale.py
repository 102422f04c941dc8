"""The values that cross the border after a sale: parcels, cancellations, refunds, returns, payouts.

As in :mod:`connectors.records`: frozen, money in minor units of the currency beside it, aware UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class ParcelLine:
    """So many units of one order line, by the channel's own id of the line."""

    line_key: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Parcel:
    """A parcel handed to a carrier, to be told to the channel once.

    ``parcel_key`` is ours and stays the same; ``external_id`` is what the channel called it when
    it was told, "" before: with it, telling again means that carrier or number were corrected.
    ``carrier`` is a name as people write it ("DHL"); the connector turns it into the channel's
    code.
    """

    order_key: str
    parcel_key: str
    carrier: str
    tracking_number: str
    shipped_at: datetime
    lines: tuple[ParcelLine, ...]
    tracking_url: str = ""
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class Cancellation:
    """An order, or units of its lines, that will not be sent. Without ``lines``: all of it."""

    order_key: str
    cancel_key: str
    reason: str = ""
    lines: tuple[ParcelLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Refund:
    """Money given back at the channel. An amount, not a state, and not a return.

    ``lines`` are what it was given for, as far as the channel says; ``shipping`` is the part of
    ``amount`` that was for postage.
    """

    external_id: str
    order_key: str
    amount: int
    currency: str
    refunded_at: datetime
    lines: tuple[ParcelLine, ...] = ()
    reason: str = ""
    shipping: int = 0
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


class ReturnStatus(StrEnum):
    """Where a return stands at the channel. What came back, and how, the hub says itself."""

    REQUESTED = "requested"
    APPROVED = "approved"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class ReturnLine:
    line_key: str
    quantity: int
    reason: str = ""
    note: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Return:
    """Goods that a buyer sends back, or wants to, as the channel shows it. Neither a refund nor a
    receipt."""

    external_id: str
    order_key: str
    status: ReturnStatus
    channel_status: str
    requested_at: datetime
    updated_at: datetime
    lines: tuple[ReturnLine, ...]
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Fee:
    """Taken off a payout: commission, processing, postage; by the channel's own word."""

    kind: str
    amount: int
    order_key: str = ""


@dataclass(frozen=True, slots=True)
class Payout:
    """Money a channel paid out; the sum of its entries less fees, with any residue left visible."""

    external_id: str
    currency: str
    amount: int
    paid_at: datetime
    fees: tuple[Fee, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
