"""One random schedule: when what is told arrives, and what goes wrong on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

from connectors.records import ChannelOrder, Page
from tests.simulation.delivery import Seller, Step, Storefront, at_once, killed, webhook
from tests.simulation.delivery_history import OVERLAP, SHOPS, Version


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of a shop and is not saved yet."""

    shop: str
    page: Page[ChannelOrder]
    read_at: datetime

    def still_worth(self, front: Storefront) -> Page[ChannelOrder]:
        """Of two versions that bear one time, a reading may bring back the first, and only the
        overlap of the pulls sets that right: so one older than that holds none of them."""
        if front.now - self.read_at <= OVERLAP:
            return self.page
        twins = front.twins()
        kept = [one for one in self.page.items if (one.external_id, one.updated_at) not in twins]
        return replace(self.page, items=tuple(kept))


@dataclass
class Schedule:
    """Delivers its seller's history. ``pending`` is what will be done some time, in any order;
    ``late``, when nothing else will."""

    seller: Seller
    rng: Random
    pending: list[Step] = field(default_factory=list)
    late: list[Step] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    events: int = 0

    def run(self) -> None:
        history = self.seller.history
        self.pending += [lambda shop=shop: self._link(shop) for shop in SHOPS]
        self.pending += [
            lambda sku=sku, n=units: self.seller.arrive(sku, n)
            for sku, units in history.arrivals.items()
        ]
        known = dict.fromkeys(SHOPS, 0)
        for number, act in enumerate(history.acts):
            if number:
                self.pending += self._goods_back()
            for version in act:
                known[version.shop] += 1
                self._turn(version.at, known)
                self._tell(version)
                if self.rng.random() < 0.4:
                    self._hold_back(version.shop, [version.order.external_id])
                self._some_of_it()
            self._end_act(number, known)

    def _turn(self, now: datetime, known: dict[str, int]) -> None:
        for shop, front in self.seller.shops.items():
            front.turn(now, known[shop])

    def _tell(self, version: Version) -> None:
        """The version's webhook: arrives once, twice, thrice, late or never."""
        self.events += 1
        shop, key = version.shop, version.order.external_id
        body = webhook(f"event-{self.events}", key)

        def arrives() -> None:
            self._note(f"webhook {shop} {key}", self.seller.post, shop, body)

        self.pending += [arrives] * self.rng.choices((0, 1, 2, 3), (3, 6, 1, 1))[0]

    def _some_of_it(self) -> None:
        for _ in range(self.rng.choice((0, 0, 1, 1, 2, 3))):
            self._act()

    def _act(self) -> None:
        if self.pending and self.rng.random() < 0.6:
            self.pending.pop(self.rng.randrange(len(self.pending)))()
            return
        shop = self.rng.choice(SHOPS)
        acts: Sequence[Callable[[str], object]] = (
            self._work_off, self._work_off, self._pull, self._pull, self._pull_breaks_off,
            self._read, self._read, self._derive, self._dies, self._meet,
        )  # fmt: skip
        self.rng.choice(acts)(shop)

    def _note(self, what: str, act: Callable[..., object], *values: object) -> object:
        self.done.append(what)
        return act(*values)

    # -- ways in -------------------------------------------------------------------------------

    def _work_off(self, shop: str) -> None:
        self._note(f"work off {shop}", self.seller.work_off, shop)

    def _pull(self, shop: str) -> None:
        self._note(f"pull {shop}", self.seller.pull, shop)

    def _pull_breaks_off(self, shop: str) -> None:
        front = self.seller.shops[shop]
        front.pages_left = self.rng.randint(0, 2)
        self._note(f"pull {shop} breaks off after {front.pages_left}", self.seller.pull, shop)
        front.pages_left = None

    def _derive(self, shop: str) -> None:
        self._note("derive", self.seller.derive)

    def _read(self, shop: str) -> None:
        front = self.seller.shops[shop]
        keys = sorted({one.order.external_id for one in front.versions[: front.known]})
        if keys:
            self._hold_back(shop, self.rng.sample(keys, min(len(keys), self.rng.randint(1, 4))))

    def _hold_back(self, shop: str, keys: Sequence[str]) -> None:
        """A worker reads these orders and is stopped: what it read is saved some time later."""
        front = self.seller.shops[shop]
        reading = Reading(shop, front.fetch_orders(keys), front.now)
        self.done.append(f"read {shop} {keys}")
        self.rng.choice((self.pending, self.late)).append(lambda: self._save(reading))

    def _save(self, reading: Reading) -> None:
        page = reading.still_worth(self.seller.shops[reading.shop])
        told = [(one.external_id, str(one.updated_at)) for one in page.items]
        self._note(f"save {reading.shop} {told}", self.seller.save, reading.shop, page)

    def _link(self, shop: str) -> None:
        self._note(f"link {shop}", self.seller.link_late, shop)

    def _dies(self, shop: str) -> None:
        step = self.rng.choice((self._pull, self._work_off, self._derive))
        self.done.append("dies:")
        with killed(self.seller, self.rng):
            step(shop)

    def _meet(self, shop: str) -> None:
        """Two or three deliveries at once."""
        seller = self.seller
        page = seller.shops[shop].fetch_orders(
            [one.order.external_id for one in seller.shops[shop].versions]
        )
        ways: list[Step] = [
            lambda: seller.pull(shop),
            lambda: seller.work_off(shop),
            lambda: seller.save(shop, page),
            lambda: seller.save(shop, replace(page, items=page.items[::-1])),
            seller.derive,
        ]
        self.done.append(f"meet {shop}")
        at_once(self.rng.sample(ways, self.rng.choice((2, 2, 3))))

    def _goods_back(self) -> list[Step]:
        """Each refund is told twice."""
        told: list[Step] = [
            lambda one=one: self.seller.take_back(one, datetime.now(UTC))  # type: ignore[misc]
            for one in self.seller.history.back
        ]
        return told * 2

    # -- in the end ----------------------------------------------------------------------------

    def _end_act(self, number: int, known: dict[str, int]) -> None:
        """A day later everything that is under way has come, in any order, and each shop has been
        pulled once more. What was dropped has been sent again or never. Last come the workers that
        were stopped all the while."""
        last = max(front.now for front in self.seller.shops.values())
        self._turn(last + timedelta(days=1), known)
        self.pending += [lambda shop=shop: self._pull_through(shop) for shop in SHOPS]
        self.rng.shuffle(self.pending)
        while self.pending:
            self.pending.pop()()
        for shop in SHOPS:
            self._work_off(shop)
        while self.late:
            self.late.pop()()
        self.seller.derive()
        if number + 1 < len(self.seller.history.acts):
            self.done.append("ship")
            self.seller.ship()
            self.seller.derive()

    def _pull_through(self, shop: str) -> None:
        assert self._note(f"last pull {shop}", self.seller.pull, shop)
