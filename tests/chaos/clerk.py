"""A clerk at the API: books goods in, sends parcels, pays back, cancels, asks channels for things.

Each call has a key, and is made again and again until it is told what came of it: how a client
calls that must neither give up nor do it twice.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from threading import Event, Thread
from time import sleep
from typing import Any, NamedTuple

import requests
from sqlalchemy.exc import SQLAlchemyError

from hub import auth
from hub.api.repeats import HEADER, REPLAYED
from hub.errors import HubError
from hub.idempotency import KeyInUse
from tests.pump import World

#: Answers that say to come again with the same key.
AGAIN = frozenset({408, 425, 429})
NEWEST = "SELECT id FROM sales_order ORDER BY id DESC LIMIT 40"


class Call(NamedTuple):
    """``effect`` is how it is counted; ``sku`` and ``units`` what it books in."""

    effect: str
    path: str
    body: dict[str, Any]
    sku: str = ""
    units: int = 0


class Clerk:
    """``done`` counts calls that had their effect, ``booked`` units by SKU."""

    def __init__(self, world: World, seed: int, pause: float = 0.1) -> None:
        self.world = world
        self.pause = pause
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.booked: Counter[str] = Counter()
        self.again = 0
        self.replayed = 0
        self._seed = seed
        self._made = 0
        self._chance = random.Random(f"clerk/{seed}")
        with world.database.transaction(world.seller_id) as tx:
            token = auth.issue_token(tx, f"clerk {seed}", "support").reveal()
        self._headers = {"Authorization": f"Bearer {token}"}
        self._stop = Event()
        self._thread: Thread | None = None
        self._ways: dict[Callable[[str], Call | None], int] = {
            self._book_in: 5,
            self._send: 4,
            self._ask: 4,
            self._pay_back: 2,
            self._cancel: 1,
        }

    def start(self) -> None:
        self._stop.clear()
        self._thread = Thread(target=self._work, daemon=True, name="clerk")
        self._thread.start()

    def stop(self) -> None:
        """After the call that is under way."""
        self._stop.set()

    def finished(self) -> bool:
        return self._thread is None or not self._thread.is_alive()

    def _work(self) -> None:
        while not self._stop.is_set():
            key = f"{self._seed}-{self._made}"
            self._made += 1
            call = self._next(key)
            if call is not None:
                while not self._made_it(key, call):
                    self.again += 1
                    sleep(0.1)
            self._stop.wait(self.pause * self._chance.uniform(0.3, 1.7))

    def _next(self, key: str) -> Call | None:
        way = self._chance.choices(list(self._ways), list(self._ways.values()))[0]
        try:
            return way(key)
        except (HubError, SQLAlchemyError):
            return None  # no order could be looked up

    def _made_it(self, key: str, call: Call) -> bool:
        """Whether the clerk knows what came of it."""
        url = f"{self.world.doorway.url}/api/v1/{call.path}"
        headers = {**self._headers, HEADER: key}
        try:
            told = requests.post(url, json=call.body, headers=headers, timeout=2.0)
        except requests.RequestException:
            return False
        busy = told.status_code == 409 and told.json().get("code") == KeyInUse.code
        if told.status_code >= 500 or told.status_code in AGAIN or busy:
            return False
        self.replayed += REPLAYED in told.headers
        if told.status_code >= 400:
            self.refused[call.effect] += 1
            return True
        self.done[call.effect] += 1
        self.booked[call.sku] += call.units
        return True

    # -- what there is to do -------------------------------------------------------------------

    def _book_in(self, key: str) -> Call:
        shop = next(iter(self.world.shops.values())).shop
        sku = self._chance.choice([one.sku for one in shop.variants])
        units = self._chance.randrange(5, 25)
        line = {"sku": sku, "location": "MAIN", "change": units}
        body = {"key": key, "reason": "goods receipt", "lines": [line]}
        return Call("booking", "stock/adjustments", body, sku, units)

    def _ask(self, key: str) -> Call:
        name = self._chance.choice(sorted(self.world.accounts))
        kind = self._chance.choice(("test", "test", "orders", "listings", "subscribe"))
        path = f"accounts/{self.world.accounts[name]}/requests"
        return Call(f"request {kind}", path, {"kind": kind})

    def _send(self, key: str) -> Call | None:
        body = {"carrier": "Royal Mail", "tracking_number": f"RM{key}"}
        return self._about_an_order("shipment", "shipments", body)

    def _pay_back(self, key: str) -> Call | None:
        body = {"amount": self._chance.randrange(1, 90), "reason": "a scratch"}
        return self._about_an_order("refund", "refunds", body)

    def _cancel(self, key: str) -> Call | None:
        return self._about_an_order("cancellation", "cancellations", {"reason": "not wanted"})

    def _about_an_order(self, effect: str, path: str, body: dict[str, Any]) -> Call | None:
        found = [int(row[0]) for row in self.world.query(NEWEST)]
        if not found:
            return None
        return Call(effect, f"orders/{self._chance.choice(found)}/{path}", body)
