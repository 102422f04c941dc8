"""The state of one simulated shop: what it sells, what it sold, and its own count of the stock.

It is the other side of every channel simulator: buyers take units here between two pushes, as at a
real shop. Thread-safe; fit for some 20,000 variants and 100,000 orders. It speaks no protocol.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from threading import RLock

from connectors.postsale import Parcel, Refund
from connectors.records import OrderStatus
from connectors.simulators import sending
from connectors.simulators.trade import (
    Event,
    EventKind,
    OutOfStock,
    Position,
    Refused,
    Sale,
    SaleLine,
    Stale,
    Variant,
)

__all__ = [
    "FIRST_VARIANT",
    "Event",
    "EventKind",
    "OutOfStock",
    "Position",
    "Refused",
    "Sale",
    "SaleLine",
    "Shop",
    "Stale",
    "Variant",
]

FIRST_VARIANT = 40_000_000_000_001
FIRST_PRODUCT = 7_000_000_000_001
FIRST_INVENTORY = 42_000_000_000_001
FIRST_ORDER = 5_000_000_000_001
FIRST_LINE = 13_000_000_000_001
FIRST_PARCEL = 21_000_000_000_001
FIRST_REFUND = 33_000_000_000_001

Listener = Callable[[Event], None]


class Shop:
    """``lock`` is re-entrant: hold it to check and change several things as one. A shop that is not
    ``counted`` keeps no numbers: what it sells is on (1) or off (0), and buying takes nothing.
    ``order_key`` makes the key of its nth order, ``order_number`` what people call it, and
    ``listing_key`` the last part of a listing's external id of its variant's key."""

    def __init__(
        self,
        name: str,
        currency: str = "GBP",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.name = name
        self.currency = currency
        self.now = now
        self.lock = RLock()
        self.counted = True
        self.order_key: Callable[[int], str] = lambda number: str(FIRST_ORDER + number)
        self.listing_key: Callable[[str], str] = lambda variant_key: variant_key
        self.order_number: Callable[[int], str] = lambda number: f"#{1001 + number}"
        self.sold: Counter[str] = Counter()
        self._variants: dict[str, Variant] = {}
        self._by_inventory: dict[str, str] = {}
        self._by_sku: dict[str, str] = {}
        self._orders: dict[str, Sale] = {}
        self._log: list[tuple[datetime, int, str]] = []
        self._lines = 0
        self._made = 0
        self._sent = 0
        self._paid_back = 0
        self._version = 0
        self._last = datetime.min.replace(tzinfo=UTC)
        self._listeners: list[Listener] = []

    # -- what it sells -------------------------------------------------------------------------

    def add_variant(
        self, sku: str, title: str, price: int, quantity: int, barcode: str = ""
    ) -> Variant:
        """A SKU may be used twice, as at most channels; by SKU, the first is found."""
        with self.lock:
            n = self._made
            self._made += 1
            variant = Variant(
                key=str(FIRST_VARIANT + n),
                product_key=str(FIRST_PRODUCT + n),
                inventory_key=str(FIRST_INVENTORY + n),
                sku=sku,
                title=title,
                price=price,
                quantity=self._shown(quantity),
                updated_at=self.now(),
                barcode=barcode,
            )
            self._variants[variant.key] = variant
            self._by_inventory[variant.inventory_key] = variant.key
            self._by_sku.setdefault(sku, variant.key)
            return variant

    def end_variant(self, sku: str) -> Variant:
        """The listing stays to be seen, and is no longer on sale."""
        with self.lock:
            return self._store(replace(self.variant(sku), active=False), EventKind.LISTING)

    def remove_variant(self, sku: str) -> None:
        with self.lock:
            variant = self.variant(sku)
            del self._variants[variant.key]
            del self._by_inventory[variant.inventory_key]
            if self._by_sku.get(sku) == variant.key:
                del self._by_sku[sku]
            self._tell(Event(EventKind.LISTING, self.now(), variant=variant))

    def variant(self, sku: str) -> Variant:
        """By SKU or by key. KeyError where there is none."""
        return self._variants[self._by_sku.get(sku, sku)]

    def by_inventory(self, inventory_key: str) -> Variant | None:
        with self.lock:
            key = self._by_inventory.get(inventory_key)
            return self._variants[key] if key is not None else None

    @property
    def variants(self) -> tuple[Variant, ...]:
        with self.lock:
            return tuple(self._variants.values())

    def variants_from(self, key: int, limit: int) -> tuple[Variant, ...]:
        """Those whose key is at least ``key``, in the order of keys (which is that of making)."""
        with self.lock:
            end = FIRST_VARIANT + self._made
            found: list[Variant] = []
            for number in range(max(key, FIRST_VARIANT), end):
                variant = self._variants.get(str(number))
                if variant is not None:
                    found.append(variant)
                if len(found) == limit:
                    break
            return tuple(found)

    def quantity(self, sku: str) -> int:
        return self.variant(sku).quantity

    # -- its stock -----------------------------------------------------------------------------

    def set_quantity(self, inventory_key: str, quantity: int, expected: int | None = None) -> None:
        """Compare and set where ``expected`` is given. Raises Stale, or KeyError if unknown."""
        with self.lock:
            variant = self._variants[self._by_inventory[inventory_key]]
            if expected is not None and variant.quantity != expected:
                raise Stale(variant.quantity)
            quantity = self._shown(quantity)
            if variant.quantity != quantity:
                self._store(replace(variant, quantity=quantity), EventKind.STOCK)

    def change_quantity(self, inventory_key: str, change: int) -> int:
        with self.lock:
            variant = self._variants[self._by_inventory[inventory_key]]
            return self._store(
                replace(variant, quantity=self._shown(variant.quantity + change)), EventKind.STOCK
            ).quantity

    # -- what it sold --------------------------------------------------------------------------

    def buy(
        self,
        lines: Sequence[tuple[str, int]],
        *,
        buyer: Mapping[str, str] | None = None,
        at: datetime | None = None,
        prices: Mapping[str, int] | None = None,
        reference: str = "",
    ) -> Sale:
        """Sell now, all or nothing, out of the shop's own stock. ``at`` sets when it was placed;
        the time of the last change never runs backwards."""
        with self.lock:
            wanted: Counter[str] = Counter()
            for sku, units in lines:
                wanted[self.variant(sku).key] += units
            for key, units in wanted.items():
                if units < 1 or self._variants[key].quantity < self._shown(units):
                    raise OutOfStock(f"{self._variants[key].sku}: {units} wanted")
            sold = tuple(self._line(sku, units, prices or {}) for sku, units in lines)
            placed = at or self.now()
            number = len(self._orders)
            sale = self._record(
                Sale(
                    key=self.order_key(number),
                    number=self.order_number(number),
                    status=OrderStatus.CONFIRMED,
                    lines=sold,
                    placed_at=placed,
                    updated_at=placed,
                    version=0,
                    buyer=dict(buyer or {}),
                    reference=reference,
                ),
                EventKind.ORDER_CREATED,
            )
            for key, units in wanted.items():
                self._take(key, units)
            return sale

    def cancel(self, order_key: str, *, restock: bool = True) -> Sale:
        with self.lock:
            sale = self._orders[order_key]
            if sale.cancelled_at is not None:
                return sale
            if restock:
                for line in sale.lines:
                    self._take(line.variant_key, -line.open)
            lines = tuple(
                replace(line, cancelled=line.cancelled + line.open) for line in sale.lines
            )
            changed = replace(
                sale, lines=lines, status=OrderStatus.CANCELLED, cancelled_at=self.now()
            )
            return self._record(changed, EventKind.ORDER_CANCELLED)

    def edit(self, order_key: str, sku: str, quantity: int) -> Sale:
        """Let the first line of that SKU be for ``quantity`` units; stock follows."""
        with self.lock:
            sale = self._orders[order_key]
            index = next(i for i, line in enumerate(sale.lines) if line.sku == sku)
            line = sale.lines[index]
            more = quantity - (line.quantity - line.cancelled)
            if self._shown(more) > self._variants[line.variant_key].quantity:
                raise OutOfStock(f"{sku}: {more} more wanted")
            placed = max(line.quantity, quantity)
            edited = replace(line, quantity=placed, cancelled=placed - quantity)
            lines = (*sale.lines[:index], edited, *sale.lines[index + 1 :])
            changed = self._record(replace(sale, lines=lines), EventKind.ORDER_UPDATED)
            self._take(line.variant_key, more)
            return changed

    def take_off(self, order_key: str, units: Mapping[str, int], *, restock: bool = True) -> Sale:
        """Cancel so many units of each line, by line key. Raises Refused."""
        with self.lock:
            changed = sending.reduced(self._orders[order_key], units)
            if restock:
                for line in changed.lines:
                    self._take(line.variant_key, -units.get(line.key, 0))
            return self._record(changed, EventKind.ORDER_UPDATED)

    def ship(self, order_key: str, parcel: Parcel | None = None) -> Parcel:
        """Send a parcel, by default with all that is open; answers it with the shop's id. One with
        a parcel key that was told before is the one of then. Raises Refused."""
        with self.lock:
            sale = self._orders[order_key]
            told = parcel or Parcel(order_key, "", "", "", self.now(), ())
            known = [one for one in sale.parcels if one.parcel_key == told.parcel_key != ""]
            if known:
                return known[0]
            self._sent += 1
            made = replace(told, external_id=str(FIRST_PARCEL + self._sent))
            self._record(sending.shipped(sale, made), EventKind.ORDER_SHIPPED)
            return made

    def correct_parcel(
        self, order_key: str, external_id: str, carrier: str, number: str, url: str = ""
    ) -> Sale:
        with self.lock:
            sale = sending.corrected(self._orders[order_key], external_id, carrier, number, url)
            return self._record(sale, EventKind.ORDER_UPDATED)

    def refund(self, order_key: str, refund: Refund) -> Refund:
        """Pay back; answers it with the shop's id and time. Raises Refused."""
        with self.lock:
            self._paid_back += 1
            key = str(FIRST_REFUND + self._paid_back)
            made = replace(refund, external_id=key, refunded_at=self.now())
            sale = sending.refunded(self._orders[order_key], made)
            self._record(sale, EventKind.ORDER_REFUNDED)
            return made

    def set_status(self, order_key: str, status: OrderStatus) -> Sale:
        with self.lock:
            return self._record(
                replace(self._orders[order_key], status=status), EventKind.ORDER_UPDATED
            )

    def renumber(self, order_key: str, number: str) -> None:
        """Mend what people call an order, silently: nobody is told, and no time changes."""
        with self.lock:
            self._orders[order_key] = replace(self._orders[order_key], number=number)

    def order(self, key: str) -> Sale | None:
        return self._orders.get(key)

    @property
    def orders(self) -> tuple[Sale, ...]:
        with self.lock:
            return tuple(self._orders.values())

    def orders_after(self, after: Position, limit: int) -> tuple[Sale, ...]:
        """Orders whose last change lies after ``(time, version)``, the oldest change first. For all
        from a moment on, that moment included: ``(moment, -1)``."""
        with self.lock:
            start = bisect_left(self._log, (after[0], after[1] + 1, ""))
            found: list[Sale] = []
            for index in range(start, len(self._log)):
                _, version, key = self._log[index]
                sale = self._orders[key]
                if sale.version == version:
                    found.append(sale)
                if len(found) == limit:
                    break
            return tuple(found)

    def listen(self, listener: Listener) -> None:
        """Called under the shop's lock, in the order of events: a listener only takes note."""
        self._listeners.append(listener)

    # -- how -----------------------------------------------------------------------------------

    def _line(self, sku: str, units: int, prices: Mapping[str, int]) -> SaleLine:
        variant = self.variant(sku)
        self._lines += 1
        return SaleLine(
            key=str(FIRST_LINE + self._lines),
            variant_key=variant.key,
            sku=variant.sku,
            title=variant.title,
            quantity=units,
            unit_price=prices.get(sku, variant.price),
        )

    def _shown(self, units: int) -> int:
        return units if self.counted else min(max(units, 0), 1)

    def _take(self, variant_key: str, units: int) -> None:
        variant = self._variants.get(variant_key)
        if variant is None or units == 0:
            return
        self.sold[variant.sku] += units
        if self.counted:
            self._store(replace(variant, quantity=variant.quantity - units), EventKind.STOCK)

    def _store(self, variant: Variant, kind: EventKind) -> Variant:
        variant = replace(variant, updated_at=self.now())
        self._variants[variant.key] = variant
        self._tell(Event(kind, variant.updated_at, variant=variant))
        return variant

    def _record(self, sale: Sale, kind: EventKind) -> Sale:
        self._version += 1
        changed_at = sale.placed_at if kind is EventKind.ORDER_CREATED else self.now()
        self._last = max(self._last, changed_at)
        sale = replace(sale, updated_at=self._last, version=self._version)
        self._orders[sale.key] = sale
        self._log.append((sale.updated_at, sale.version, sale.key))
        if len(self._log) > 2 * len(self._orders) + 1000:
            self._log = [one for one in self._log if self._orders[one[2]].version == one[1]]
        self._tell(Event(kind, sale.updated_at, sale=sale))
        return sale

    def _tell(self, event: Event) -> None:
        for listener in self._listeners:
            listener(event)
