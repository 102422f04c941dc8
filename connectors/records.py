"""The values that cross the border between a channel and the hub.

Frozen, typed, free of channel words except where a field says so. Money is integer minor units of
the currency beside it; times are aware UTC; quantities are integers; external ids are text, also
where the channel sends a number (some are larger than 2^53).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class OrderStatus(StrEnum):
    """Where an order stands, in the trade's words. The channel's own word is kept beside it."""

    UNPAID = "unpaid"
    HELD = "held"
    CONFIRMED = "confirmed"
    PART_SHIPPED = "part_shipped"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    SIGNED = "signed"
    CANCELLED = "cancelled"


class ListingState(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


class HintKind(StrEnum):
    """What a webhook or event feed says has changed: a hint, the record is fetched again."""

    ORDER = "order"
    LISTING = "listing"
    STOCK = "stock"
    REFUND = "refund"
    PAYOUT = "payout"
    REVOKED = "revoked"
    NOTHING = "nothing"


class PushOutcome(StrEnum):
    """What became of one item of a stock push."""

    ACCEPTED = "accepted"
    STALE = "stale"
    REJECTED = "rejected"
    GONE = "gone"
    RETRY = "retry"
    UNKNOWN = "unknown"
    PENDING = "pending"


class Credentials(Mapping[str, str]):
    """The secrets of one account by field name. Prints names, never values."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    def __getitem__(self, key: str) -> str:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return "Credentials(" + ", ".join(f"{name}=***" for name in sorted(self._values)) + ")"

    def replace(self, **changed: str) -> Credentials:
        return Credentials({**self._values, **changed})


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a walk over changed records has come; saved with the records it covers.

    ``since`` is the watermark: everything the channel changed before it is in the hub. ``token``
    is the channel's place inside the present walk ("" between walks), ``until`` the walk's upper
    bound. Windows, reverse paging and ids-then-detail live in the token, which only the connector
    reads.
    """

    since: datetime
    token: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that could not be read. The rest of its page goes in."""

    external_id: str
    field: str
    reason: str
    raw: Any = dataclasses.field(repr=False)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A piece of a walk. ``more`` is false when the walk is at its end (not: when ``items`` is).
    ``again_in``: seconds until it pays to ask for the next piece, which the channel is preparing.
    """

    items: tuple[T, ...]
    cursor: Cursor
    more: bool
    bad: tuple[BadRecord, ...] = ()
    again_in: float = 0.0


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who bought, as far as the channel tells. Personal data: never logged."""

    external_id: str = ""
    name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    address: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line of an order. Channels with one line per unit send quantity 1.

    ``listing_key`` is the :attr:`Listing.external_id` of what was sold, "" where the channel does
    not say; ``cancelled`` counts units taken off the line since it was placed.
    """

    external_id: str
    listing_key: str
    sku: str
    title: str
    quantity: int
    unit_price: int
    total: int
    cancelled: int = 0
    shipped: int = 0
    tax: int = 0
    discount: int = 0
    channel_status: str = ""
    location_key: str = ""


@dataclass(frozen=True, slots=True)
class ChannelOrder:
    """An order as one channel shows it now. ``updated_at`` is the channel's clock, not ours.

    ``total`` is what the buyer pays, in ``currency``. ``group_key`` joins the orders of one cart
    where a channel makes one order per SKU. ``fulfilled_by_channel`` orders are booked, never
    shipped by us. ``raw`` is the channel's own record and is kept encrypted.
    """

    external_id: str
    number: str
    status: OrderStatus
    channel_status: str
    currency: str
    total: int
    placed_at: datetime
    updated_at: datetime
    lines: tuple[OrderLine, ...]
    shipping: int = 0
    tax: int = 0
    discount: int = 0
    tax_included: bool = False
    buyer: Buyer = Buyer()
    group_key: str = ""
    ship_by: datetime | None = None
    cancelled_at: datetime | None = None
    fulfilled_by_channel: bool = False
    test: bool = False
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class LocationQuantity:
    location_key: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Listing:
    """One sellable variant at the channel. ``external_id`` is the key that order lines carry.

    ``handles`` are what the connector needs to write this listing's stock (an inventory item, a
    parent product, a warehouse): opaque to the hub. ``quantity`` is the number the channel shows,
    in the channel's own meaning, None where it keeps none.
    """

    external_id: str
    sku: str
    title: str
    quantity: int | None
    state: ListingState = ListingState.ACTIVE
    parent_key: str = ""
    barcode: str = ""
    price: int | None = None
    currency: str = ""
    handles: Mapping[str, str] = field(default_factory=dict)
    by_location: tuple[LocationQuantity, ...] = ()
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ListingRef:
    """Enough of a listing to read its stock again."""

    key: str
    handles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StockOffer:
    """What one listing should show. Units free to sell; the connector turns that into the channel's
    own number (on hand, a difference, a switch).

    ``expected`` is the number we believe the channel shows now, for compare-and-set and for
    channels that take only differences; None = unknown. ``idempotency_key`` is the same for a
    retry of the same write and new for a new one.
    """

    key: str
    quantity: int
    idempotency_key: str
    expected: int | None = None
    handles: Mapping[str, str] = field(default_factory=dict)
    by_location: tuple[LocationQuantity, ...] = ()


@dataclass(frozen=True, slots=True)
class PushResult:
    """One item's answer. ``current`` is the channel's number where it told (always for STALE)."""

    key: str
    outcome: PushOutcome
    current: int | None = None
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Pushed:
    """A bulk push's answers, one per offer. ``ticket`` names a feed whose result is read later."""

    results: tuple[PushResult, ...]
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class RemoteStock:
    """A number read back. ``quantity`` None with ``gone`` false: the channel keeps no number."""

    key: str
    quantity: int | None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class ChannelLocation:
    external_id: str
    name: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class ShopInfo:
    """What a connection test learns. ``external_id`` must not change at re-authorisation."""

    external_id: str
    name: str
    currency: str
    time_zone: str = "UTC"
    locations: tuple[ChannelLocation, ...] = ()
    server_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hint:
    """One thing that changed, by the channel's key ("" = look at everything of that kind)."""

    kind: HintKind
    key: str = ""


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A webhook as it came in: header names in lower case, the body's raw bytes, the full URL."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Verified:
    """A webhook that is genuine. ``event_id`` is what a repeat carries again."""

    event_id: str
    topic: str
    hints: tuple[Hint, ...]
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer a webhook with; channels differ (empty, ``success``, a JSON of their own)."""

    status: int = 200
    body: str = ""
    content_type: str = "text/plain"


@dataclass(frozen=True, slots=True)
class Subscription:
    external_id: str
    topic: str
    url: str
