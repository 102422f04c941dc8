"""What a seller's people do: with stock, with orders after the sale, and with their accounts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from hub.aftersales import refunding, returns
from hub.aftersales.refunding import Asked
from hub.aftersales.returns import CameBack, Refunded
from hub.channels import accounts, connecting, listings, offers, requests, resuming
from hub.channels.telling import Abilities
from hub.db import Transaction
from hub.errors import HubError
from hub.inventory.adjusting import Adjustment, adjust_once
from hub.inventory.availability import Rule
from hub.sales import cancelling, shipments
from hub.sales.cancelling import TakenOff
from hub.sales.fulfilment import ship_allocated
from hub.sales.shipments import Correction, Leaving
from hub.secrets import Secret
from tests.simulation.channel import Shop
from tests.simulation.scheduler import Crash
from tests.simulation.world import World, listings_of

#: Orders with something to be sent.
TO_SEND = """
SELECT DISTINCT o.external_id, o.id, o.account_id FROM sales_order o JOIN order_line l
    ON l.seller_id = o.seller_id AND l.order_id = o.id WHERE l.allocated > 0 ORDER BY 1
"""
#: Lines with units that have not left.
TO_CANCEL = """
SELECT o.external_id, o.id, o.account_id, l.id, l.allocated + l.claimed
  FROM sales_order o JOIN order_line l ON l.seller_id = o.seller_id AND l.order_id = o.id
 WHERE l.allocated + l.claimed > 0 ORDER BY 1, l.external_id
"""
ORDERS = "SELECT external_id, id, account_id, total FROM sales_order ORDER BY 1"
SENT = """
SELECT o.external_id, s.number, s.id, s.account_id FROM shipment s
  JOIN sales_order o ON o.seller_id = s.seller_id AND o.id = s.order_id
 WHERE s.version = 1 ORDER BY 1, 2
"""
#: What a channel has refused, by its newest version: a shipment is told once more as it is now.
REFUSED = """
SELECT o.external_id, d.what, d.id FROM (
  SELECT order_id, 'ship' AS what, id, state FROM shipment
  UNION ALL SELECT order_id, 'cancel', id, state FROM cancellation
  UNION ALL SELECT order_id, 'refund', id, state FROM refund) d
  JOIN sales_order o ON o.id = d.order_id WHERE d.state = 'refused' ORDER BY 1, 2, 3
"""
TELL_AGAIN: dict[str, Callable[[Transaction, int], bool]] = {
    "ship": shipments.tell_again,
    "cancel": cancelling.tell_again,
    "refund": refunding.tell_again,
}


@dataclass
class Command:
    """What somebody wants done once. Where no answer came it is given ``again``: ``brings`` counts
    what the first success, of however many tries, has brought into the building."""

    name: str
    work: Callable[[Transaction], object]
    brings: dict[str, int] = field(default_factory=dict)
    then: Callable[[], None] = lambda: None
    again: bool = True
    succeeded: bool = False


class Staff:
    def __init__(self, world: World) -> None:
        self.world = world
        self.random = world.random
        self.unsure: list[Command] = []
        self.commands = 0
        self.events: list[tuple[Callable[[], None], float]] = [
            (self.adjust, 1.0),
            (self.ship, 0.4),
            (self.send, 1.0),
            (self.correct, 0.3),
            (self.call_off, 0.4),
            (self.give_back, 0.4),
            (self.tell_again, 0.2),
            (self.take_back, 0.6),
            (self.set_rule, 0.2),
            (self.pause_listing, 0.2),
            (self.ask, 0.8),
            (self.hold, 0.15),
            (self.authorise, 0.1),
        ]

    # -- stock -------------------------------------------------------------------------------------

    def adjust(self) -> None:
        world = self.world
        sku = self.random.choice(sorted(world.products))
        change = self.random.choice((-3, -1, 1, 2, 4, 8))
        line = Adjustment(world.products[sku], self.random.choice(world.locations), change)
        key = self._key("adjust")
        self._give(Command(key, lambda tx: adjust_once(tx, key, [line], note=""), {sku: change}))

    def set_rule(self) -> None:
        account_id = self.world.accounts[self._shop().name]
        rule = Rule(
            safety_stock=self.random.choice((0, 0, 1)),
            share_percent=self.random.choice((100, 100, 50)),
            buffer=self.random.choice((0, 0, 1)),
            cap=self.random.choice((None, None, 5)),
        )
        self._give(Command(self._key("rule"), lambda tx: offers.set_rule(tx, account_id, rule)))

    def pause_listing(self) -> None:
        row = self.random.choice(listings_of(self.world))
        number, version, paused = int(row[3]), int(row[4]), not row[5]

        def work(tx: Transaction) -> object:
            return listings.set_paused(tx, number, paused, expected_version=version)

        self._give(Command(self._key("pause"), work))

    # -- after a sale ------------------------------------------------------------------------------

    def ship(self) -> None:
        """Handed over at the counter: no parcel, and no channel is told."""
        found = self.world.look(TO_SEND)
        if found:
            chosen = self.random.sample(found, k=min(len(found), self._few()))
            orders = [int(row[1]) for row in chosen]
            self._give(Command(self._key("ship"), lambda tx: ship_allocated(tx, orders)))

    def send(self) -> None:
        found = self.world.look(TO_SEND)
        if found:
            _, order_id, account_id = self.random.choice(found)
            able, key = self._able(account_id), self._key("send")
            leaving = Leaving("DHL", f"T{self.commands}")
            self._give(Command(key, lambda tx: shipments.ship(tx, order_id, leaving, able)))

    def correct(self) -> None:
        """Once at most: what a worker that slept says of an older one would stand."""
        found = self.world.look(SENT)
        if found:
            _, _, number, account_id = self.random.choice(found)
            able, key = self._able(account_id), self._key("correct")
            change = Correction(tracking_number=f"T{self.commands}")
            one = partial(shipments.correct, number=number, change=change, able=able)
            self._give(Command(key, partial(one, expected_version=1)))

    def call_off(self) -> None:
        found = self.world.look(TO_CANCEL)
        if found:
            _, order_id, account_id, line_id, units = self.random.choice(found)
            able, some = self._able(account_id), {line_id: self.random.randint(1, units)}
            off = TakenOff("stock", some if self.random.random() < 0.6 else None)
            key = self._key("call off")
            self._give(Command(key, lambda tx: cancelling.cancel(tx, order_id, off, able)))

    def give_back(self) -> None:
        found = self.world.look(ORDERS)
        if found:
            _, order_id, account_id, total = self.random.choice(found)
            able, key = self._able(account_id), self._key("give back")
            asked = Asked(self.random.randint(1, max(1, int(total))), "asked")
            self._give(Command(key, lambda tx: refunding.give(tx, order_id, asked, able)))

    def tell_again(self) -> None:
        found = self.world.look(REFUSED)
        if found:
            self._tell_again(*self.random.choice(found)[1:])

    def _tell_again(self, what: str, number: int) -> None:
        key = self._key(f"tell again {what}")
        self._give(Command(key, lambda tx: TELL_AGAIN[what](tx, number)))

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
        key = self._key("goods back")
        fact = Refunded(account_id, key, "EUR", 500, world.clock.now, order_id)
        self._give(Command(key, lambda tx: returns.record_refund(tx, fact, [goods]), {sku: units}))

    # -- accounts ----------------------------------------------------------------------------------

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
            self._give(Command(self._key(f"ask {kind}"), ask))

    def hold(self) -> None:
        """An account is put on hold, or one that is gets released."""
        world = self.world
        shop = self._shop()
        account_id = world.accounts[shop.name]
        if self._at_it(shop.name):
            return
        if account_id in world.watch.modes:
            self._release(account_id, shop.name)
            return
        mode = self.random.choice((accounts.SHADOW, accounts.PAUSED))

        def noted() -> None:
            world.watch.modes[account_id] = (mode, world.clock.seconds)

        world.dice.injected["account held"] += 1
        work = partial(accounts.set_mode, number=account_id, mode=mode)
        self._try(Command(f"hold {shop.name}", work, then=noted, again=False))

    def _release(self, account_id: int, name: str) -> None:
        self.world.watch.modes.pop(account_id, None)
        work = partial(accounts.set_mode, number=account_id, mode=accounts.LIVE)
        self._try(Command(f"release {name}", work, again=False))

    def _at_it(self, name: str) -> bool:
        """Somebody is changing this account already."""
        mine = {f"{what} {name}" for what in ("hold", "release", "authorise")}
        return any(task.name in mine for task in self.world.scheduler.tasks)

    def authorise(self) -> None:
        """A person has the shop give new tokens, and types them in."""
        shop = self._shop()
        if not self._at_it(shop.name):
            self.world.dice.injected["authorised anew"] += 1
            self._authorise(shop.name)

    def _authorise(self, name: str) -> None:
        world = self.world
        account_id, gate = world.accounts[name], world.gates[name]
        pair = gate.authorise()
        gate.taken_away = True
        given = {"access": Secret(pair.access), "refresh": Secret(pair.refresh)}

        def typed_in(tx: Transaction) -> None:
            accounts.renew_credentials(tx, world.carrier.keyring, account_id, given)
            resuming.reset(tx, account_id)

        def known() -> None:
            gate.taken_away = gate.pair != pair and gate.taken_away

        self._try(Command(f"authorise {name}", typed_in, then=known, again=False))

    def put_right(self) -> None:
        """Before it gets quiet: accounts are released and authorised, what was refused is told once
        more, and commands whose answer did not come are given again."""
        world = self.world
        while self.unsure:
            self._try(self.unsure.pop())
            world.scheduler.finish()
        for name, account_id in world.accounts.items():
            self._release(account_id, name)
            world.scheduler.finish()
            if world.gates[name].taken_away:
                self._authorise(name)
                world.scheduler.finish()
        for _, what, number in world.look(REFUSED):
            self._tell_again(what, number)
            world.scheduler.finish()

    # -- how they do it ----------------------------------------------------------------------------

    def _able(self, account_id: int) -> Abilities:
        name = self.world.name_of(account_id)
        kind = self.world.shops[name].kind
        return connecting.abilities(self.world.carrier.declaration(f"simulated_{kind}"))

    def _key(self, what: str) -> str:
        self.commands += 1
        return f"{what} {self.commands}"

    def _shop(self) -> Shop:
        return self.random.choice(list(self.world.shops.values()))

    def _few(self) -> int:
        return self.random.choice((1, 1, 1, 2, 3))

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
                command.then()
            elif isinstance(error, Crash):
                self.unsure += [command] * command.again
            elif error is not None and not isinstance(error, HubError):
                world.broken(f"{command.name} broke: {error!r}")

        world.scheduler.start(command.name, work, ended=ended)
