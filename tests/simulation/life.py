"""What happens in a world: buyers, staff, webhooks, workers, the clock, and time that passes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from connectors.errors import ConnectorError
from hub.aftersales import returns
from hub.aftersales.returns import CameBack, Refunded
from hub.channels import door, listings, offers, requests
from hub.db import Transaction
from hub.errors import HubError, NotFound
from hub.inventory.adjusting import Adjustment, adjust_once
from hub.inventory.availability import Rule
from hub.sales.fulfilment import ship_allocated
from sync import jobs, push, queues
from sync.carrier import Carrier
from sync.clock import Topic
from tests.pump import opens
from tests.simulation.channel import Letter, Shop
from tests.simulation.connector import SIGNATURE
from tests.simulation.scheduler import Crash
from tests.simulation.waking import Waking
from tests.simulation.world import World, listings_of

PAUSES = (0.05, 0.5, 2.0, 5.0, 5.0, 21.0, 21.0, 61.0, 121.0)
#: A shop's webhook is sent again so often at most, where its orders can be listed too.
TRIES = 6
#: So many at work at once, and nobody new begins.
CROWD = 10


@dataclass
class Command:
    """What somebody of the staff wants done once. Where no answer came it is given again: ``done``
    counts what the first success, of however many tries, has brought into the building."""

    name: str
    work: Callable[[Transaction], object]
    brings: dict[str, int]
    succeeded: bool = False


class Life:
    def __init__(self, world: World) -> None:
        self.world = world
        self.random = world.random
        self.unsure: list[Command] = []
        self.rules = 0
        self.commands = 0
        self.changed_by_hand = False
        self._events: list[tuple[Callable[[], None], float]] = [
            (self.work, 12.0),
            (self.hear, 4.0),
            (self.sweep, 1.0),
            (self.a_while, 4.0),
            (self.buy, 3.0),
            (self.change_order, 1.5),
            (self.deliver, 3.0),
            (self.adjust, 1.0),
            (self.ship, 0.8),
            (self.take_back, 0.8),
            (self.set_rule, 0.2),
            (self.pause_listing, 0.2),
            (self.ask, 1.0),
            (self.forget_all, 0.15),
            (self.change_by_hand, 0.15),
        ]

    def step(self) -> None:
        """One more thing happens: somebody goes on, or something new begins."""
        crowd = len(self.world.scheduler.tasks) >= CROWD
        ready = self.world.scheduler.ready(asleep=False)
        if crowd and not ready:
            ready = self.world.scheduler.ready()
        if ready and (crowd or self.random.random() < 0.6):
            self.world.scheduler.run(self.random.choice(ready))
            return
        events = [event for event, _ in self._events]
        weights = [weight for _, weight in self._events]
        self.random.choices(events, weights)[0]()

    # -- buyers ------------------------------------------------------------------------------------

    def buy(self) -> None:
        shop = self._shop()
        keys = self.random.sample(sorted(shop.stock), k=min(len(shop.stock), self._few()))
        key = shop.buy([(key, self._few()) for key in keys])
        self.world.tell(f"a buyer at {shop.name}: {key}")

    def change_order(self) -> None:
        shop = self._shop()
        if not shop.orders:
            return
        key = self.random.choice(sorted(shop.orders))
        index = self.random.randrange(len(shop.newest(key).lines))
        what = self.random.choice(("edit", "edit", "take_off", "cancel"))
        if what == "edit":
            shop.edit(key, index, self.random.choice((1, 2, 4)))
        elif what == "take_off":
            shop.take_off(key, index)
        else:
            shop.cancel(key)
        self.world.tell(f"{shop.name} {what} {key}")

    def change_by_hand(self) -> None:
        """In some runs people write numbers into the shop themselves."""
        if self.world.seed % 5 or not self.random.random() < 0.5:
            return
        shop = self._shop()
        key = self.random.choice(sorted(shop.stock))
        shop.change_by_hand(key, self.random.choice((0, 3, 20)))
        self.changed_by_hand = True
        self.world.dice.injected["number changed by hand"] += 1
        self.world.tell(f"{key} was changed by hand to {shop.stock[key]}")

    # -- staff -------------------------------------------------------------------------------------

    def adjust(self) -> None:
        world = self.world
        sku = self.random.choice(sorted(world.products))
        change = self.random.choice((-3, -1, 1, 2, 4, 8))
        line = Adjustment(world.products[sku], self.random.choice(world.locations), change)
        key = self._key("adjust")
        self._give(Command(key, lambda tx: adjust_once(tx, key, [line], note=""), {sku: change}))

    def ship(self) -> None:
        found = self.world.look(
            "SELECT DISTINCT o.external_id, o.id FROM sales_order o JOIN order_line l"
            " ON l.seller_id = o.seller_id AND l.order_id = o.id WHERE l.allocated > 0 ORDER BY 1"
        )
        if found:
            chosen = self.random.sample(found, k=min(len(found), self._few()))
            orders = [int(row[1]) for row in chosen]
            self._give(Command(self._key("ship"), lambda tx: ship_allocated(tx, orders), {}))

    def take_back(self) -> None:
        """Goods come back with a refund; some are fit to be sold again."""
        world = self.world
        found = world.look(
            "SELECT l.id, l.order_id, l.product_id, l.shipped - l.returned, o.account_id"
            " FROM sales_order o JOIN order_line l ON l.seller_id = o.seller_id"
            " AND l.order_id = o.id WHERE l.shipped > l.returned"
            " ORDER BY o.external_id, l.external_id"
        )
        if not found:
            return
        line_id, order_id, product_id, left, account_id = self.random.choice(found)
        units = self.random.randint(1, left)
        goods = CameBack(
            line_id, self.random.choice(world.locations), units, self.random.randint(0, units)
        )
        sku = next(name for name, number in world.products.items() if number == product_id)
        key = self._key("refund")
        fact = Refunded(account_id, key, "EUR", 500, world.clock.now, order_id)
        self._give(Command(key, lambda tx: returns.record_refund(tx, fact, [goods]), {sku: units}))

    def set_rule(self) -> None:
        account_id = self.world.accounts[self._shop().name]
        rule = Rule(
            safety_stock=self.random.choice((0, 0, 1)),
            share_percent=self.random.choice((100, 100, 50)),
            buffer=self.random.choice((0, 0, 1)),
            cap=self.random.choice((None, None, 5)),
        )
        self._give(Command(self._key("rule"), lambda tx: offers.set_rule(tx, account_id, rule), {}))

    def pause_listing(self) -> None:
        row = self.random.choice(listings_of(self.world))
        number, version, paused = int(row[3]), int(row[4]), not row[5]

        def work(tx: Transaction) -> object:
            return listings.set_paused(tx, number, paused, expected_version=version)

        self._give(Command(self._key("pause"), work, {}))

    def ask(self) -> None:
        """People ask a channel something, often while it is answering others."""
        shops = list(self.world.shops.values())
        at_work = {task.name.partition(" request ")[2] for task in self.world.scheduler.tasks}
        answering = [one for one in shops if one.name in at_work]
        shop = self.random.choice(answering or shops)
        account_id = self.world.accounts[shop.name]
        argument = {"orders": sorted(shop.orders)[:2], "listings": sorted(shop.stock)[:2]}
        for _ in range(self._few()):
            kind = self.random.choice(("orders", "refetch", "read_stock", "listings", "test"))
            ask = partial(requests.ask, account_id=account_id, kind=kind, argument=argument)
            self._give(Command(self._key(f"ask {kind}"), ask, {}))

    def _key(self, what: str) -> str:
        self.commands += 1
        return f"{what} {self.commands}"

    def _give(self, command: Command) -> None:
        """Once, or (an impatient person) twice at the same time."""
        twice = self.world.dice.hit("command given twice")
        for _ in range(1 + twice):
            self._try(command)

    def _try(self, command: Command) -> None:
        world = self.world

        def work() -> None:
            world.database.command(world.seller_id, command.work)

        def ended(error: BaseException | None) -> None:
            if error is None and not command.succeeded:
                command.succeeded = True
                world.received.update(command.brings)
            elif isinstance(error, Crash):
                self.unsure.append(command)
            elif error is not None and not isinstance(error, HubError):
                world.broken(f"{command.name} broke: {error!r}")

        world.scheduler.start(command.name, work, ended=ended)

    # -- webhooks ----------------------------------------------------------------------------------

    def deliver(self) -> None:
        """Any of a shop's webhooks arrives at the door; without a 2xx it is sent again."""
        shop = self._shop()
        if shop.outbox:
            letter = shop.outbox.pop(self.random.randrange(len(shop.outbox)))
            self._post(shop, letter)

    def _post(self, shop: Shop, letter: Letter) -> None:
        world = self.world
        path = world.paths[shop.name]
        sent = door.Letter("POST", f"/webhooks/{path}", {"x-signature": SIGNATURE}, letter.body)

        def work() -> None:
            door.receive(world.database, world.carrier.keyring, opens, path, sent)

        def ended(error: BaseException | None) -> None:
            if isinstance(error, Crash):
                if shop.kind == "told" or letter.tries < TRIES:
                    shop.outbox.append(replace(letter, tries=letter.tries + 1))
            elif error is not None:
                world.broken(f"the door broke: {error!r}")

        world.scheduler.start(f"webhook {letter.event_id}", work, ended=ended)

    # -- workers and the clock ---------------------------------------------------------------------

    def work(self) -> None:
        """Workers take jobs."""
        jobs_now = self.world.queue.jobs
        for _ in range(min(self._few(), len(jobs_now))):
            self._take(jobs_now.pop(self.random.randrange(min(6, len(jobs_now)))))

    def _take(self, topic: Topic) -> None:
        world = self.world
        handlers = {**jobs.HANDLERS, queues.STOCK: stock}
        name, seller_id, account_id = topic

        def work() -> None:
            try:
                handlers[name](world.carrier, seller_id, account_id)
            except (ConnectorError, NotFound) as error:
                world.tell(f"{name} {world.name_of(account_id)} ended with {error!r}")

        def ended(error: BaseException | None) -> None:
            if error is not None and not isinstance(error, Crash):
                world.broken(f"job {name} broke: {error!r}")

        self.commands += 1
        label = f"worker {self.commands} {name} {world.name_of(account_id)}"
        world.scheduler.start(label, work, ended=ended)

    def hear(self) -> None:
        """The clock hears what was rung, and sends what has waited for its moment."""
        rings, self.world.rings = self.world.rings, []
        for ring in rings:
            self.world.waking.hear(ring)
        self.world.waking.ripe()

    def sweep(self) -> None:
        world = self.world
        if any(task.name == "sweep" for task in world.scheduler.tasks):
            return

        def ended(error: BaseException | None) -> None:
            if isinstance(error, Crash):
                self._new_clock()
            elif error is not None:
                world.broken(f"the sweep broke: {error!r}")

        world.scheduler.start("sweep", world.waking.look, ended=ended)

    def forget_all(self) -> None:
        """Redis dies with all its data, and the clock starts anew."""
        self.world.tell(f"Redis forgets {len(self.world.queue.jobs)} jobs")
        self.world.dice.injected["Redis emptied"] += 1
        self.world.queue.jobs.clear()
        self._new_clock()

    def _new_clock(self) -> None:
        self.world.rings.clear()
        self.world.waking = Waking(self.world.database, self.world.queue)

    def a_while(self) -> None:
        """Time passes, and the clock looks for what it has made due."""
        self.time_passes()
        self.hear()
        self.sweep()

    def time_passes(self, seconds: float | None = None) -> None:
        pause = self.random.choice(PAUSES) if seconds is None else seconds
        self.world.clock.seconds = round(self.world.clock.seconds + pause, 3)
        self.world.tell("time passes")
        for shop in self.world.shops.values():
            shop.settle()

    # -- the end -----------------------------------------------------------------------------------

    def calm_down(self) -> None:
        """No more faults, no more buyers: everybody comes to an end, and commands whose answer did
        not come are given again."""
        world = self.world
        world.dice.still()
        with world.scheduler.calm():
            world.scheduler.finish()
            while self.unsure:
                self._try(self.unsure.pop())
                world.scheduler.finish()

    def work_off(self, rounds: int = 60) -> bool:
        """Until nothing is due; False where something is for ever."""
        world = self.world
        for _ in range(rounds):
            for shop in world.shops.values():
                while shop.outbox:
                    self._post(shop, shop.outbox.pop())
            self.hear()
            self.sweep()
            world.scheduler.finish()
            if not world.queue.jobs:
                return True
            jobs_now, world.queue.jobs = world.queue.jobs, []
            for topic in jobs_now:
                self._take(topic)
                world.scheduler.finish()
        return False

    def _shop(self) -> Shop:
        return self.random.choice(list(self.world.shops.values()))

    def _few(self) -> int:
        return self.random.choice((1, 1, 1, 2, 3))


def stock(carrier: Carrier, seller_id: int, account_id: int) -> None:
    """Derive and push, one account after the other: threads of the job's own are not the seed's."""
    for chosen in sorted(push.derive_offers(carrier, seller_id)):
        push.push(carrier, seller_id, chosen)
