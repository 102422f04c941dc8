"""The connector contract: what a channel declares and what a connector does.

A channel is one folder: ``__init__.py`` declares a :class:`Channel`, ``client.py`` does the I/O,
``mapping.py`` is pure, ``connector.py`` joins them, ``simulator.py`` is its storefront on
localhost. Capabilities are declared, never discovered by failing; the contract suite
(:mod:`connectors.testing`) holds the declaration against the code.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from connectors.postsale import Cancellation, Parcel, Payout, Refund, Return
from connectors.records import (
    ChannelOrder,
    Credentials,
    Cursor,
    Hint,
    Listing,
    ListingRef,
    Page,
    Pushed,
    PushResult,
    RemoteStock,
    Reply,
    ShopInfo,
    StockOffer,
    Subscription,
    Verified,
    WebhookRequest,
)
from connectors.remembered import Remembered

if TYPE_CHECKING:
    from connectors.http import Http


class ChannelKind(StrEnum):
    WEB_SHOP = "web_shop"
    MARKETPLACE = "marketplace"
    APP_STORE = "app_store"
    SOCIAL = "social"


class Capability(StrEnum):
    """What a channel can do. The methods of an undeclared one raise :class:`Unsupported`."""

    LISTINGS = "listings"
    ORDER_LIST = "order_list"
    ORDER_FETCH = "order_fetch"
    EVENT_LIST = "event_list"
    STOCK_READ = "stock_read"
    STOCK_PUSH = "stock_push"
    WEBHOOKS = "webhooks"
    SUBSCRIBE = "subscribe"
    WEBHOOK_KEYS = "webhook_keys"
    SHIP = "ship"
    CANCEL = "cancel"
    REFUND = "refund"
    REFUND_LIST = "refund_list"
    RETURN_LIST = "return_list"
    PAYOUTS = "payouts"


class StockMode(StrEnum):
    """ABSOLUTE takes a number, DELTA only a difference, AVAILABILITY only on and off."""

    ABSOLUTE = "absolute"
    DELTA = "delta"
    AVAILABILITY = "availability"


class StockMeaning(StrEnum):
    """What the channel's number counts: units free to sell, or on hand with its own orders in."""

    SELLABLE = "sellable"
    ON_HAND = "on_hand"


@dataclass(frozen=True, slots=True)
class StockWrite:
    """How a channel takes stock. ``batch`` offers go in one call; ``atomic``: one bad item fails
    them all, and the connector splits; ``late_apply``: the longest a write that timed out may
    still take effect, so a read-back sooner than that proves nothing."""

    mode: StockMode = StockMode.ABSOLUTE
    meaning: StockMeaning = StockMeaning.SELLABLE
    batch: int = 1
    compare_and_set: bool = False
    idempotent: bool = False
    per_location: bool = False
    atomic: bool = False
    asynchronous: bool = False
    largest: int = 1_000_000_000
    late_apply: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class OrderRead:
    """How orders are found. ``overlap`` is read again at each walk (the channel's index lags);
    ``window`` the widest span one walk may cover; ``horizon`` how far back the channel answers."""

    page: int = 50
    fetch: int = 50
    overlap: timedelta = timedelta(minutes=10)
    window: timedelta | None = None
    horizon: timedelta = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Fulfilment:
    """How a channel is told that goods leave, or never will. ``partial``: some units of an order
    may go before the rest. ``tracking``: it takes a carrier and a number; ``corrects``: and takes
    others later. ``cancels_lines``: units of lines can be cancelled, not only a whole order."""

    partial: bool = True
    tracking: bool = True
    corrects: bool = True
    cancels_lines: bool = False


Verify = Callable[[WebhookRequest, Mapping[str, Sequence[str]], datetime], Verified]
Challenge = Callable[[WebhookRequest, Mapping[str, Sequence[str]]], Reply | None]


@dataclass(frozen=True, slots=True)
class Webhooks:
    """How webhooks are checked, purely: ``verify(request, secrets, now)`` answers or raises
    SignatureError (401) or KeyMissing (503, and the key is fetched). ``secrets`` maps a field
    name to every value now valid, newest first. ``challenge`` answers a channel's own handshake.
    ``covers_body`` false: the signature says who sent it, and TLS alone that it came unchanged.
    ``redelivers`` false: one that did not get through is not sent again. ``dated`` false: nothing
    signed says when it was sent, so an old one cannot be told from a new."""

    verify: Verify
    secrets: tuple[str, ...]
    topics: tuple[str, ...] = ()
    challenge: Challenge | None = None
    ack: Reply = Reply()
    covers_body: bool = True
    redelivers: bool = True
    dated: bool = True


@dataclass(frozen=True, slots=True)
class Limit:
    """One budget in the channel's own terms: ``rate`` units a second up to ``burst``. Each account
    has one, shared by all workers; of several, the first is kept to."""

    unit: str
    rate: float
    burst: float


@dataclass(frozen=True, slots=True)
class Level:
    """What an answer says of its account's budget: units ``left`` at that moment, and the ``rate``
    and ``burst`` that hold for this very account, None where it does not say."""

    left: float
    rate: float | None = None
    burst: float | None = None


#: (header names in lower case, body) → the level, None where the answer says nothing.
Meter = Callable[[Mapping[str, str], bytes], Level | None]


@dataclass(frozen=True, slots=True)
class Field:
    """Something a seller types in to connect. ``secret`` ones are encrypted and never shown."""

    name: str
    label: str
    help: str = ""
    secret: bool = False
    required: bool = True
    default: str = ""


@dataclass(frozen=True, slots=True)
class Channel:
    """The declaration of one channel; data and pure functions only.

    ``hosts`` are the only hosts the connector may speak to (``*.`` stands for one label or more);
    empty = any public host, for shops that run on the seller's own server, of which a credential
    field holds the address. ``plain_http``: such a shop may be spoken to without TLS, where the
    channel signs its requests.
    """

    name: str
    title: str
    kind: ChannelKind
    connector: str
    capabilities: frozenset[Capability]
    credentials: tuple[Field, ...]
    settings: tuple[Field, ...] = ()
    stock: StockWrite | None = None
    orders: OrderRead = OrderRead()
    webhooks: Webhooks | None = None
    fulfilment: Fulfilment = Fulfilment()
    limits: tuple[Limit, ...] = ()
    meter: Meter | None = None
    hosts: tuple[str, ...] = ()
    plain_http: bool = False
    simulator: str = ""
    api_version: str = ""
    documentation: str = ""
    how_to_connect: str = ""
    gaps: tuple[str, ...] = ()

    def can(self, capability: Capability) -> bool:
        return capability in self.capabilities


class Unsupported(Exception):
    """The channel does not have this; its declaration says so."""


@dataclass(slots=True)
class Connection:
    """What a connector is given: one account's credentials and settings, HTTP, and the clock.

    ``on_refresh`` stores new credentials durably and must return before they are used: a
    single-use refresh token is lost otherwise. ``renewing`` keeps every other worker from renewing
    this account's and yields the credentials as they are stored now; without it, there is nobody
    else. ``base_url`` overrides the channel's address, for the simulator; only the installation's
    own configuration may allow it. ``remembered`` outlives the connector, as ``http`` does.
    """

    credentials: Credentials
    http: Http
    now: Callable[[], datetime]
    settings: Mapping[str, str] = field(default_factory=dict)
    on_refresh: Callable[[Credentials], None] = lambda credentials: None
    base_url: str = ""
    renewing: Callable[[], AbstractContextManager[Credentials]] | None = None
    remembered: Remembered = field(default_factory=Remembered)

    def renew(self, token: str, ask: Callable[[Credentials], Credentials]) -> bool:
        """Have credentials whose field ``token`` is another than now, stored before they are used:
        those that somebody else has got meanwhile, or else what ``ask`` gets from the channel.
        False where it was not asked. One worker at a time, or TransientError."""
        mine = self.credentials.get(token, "")
        with self.renewing() if self.renewing else nullcontext(self.credentials) as stored:
            self.credentials = stored
            if stored.get(token, "") != mine:
                return False
            fresh = ask(stored)
            self.on_refresh(fresh)
            self.credentials = fresh
        return True


class Connector(ABC):
    """One account of one channel. Holds no state that a restart would miss; used by one thread."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @abstractmethod
    def check(self) -> ShopInfo:
        """Prove the credentials and say whose shop it is. Raises AuthError."""

    def list_listings(self, cursor: Cursor) -> Page[Listing]:
        """One page of the whole catalogue, ended listings too."""
        raise Unsupported("listings")

    def pull_orders(self, cursor: Cursor) -> Page[ChannelOrder]:
        """One page of orders changed since the cursor, in every status, oldest change first where
        the channel can. Raises CursorExpired where ``cursor.token`` is no longer known."""
        raise Unsupported("order_list")

    def fetch_orders(self, keys: Sequence[str]) -> Page[ChannelOrder]:
        """These orders as they are now, at most ``orders.fetch``; unknown ids are left out."""
        raise Unsupported("order_fetch")

    def pull_events(self, cursor: Cursor) -> Page[Hint]:
        """One page of a channel's own queue or log of changes, for channels with no order list."""
        raise Unsupported("event_list")

    def read_stock(self, refs: Sequence[ListingRef]) -> tuple[RemoteStock, ...]:
        """What the channel shows now, one answer per reference, in units free to sell."""
        raise Unsupported("stock_read")

    def push_stock(self, offers: Sequence[StockOffer]) -> Pushed:
        """Write at most ``stock.batch`` offers; one answer per offer, whatever became of the rest.

        Raises only where nothing is known of any item (TransientError, UnknownOutcome, AuthError).
        """
        raise Unsupported("stock_push")

    def push_results(self, ticket: str) -> tuple[PushResult, ...]:
        """The answers of an asynchronous feed, PENDING ones while it is not done."""
        raise Unsupported("stock_push")

    def subscribe(self, url: str) -> tuple[Subscription, ...]:
        """Make webhooks of every topic of ours reach ``url``; done twice, changes nothing."""
        raise Unsupported("subscribe")

    def subscriptions(self) -> tuple[Subscription, ...]:
        raise Unsupported("subscribe")

    def webhook_keys(self) -> Mapping[str, str]:
        """Fresh values of the fields that verify webhooks and that the channel publishes and
        rotates."""
        raise Unsupported("webhook_keys")

    def ship(self, parcel: Parcel) -> str:
        """Tell the channel of one parcel; answers its id there ("" where it has none). Done twice
        with one ``parcel_key``, tells it once; with ``external_id``, corrects what was told.

        Raises RejectedError where the order is unknown, or has not so many units left to send.
        """
        raise Unsupported("ship")

    def cancel_order(self, cancellation: Cancellation) -> None:
        """Cancel at the channel; done twice, cancels once. Raises RejectedError where it is too
        late, or where the channel cancels whole orders only and lines are named."""
        raise Unsupported("cancel")

    def refund(self, refund: Refund) -> Refund:
        """Give money back, once for one ``external_id``, which is our key; the answer carries the
        channel's own. Goods are never put back on sale at the channel: the hub counts them, and
        the next push says how many there are.

        Raises RejectedError where more would be given back than was paid.
        """
        raise Unsupported("refund")

    def pull_refunds(self, cursor: Cursor) -> Page[Refund]:
        """One page of refunds given since the cursor, whoever gave them."""
        raise Unsupported("refund_list")

    def pull_returns(self, cursor: Cursor) -> Page[Return]:
        """One page of returns opened or changed since the cursor."""
        raise Unsupported("return_list")

    def pull_payouts(self, cursor: Cursor) -> Page[Payout]:
        """One page of payouts made since the cursor."""
        raise Unsupported("payouts")


def load(path: str) -> Any:
    """``"package.module:name"`` → the object, imported on first use."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


def connect(channel: Channel, connection: Connection) -> Connector:
    return cast(Connector, load(channel.connector)(connection))
