"""The simulated channels' declarations and connector: what the hub is given to talk through.

As the hub's own connectors do, it renews a token that has ended, keeps to its account's budget, and
looks for what it is to tell before it tells it: only shops of the kind ``compare`` know a key.
"""

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
    Field,
    Fulfilment,
    OrderRead,
    StockWrite,
    Webhooks,
)
from connectors.errors import CursorExpired, SignatureError, TransientError, UnknownOutcome
from connectors.postsale import Cancellation, Parcel, Refund
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
    Subscription,
    Verified,
    WebhookRequest,
)
from hub.channels.flows import CHECK, INBOX, LISTINGS, OUTBOX, PULL, PUSH, REFUNDS, SUBSCRIPTIONS
from tests.simulation.channel import (
    KINDS,
    LATE_APPLY,
    OVERLAP,
    STRAGGLER,
    Shop,
)
from tests.simulation.entering import Entrant

PAGE = 2
TEST = "test"


def verify(
    request: WebhookRequest, secrets: Mapping[str, Sequence[str]], now: datetime
) -> Verified:
    if request.headers.get("x-signature") not in secrets.get("webhook_secret", ()):
        raise SignatureError("the signature does not fit")
    told = json.loads(request.body)
    return Verified(told["event_id"], told["topic"], (Hint(HintKind(told["topic"]), told["key"]),))


def _declare(kind: str) -> Channel:
    able = {Capability.LISTINGS, Capability.ORDER_FETCH, Capability.STOCK_READ}
    able |= {Capability.STOCK_PUSH, Capability.WEBHOOKS, Capability.SHIP}
    if kind != "told":
        able |= {Capability.ORDER_LIST, Capability.SUBSCRIBE}
        able |= {Capability.CANCEL, Capability.REFUND, Capability.REFUND_LIST}
    return Channel(
        name=f"simulated_{kind}",
        title="A shop of the simulation",
        kind=ChannelKind.WEB_SHOP,
        connector=f"{__name__}:SimulatedConnector",
        capabilities=frozenset(able),
        credentials=(
            Field("shop", "Shop"),
            Field("webhook_secret", "Secret", secret=True),
            Field("access", "Access token", secret=True),
            Field("refresh", "Refresh token", secret=True),
        ),
        stock=StockWrite(
            batch=3,
            compare_and_set=kind == "compare",
            idempotent=kind == "compare",
            late_apply=timedelta(seconds=LATE_APPLY),
        ),
        orders=OrderRead(page=PAGE, fetch=3, overlap=OVERLAP),
        webhooks=Webhooks(verify=verify, secrets=("webhook_secret",), topics=("order",)),
        fulfilment=Fulfilment(cancels_lines=kind == "compare"),
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


class SimulatedConnector(Entrant):
    def check(self) -> ShopInfo:
        self._arrive(TEST)
        return ShopInfo(self.shop.name, self.shop.name, "EUR")

    def list_listings(self, cursor: Cursor) -> Page[Listing]:
        self._read(LISTINGS)
        start = int(cursor.token or 0)
        keys = sorted(self.shop.stock)
        found = tuple(
            Listing(key, key, "A thing", self.shop.stock[key]) for key in keys[start : start + PAGE]
        )
        more = start + PAGE < len(keys)
        self.shop.border("called")
        return Page(found, Cursor(cursor.since, str(start + PAGE) if more else ""), more)

    def pull_orders(self, cursor: Cursor) -> Page[ChannelOrder]:
        self._read(PULL)
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
        self._read(INBOX)
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
        self._read(CHECK)
        found = tuple(
            RemoteStock(ref.key, self.shop.read(ref.key))
            for ref in refs
            if not self.shop.dice.hit("listing left out of a read")
        )
        self.shop.border("called")
        return found

    def push_stock(self, offers: Sequence[StockOffer]) -> Pushed:
        shop, dice = self.shop, self.shop.dice
        self._arrive(PUSH, writes=True)
        if dice.hit("write never arrives"):
            raise TransientError("no connection")
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

    # -- after a sale ------------------------------------------------------------------------------

    def ship(self, parcel: Parcel) -> str:
        desk = self.desk
        desk.hear(parcel.order_key, parcel.parcel_key, parcel.tracking_number)
        self._tell()
        known = self._known(desk.parcel(parcel.parcel_key))
        if known and parcel.external_id:
            return self._answered(desk.correct(parcel))
        if known:
            return known
        self._tell()
        if self.shop.kind == "compare" and desk.parcel(parcel.parcel_key):
            return desk.parcel(parcel.parcel_key)
        return self._answered(desk.ship(parcel))

    def cancel_order(self, cancellation: Cancellation) -> None:
        key = cancellation.cancel_key
        self.desk.hear(cancellation.order_key, key)
        self._tell()
        if self._known(key if key in self.desk.cancelled else ""):
            return
        self._tell()
        if self.shop.kind == "compare" and key in self.desk.cancelled:
            return
        self.desk.cancel(cancellation, lines=self.shop.kind == "compare")
        self._answered("")

    def refund(self, refund: Refund) -> Refund:
        key = refund.external_id
        self.desk.hear(refund.order_key, key)
        self._tell()
        found = self.desk.refunded(key)
        if found is not None and self._known(key):
            return found
        self._tell()
        found = self.desk.refunded(key)
        if self.shop.kind == "compare" and found is not None:
            return found
        made = self.desk.refund(refund)
        self._answered("")
        return made

    def pull_refunds(self, cursor: Cursor) -> Page[Refund]:
        self._read(REFUNDS)
        after = datetime.fromisoformat(cursor.token) if cursor.token else cursor.since - overlap()
        found = self.desk.listed(after)
        shown, more = found[:PAGE], len(found) > PAGE
        since = max([cursor.since, *(one.refunded_at for one in shown)])
        token = shown[-1].refunded_at.isoformat() if more else ""
        self.shop.border("called")
        return Page(tuple(shown), Cursor(cursor.since if more else since, token), more)

    def _known(self, found: str) -> str:
        """What the shop has under our key, as far as one looks."""
        answer = looked_up(found)
        self.shop.border("called")
        return answer

    def _tell(self) -> None:
        self._arrive(OUTBOX, writes=True)
        if self.shop.dice.hit("telling never arrives"):
            raise TransientError("no connection")
        if self.shop.dice.hit("telling lost, answer too"):
            raise UnknownOutcome("no answer")

    def _answered(self, said: str) -> str:
        self.shop.border("called")
        if self.shop.dice.hit("telling done, answer lost"):
            raise UnknownOutcome("no answer")
        return said

    # -- webhooks ----------------------------------------------------------------------------------

    def subscribe(self, url: str) -> tuple[Subscription, ...]:
        self._arrive(SUBSCRIPTIONS)
        self.shop.subscribed, self.shop.webhook_url = True, url
        self.shop.border("called")
        return self._subscriptions()

    def subscriptions(self) -> tuple[Subscription, ...]:
        self._read(SUBSCRIPTIONS)
        found = self._subscriptions()
        self.shop.border("called")
        return found

    def _subscriptions(self) -> tuple[Subscription, ...]:
        made = Subscription("1", "order", self.shop.webhook_url)
        return (made,) if self.shop.subscribed else ()


def looked_up(found: str) -> str:
    """Before a thing is told it is looked for."""
    return found


def overlap() -> timedelta:
    """How much of the order list each walk reads again."""
    return OVERLAP


def _all(shop: Shop, offers: Sequence[StockOffer]) -> Callable[[], object]:
    return lambda: [shop.write(offer, heard=False) for offer in offers]
