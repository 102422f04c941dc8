"""The simulated channels' declarations and connector: what the hub is given to talk through."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from connectors import catalog
from connectors.base import (
    Capability,
    Channel,
    ChannelKind,
    Connection,
    Connector,
    Field,
    OrderRead,
    StockWrite,
    Webhooks,
)
from connectors.errors import (
    AuthError,
    CursorExpired,
    ProtocolError,
    SignatureError,
    TransientError,
    UnknownOutcome,
)
from connectors.records import (
    BadRecord,
    ChannelOrder,
    Cursor,
    Hint,
    HintKind,
    Listing,
    ListingRef,
    Page,
    Pushed,
    PushOutcome,
    PushResult,
    RemoteStock,
    ShopInfo,
    StockOffer,
    Verified,
    WebhookRequest,
)
from tests.simulation.channel import (
    KINDS,
    LATE_APPLY,
    OVERLAP,
    STRAGGLER,
    Shop,
)

PAGE = 2
SIGNATURE = "signed by the shop"
_OPEN: dict[str, Shop] = {}


def verify(
    request: WebhookRequest, secrets: Mapping[str, Sequence[str]], now: datetime
) -> Verified:
    if request.headers.get("x-signature") not in secrets.get("webhook_secret", ()):
        raise SignatureError("the signature does not fit")
    told = json.loads(request.body)
    return Verified(told["event_id"], told["topic"], (Hint(HintKind(told["topic"]), told["key"]),))


def _declare(kind: str) -> Channel:
    able = {Capability.LISTINGS, Capability.ORDER_FETCH, Capability.STOCK_READ}
    able |= {Capability.STOCK_PUSH, Capability.WEBHOOKS}
    return Channel(
        name=f"simulated_{kind}",
        title="A shop of the simulation",
        kind=ChannelKind.WEB_SHOP,
        connector=f"{__name__}:SimulatedConnector",
        capabilities=frozenset(able if kind == "told" else able | {Capability.ORDER_LIST}),
        credentials=(Field("shop", "Shop"), Field("webhook_secret", "Secret", secret=True)),
        stock=StockWrite(
            batch=3,
            compare_and_set=kind == "compare",
            idempotent=kind == "compare",
            late_apply=timedelta(seconds=LATE_APPLY),
        ),
        orders=OrderRead(page=PAGE, fetch=3, overlap=OVERLAP),
        webhooks=Webhooks(verify=verify, secrets=("webhook_secret",), topics=("order",)),
    )


COMPARE, PLAIN, TOLD = (_declare(kind) for kind in KINDS)


@contextmanager
def installed() -> Iterator[None]:
    """While it lasts, the catalogue knows the simulated channels."""
    paths = catalog.paths()
    names = {f"simulated_{kind}": f"{__name__}:{kind.upper()}" for kind in KINDS}
    paths.update(names)
    try:
        yield
    finally:
        for name in names:
            del paths[name]


@contextmanager
def open_shop(key: str, shop: Shop) -> Iterator[dict[str, str]]:
    """The credentials that lead to a shop while it is open."""
    _OPEN[key] = shop
    try:
        yield {"shop": key, "webhook_secret": SIGNATURE}
    finally:
        del _OPEN[key]


class SimulatedConnector(Connector):
    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.shop = _OPEN[connection.credentials["shop"]]

    def check(self) -> ShopInfo:
        self._arrive()
        return ShopInfo(self.shop.name, self.shop.name, "EUR")

    def list_listings(self, cursor: Cursor) -> Page[Listing]:
        self._read()
        start = int(cursor.token or 0)
        keys = sorted(self.shop.stock)
        found = tuple(
            Listing(key, key, "A thing", self.shop.stock[key]) for key in keys[start : start + PAGE]
        )
        more = start + PAGE < len(keys)
        self.shop.border("called")
        return Page(found, Cursor(cursor.since, str(start + PAGE) if more else ""), more)

    def pull_orders(self, cursor: Cursor) -> Page[ChannelOrder]:
        self._read()
        dice = self.shop.dice
        if cursor.token and dice.hit("paging token forgotten"):
            raise CursorExpired("the token is not known any more")
        after = (cursor.since - overlap(), "")
        if cursor.token:
            moment, _, key = cursor.token.partition(" ")
            after = (datetime.fromisoformat(moment), key)
        found = [one for one in self.shop.listed() if (one.updated_at, one.external_id) > after]
        shown, more = found[:PAGE], len(found) > PAGE
        since = max([cursor.since, *(one.updated_at for one in shown)])
        onward = Cursor(since)
        if more:
            last = shown[-1]
            onward = Cursor(cursor.since, f"{last.updated_at.isoformat()} {last.external_id}")
        self.shop.border("called")
        return self._page(shown, onward, more)

    def fetch_orders(self, keys: Sequence[str]) -> Page[ChannelOrder]:
        self._read()
        found = self.shop.fetched(keys)
        self.shop.border("called")
        return self._page(found, Cursor(self.shop.clock.now), more=False)

    def _page(
        self, found: Sequence[ChannelOrder], cursor: Cursor, more: bool
    ) -> Page[ChannelOrder]:
        good, bad = [], []
        for one in found:
            if self.shop.kind != "told" and self.shop.dice.hit("record that cannot be read"):
                bad.append(BadRecord(one.external_id, "total", "is no amount", {"total": "?"}))
            else:
                good.append(one)
        return Page(tuple(good), cursor, more, tuple(bad))

    def read_stock(self, refs: Sequence[ListingRef]) -> tuple[RemoteStock, ...]:
        self._read()
        found = tuple(
            RemoteStock(ref.key, self.shop.read(ref.key))
            for ref in refs
            if not self.shop.dice.hit("listing left out of a read")
        )
        self.shop.border("called")
        return found

    def push_stock(self, offers: Sequence[StockOffer]) -> Pushed:
        shop, dice = self.shop, self.shop.dice
        self._arrive()
        if dice.hit("write never arrives"):
            raise TransientError("no connection")
        if dice.hit("write throttled"):
            wait = dice.between(0.5, 30)
            raise TransientError("too fast", retry_after=wait, throttled=True)
        if dice.hit("write lost, answer too"):
            raise UnknownOutcome("no answer")
        for name, least, most in (
            ("write applied late", 0.2, LATE_APPLY - 1),
            ("write applied very late", LATE_APPLY + 1, STRAGGLER),
        ):
            if dice.hit(name):
                shop.later(dice.between(least, most), _all(shop, offers))
                raise UnknownOutcome("no answer")
        results = tuple(one for one in map(self._write_one, offers) if one)
        if dice.hit("write applied twice"):
            shop.later(dice.between(0.2, LATE_APPLY - 1), _all(shop, offers))
        shop.border("called")
        if dice.hit("write applied, answer lost"):
            raise UnknownOutcome("no answer")
        return Pushed(results)

    def _write_one(self, offer: StockOffer) -> PushResult | None:
        dice = self.shop.dice
        if dice.hit("item to be tried again"):
            return PushResult(offer.key, PushOutcome.RETRY, None, "busy")
        if dice.hit("item refused"):
            return PushResult(offer.key, PushOutcome.REJECTED, None, "not_now")
        result = self.shop.write(offer)
        return None if dice.hit("item left out of the answer") else result

    def _arrive(self) -> None:
        self.shop.clock.tick()
        self.shop.border("call")
        if self.shop.dice.hit("authorisation refused"):
            raise AuthError("the token does not open this shop")

    def _read(self) -> None:
        self._arrive()
        if self.shop.dice.hit("no answer to a read"):
            raise TransientError("no answer")
        if self.shop.dice.hit("garbled read"):
            raise ProtocolError("the answer makes no sense")


def overlap() -> timedelta:
    """How much of the order list each walk reads again."""
    return OVERLAP


def _all(shop: Shop, offers: Sequence[StockOffer]) -> Callable[[], object]:
    return lambda: [shop.write(offer, heard=False) for offer in offers]
