"""What happens in a world: buyers, staff, webhooks, workers, the clock, and time that passes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from connectors.errors import ConnectorError
from hub.channels import door, flows
from hub.errors import NotFound
from sync import jobs, push, queues
from sync.budgets import can_wait
from sync.carrier import Carrier
from sync.clock import Topic
from sync.keeping import PERIOD, Keeper
from sync.lanes import BULK, sliced
from tests.pump import opens
from tests.simulation import checks_told
from tests.simulation.channel import Letter, Shop
from tests.simulation.entering import SIGNATURE
from tests.simulation.scheduler import Crash, Task
from tests.simulation.staff import Staff
from tests.simulation.waking import Waking
from tests.simulation.world import World

PAUSES = (0.05, 0.5, 2.0, 5.0, 5.0, 21.0, 21.0, 61.0, 121.0)
#: A shop's webhook is sent again so often at most, where its orders can be listed too.
TRIES = 6
#: So many at work at once, and nobody new begins.
CROWD = 10
#: A keeper's round, and the longest that a live job is thought to take (seconds).
ROUND, LONGEST_JOB = 3.0, 24.0


class Life:
    def __init__(self, world: World) -> None:
        self.world = world
        self.random = world.random
        self.staff = Staff(world)
        self.jobs = 0
        self.changed_by_hand = False
        self._events: list[tuple[Callable[[], None], float]] = [
            (self.work, 12.0),
            (self.hear, 4.0),
            (self.sweep, 1.0),
            (self.a_while, 4.0),
            (self.buy, 3.0),
            (self.change_order, 1.5),
            (self.deliver, 3.0),
            (self.keep, 1.0),
            (self.forget_all, 0.15),
            (self.change_by_hand, 0.15),
            (self.refund_there, 0.3),
            (self.lock_order, 0.15),
            (self.go_down, 0.1),
            (self.drop_subscription, 0.05),
            *self.staff.events,
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

    def refund_there(self) -> None:
        """The shop's own people give money back."""
        shop = self._shop()
        if shop.orders:
            key = self.random.choice(sorted(shop.orders))
            amount = self.random.randint(1, max(1, shop.newest(key).total))
            if self.world.desks[shop.name].give(key, amount):
                self.world.tell(f"{shop.name} gives {amount} back of {key}")

    def lock_order(self) -> None:
        """In some shops an order can be locked: nothing is taken for it until it is unlocked."""
        shop = self._shop()
        desk = self.world.desks[shop.name]
        if desk.locked and self.random.random() < 0.7:
            desk.locked.discard(self.random.choice(sorted(desk.locked)))
        elif shop.orders and self.world.seed % 3 == 0:
            desk.locked.add(self.random.choice(sorted(shop.orders)))
            self.world.dice.injected["order locked"] += 1

    def go_down(self) -> None:
        """A shop answers nothing for a while."""
        gate = self.world.gates[self._shop().name]
        gate.down_until = self.world.clock.seconds + self.random.choice((20.0, 90.0, 300.0, 600.0))
        self.world.dice.injected["shop down"] += 1
        self.world.tell(f"{gate.name} is down")

    def drop_subscription(self) -> None:
        """A shop ends its webhooks, and tells nobody."""
        shop = self._shop()
        if shop.kind != "told" and shop.subscribed:
            shop.subscribed = False
            self.world.dice.injected["subscription dropped"] += 1
            self.world.tell(f"{shop.name} sends no webhooks any more")

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

    def _take(self, job: Topic) -> None:
        """A worker takes a job; each is a process of its own, with what it keeps."""
        world = self.world
        handlers = {**jobs.HANDLERS, queues.STOCK: stock}
        name, seller_id, account_id = job
        carrier = world.worker()

        def work() -> None:
            asked = name == flows.REQUEST
            world.watch.begins(task, seller_id, asked=asked)
            can_wait.set(queues.LANE_OF[name] == BULK and not asked)
            with sliced(queues.LANE_OF[name]) as own:
                try:
                    handlers[name](carrier, seller_id, account_id)
                except (ConnectorError, NotFound) as error:
                    world.tell(f"{name} {world.name_of(account_id)} ended with {error!r}")
            for topic, number in sorted(own.cut):
                world.tell(f"{topic} {world.name_of(number)} is cut short")
                world.queue.enqueue(topic, seller_id, number)

        def ended(error: BaseException | None) -> None:
            world.keepers.pop(task, None)
            if error is not None and not isinstance(error, Crash):
                world.broken(f"job {name} broke: {error!r}")

        self.jobs += 1
        label = f"worker {self.jobs} {name} {world.name_of(account_id)}"
        task = world.scheduler.start(label, work, ended=ended)
        world.keepers[task] = carrier.keeper

    def keep(self) -> None:
        """In a process that works its keeper wakes, whatever the work waits for."""
        alive = self._keeping()
        if alive:
            self._keep(self.random.choice(alive))

    def _keeping(self) -> list[Task]:
        """Workers whose process is not frozen and holds something."""
        keepers = self.world.keepers
        busy = (task for task in keepers if not task.frozen and task.state != "done")
        return [task for task in busy if _holds(keepers[task], self.world.clock.seconds)]

    def _keep(self, task: Task) -> Task:
        keeper = self.world.keepers[task]

        def keep() -> None:
            keeper.keep()

        return self.world.scheduler.start(f"keeper of {task.name}", keep, mortal=False)

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
        self.world.forget_budgets()
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
        for part in self._parts(pause):
            self.world.clock.seconds = round(self.world.clock.seconds + part, 3)
            for task in self.world.keepers:
                task.kept &= part <= ROUND
            self._keep_all()
            checks_told.kept(self.world)
        self.world.tell("time passes")
        for shop in self.world.shops.values():
            shop.settle()

    def _parts(self, pause: float) -> list[float]:
        """While somebody works time passes a keeper's round at a time; for how long is enough that
        a job may take."""
        if not self._keeping():
            return [pause]
        rounds = int(min(pause, LONGEST_JOB) / ROUND)
        return [*[ROUND] * rounds, pause - ROUND * rounds]

    def _keep_all(self) -> None:
        with self.world.scheduler.calm():
            for task in [self._keep(one) for one in self._keeping()]:
                while task.state not in {"done", "blocked"}:
                    self.world.scheduler.run(task)

    # -- the end -----------------------------------------------------------------------------------

    def calm_down(self) -> None:
        """No more faults, no more buyers: everybody comes to an end, and people put right what is
        theirs to."""
        world = self.world
        world.dice.still()
        for gate in world.gates.values():
            gate.open_wide()
        for desk in world.desks.values():
            desk.locked.clear()
        with world.scheduler.calm():
            world.scheduler.finish()
            self.staff.put_right()

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


def _holds(keeper: Keeper, now: float) -> bool:
    """There is something that it would extend."""
    return any(one.held_since(now - PERIOD) for one in keeper._holdings)
