"""Disagreements as they happen at shops, settled as support settles them: through the API.

The demo stages one of each kind that can be resolved: it does to the simulated shops what people
and channels do to real ones, waits until the hub has noticed, shows what the action would change,
takes it, and waits until the record is closed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import click
import requests

from connectors.simulators.server import Simulator
from sync.opening import say

PATIENCE = 60.0
SECONDS = 10.0
OPEN = ("open", "in_progress")
#: Goods of these SKUs are for what is staged here: nobody else buys them.
PREFIX = "CASE-"
TEA, LAST, GAME = "CASE-TEA", "CASE-LAST", "CASE-GAME"
#: What shops sell besides their other goods: (SKU, title, units the shop shows, units in the hub).
GOODS = (
    (TEA, "Assam tea", 9, 12),
    (LAST, "Last of its kind", 1, 1),
    (GAME, "A game, by activation key", 1, 1),
)
Json = Any


class Desk:
    """A member of support at the API."""

    def __init__(self, web: str, token: str) -> None:
        self._base = f"{web}/api/v1"
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **query: Any) -> tuple[Json, str]:
        """The answer and its ETag."""
        return self._call("GET", path, params=query)

    def post(self, path: str, body: Mapping[str, Any], tag: str = "") -> Json:
        """Once, though it may be sent twice: each call has a key of its own."""
        headers = {"Idempotency-Key": str(uuid4())} | ({"If-Match": tag} if tag else {})
        return self._call("POST", path, json=body, headers=headers)[0]

    def _call(self, method: str, path: str, **options: Any) -> tuple[Json, str]:
        answer = self._http.request(method, self._base + path, timeout=SECONDS, **options)
        if not answer.ok:
            raise click.ClickException(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json(), answer.headers.get("ETag", "")


@dataclass(frozen=True, slots=True)
class Action:
    """What support does about it."""

    verb: str
    arguments: Mapping[str, Any]
    reason: str = ""

    @property
    def asked(self) -> dict[str, Any]:
        return {"verb": self.verb, "arguments": dict(self.arguments)}


@dataclass(slots=True)
class Casework:
    """``web`` is a Shopify shop, ``social`` shares its goods, ``app`` sells what has keys."""

    desk: Desk
    web: Simulator
    social: Simulator
    social_account: int
    app: Simulator
    _unread: str = ""

    def run(self) -> int:
        """Every kind once; answers how many were resolved."""
        self._out_of_keys()
        stages = (
            self._unknown_goods,
            self._unknown_listing,
            self._last_unit,
            self._changed_by_hand,
            self._unreadable_order,
            self._revoked,
        )
        return sum(stage() for stage in stages)

    def tidy(self) -> None:
        """However it was interrupted: nothing of what was staged is left to stand in the way."""
        self.web.faults.clear()
        if self._unread:
            self._renumber()
        number = self._open("auth_expired")
        if number:
            tag = self.desk.get(f"/conflicts/{number}")[1]
            body = {"verb": "retry", "arguments": {}}
            self.desk.post(f"/conflicts/{number}/resolve", body, tag)

    # -- what happens at shops ---------------------------------------------------------------

    def _out_of_keys(self) -> None:
        """The web shop sells the last key of a game: the app switches it off, and on again when
        there are keys."""
        self.web.shop.buy([(GAME, 1)])
        _until(lambda: self.app.shop.quantity(GAME) == 0, f"{GAME} is switched off in the app")
        say(f"{GAME}: its last key is sold at the web shop, and the app has switched it off")
        listed = self.desk.get("/products", limit=200)[0]["items"]
        (number,) = (one["id"] for one in listed if one["sku"] == GAME)
        new = {"location": "MAIN", "keys": [f"{GAME}-{uuid4()}" for _ in range(2)]}
        self.desk.post(f"/products/{number}/keys", new)
        _until(lambda: self.app.shop.quantity(GAME) == 1, f"{GAME} is switched on again")
        say(f"{GAME}: two keys are added through the API, and it is on again")

    def _unknown_goods(self) -> bool:
        """The web shop sells the same mug under another SKU, which the hub has never heard of."""
        self.web.shop.add_variant(PREFIX + "MUG", "Enamel mug, gift box", 1_900, 3)
        self.web.shop.buy([(PREFIX + "MUG", 1)])
        return self._settle("order_line_unmapped", Action("link", {"sku": "HUB-001"}))

    def _unknown_listing(self) -> bool:
        """The social shop lists something new, and nobody has bought it yet."""
        self.social.shop.add_variant(PREFIX + "NEW", "Something new", 2_500, 4)
        path = f"/accounts/{self.social_account}/requests"
        self.desk.post(path, {"kind": "listings", "argument": {}})
        return self._settle("listing_unmapped", Action("create", {}))

    def _last_unit(self) -> bool:
        """Two shops sell the last unit at once, before either can be told. One came late, by
        chance, and the hub tells that shop that the order is called off."""
        shops = (self.web.shop, self.social.shop)
        _until(lambda: all(shop.quantity(LAST) == 1 for shop in shops), f"{LAST} is on sale")
        for shop in shops:
            shop.buy([(LAST, 1)])
        action = Action("cancel_units", {}, "sold twice at once; the buyer has been told")
        return self._settle("oversold", action)

    def _changed_by_hand(self) -> bool:
        """Somebody types a number into the web shop's own stock page."""
        variant = self.web.shop.variant(TEA)
        self._adjust(TEA, 1)
        _until(lambda: self.web.shop.quantity(TEA) == 13, f"{TEA} was pushed")
        self.web.faults.next("rate_limited", times=6, where="SetStock")
        self.web.shop.set_quantity(variant.inventory_key, 40)
        action = Action("accept_channel", {"units": 40}, "counted on the shelf: 40")
        return self._settle("stock_drift", action)

    def _unreadable_order(self) -> bool:
        """The web shop sends an order with a byte in its number that no text may hold."""
        shop = self.web.shop
        with shop.lock:
            numbered, shop.order_number = shop.order_number, lambda n: f"#{n}\0"
            self._unread = shop.buy([("HUB-002", 1)]).key
            shop.order_number = numbered
        return self._settle("poison_record", Action("retry", {}), before=self._renumber)

    def _renumber(self) -> None:
        self.web.shop.renumber(self._unread, f"#{self._unread[-6:]}")
        self._unread = ""

    def _revoked(self) -> bool:
        """The web shop takes the hub's access away, and gives it back."""
        self.web.faults.next("unauthorized", times=1_000_000)
        self.web.shop.buy([("HUB-003", 1)])
        return self._settle("auth_expired", Action("retry", {}), before=self.web.faults.clear)

    # -- what support does -------------------------------------------------------------------

    def _adjust(self, sku: str, units: int) -> None:
        line = {"sku": sku, "location": "MAIN", "change": units}
        body = {"key": f"case-{uuid4()}", "reason": "found on the shelf", "lines": [line]}
        self.desk.post("/stock/adjustments", body)

    def _settle(
        self, kind: str, action: Action, before: Callable[[], object] = lambda: None
    ) -> bool:
        """``before`` is what had to be set right at the shop first. False where the conflict had
        closed by itself meanwhile, which is as good for the seller."""
        number = _until(lambda: self._open(kind), f"{kind} is seen")
        found, tag = self.desk.get(f"/conflicts/{number}")
        offered = ", ".join(one["verb"] for one in found["actions"])
        say(f"[yellow]{kind}[/]: {found['summary']}")
        say(f"  may be done: {offered}")
        before()
        found, tag = self.desk.get(f"/conflicts/{number}")
        if found["state"] not in OPEN:
            say("  it has closed by itself")
            return False
        shown = self.desk.post(f"/conflicts/{number}/preview", action.asked)
        for one in shown["changes"]:
            say(f"  {action.verb} would change {one['name']}: {one['before']} → {one['after']}")
        self.desk.post(
            f"/conflicts/{number}/resolve", {**action.asked, "reason": action.reason}, tag
        )
        state = _until(lambda: self._closed(number), f"{kind} is closed")
        say(f"  {action.verb}: {state}")
        return True

    def _open(self, kind: str) -> int | None:
        for state in OPEN:
            found = self.desk.get("/conflicts", kind=kind, state=state)[0]["items"]
            if found:
                return int(found[-1]["id"])
        return None

    def _closed(self, number: int) -> str | None:
        state = str(self.desk.get(f"/conflicts/{number}")[0]["state"])
        return None if state in OPEN else state


def _until(look: Callable[[], Any], what: str) -> Any:
    """What ``look`` answers once it is something. Raises ClickException."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise click.ClickException(f"waited {PATIENCE:.0f} s in vain until {what}")
