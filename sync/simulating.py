"""Simulated shops to rehearse on: stocked, opened, bought from."""

from __future__ import annotations

import random
import shlex
from collections.abc import Mapping
from threading import Event, Thread

import click

from connectors.base import load
from connectors.catalog import channel
from connectors.simulators.server import Simulator
from connectors.simulators.shop import OutOfStock, Shop

GOODS = (
    "Enamel mug", "Linen apron", "Oak board", "Wool throw", "Brass hook", "Tea towel",
    "Soy candle", "Glass jar", "Bread knife", "Cork mat", "Clay pot", "Wicker basket",
    "Copper pan", "Salt cellar", "Garden twine", "Cotton tote", "Bamboo tray", "Stone vase",
    "Felt slippers", "Paper lantern",
)  # fmt: skip


def open_shop(channel_name: str, name: str, currency: str = "GBP") -> Simulator:
    """A running simulated shop of a channel, with nothing in it."""
    declared = channel(channel_name)
    if not declared.simulator:
        raise click.ClickException(f"{declared.title} has no simulator")
    simulator: Simulator = load(declared.simulator)(Shop(name, currency))
    simulator.start()
    return simulator


def stock_shop(shop: Shop, variants: int, quantity: int = 40, seed: int = 1) -> None:
    """Put goods on sale. Two shops given the same count sell the same SKUs."""
    prices = random.Random(seed)  # noqa: S311  # prices of make-believe goods
    for number in range(variants):
        title = GOODS[number % len(GOODS)]
        if number >= len(GOODS):
            title = f"{title} {number // len(GOODS) + 1}"
        price = prices.randrange(400, 9_000)
        shop.add_variant(f"HUB-{number + 1:03}", title, price, quantity, f"50{number:011}")


class Buyers:
    """People who keep buying from some shops, a little faster than one would wish. They leave goods
    alone whose SKU begins with ``not_for_them``; an app's buyers buy one thing at a time."""

    def __init__(
        self, shops: Mapping[str, Shop], *, pause: float, seed: int = 7, not_for_them: str = "\0"
    ) -> None:
        self.shops = shops
        self.not_for_them = not_for_them
        self.pause = pause
        self.bought = 0
        self.turned_away = 0
        self._random = random.Random(seed)  # noqa: S311  # make-believe buyers
        self._stop = Event()
        self._thread: Thread | None = None

    def buy_once(self) -> bool:
        """One purchase of one to three goods somewhere; False where the shelf was empty."""
        shop = self.shops[self._random.choice(sorted(self.shops))]
        shelf = [one for one in shop.variants if not one.sku.startswith(self.not_for_them)]
        most = self._random.choice((1, 1, 1, 2, 3)) if shop.counted else 1
        goods = self._random.sample(shelf, k=most)
        lines = [(one.sku, self._random.choice((1, 1, 2))) for one in goods]
        try:
            shop.buy(lines, buyer=self._someone())
        except OutOfStock:
            self.turned_away += 1
            return False
        self.bought += 1
        return True

    def _someone(self) -> dict[str, str]:
        number = self._random.randrange(1_000)
        return {"name": f"Buyer {number}", "email": f"buyer{number}@example.com"}

    def start(self, most: int | None = None) -> None:
        """Buy in the background, ``most`` times or until stopped."""

        def keep_buying() -> None:
            while not self._stop.is_set() and (most is None or self.bought < most):
                self.buy_once()
                self._stop.wait(self.pause * self._random.uniform(0.3, 1.7))

        self._thread = Thread(target=keep_buying, daemon=True, name="buyers")
        self._thread.start()

    def finished(self) -> bool:
        return self._thread is not None and not self._thread.is_alive()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=5)


def simulate(channel_name: str, port: int, variants: int, stop: Event) -> None:
    """Serve one simulated shop until told to stop; says how to connect it."""
    declared = channel(channel_name)
    if not declared.simulator:
        raise click.ClickException(f"{declared.title} has no simulator")
    simulator: Simulator = load(declared.simulator)(Shop("Rehearsal", "GBP"), port=port)
    stock_shop(simulator.shop, variants)
    with simulator:
        values = {**simulator.credentials(), **simulator.settings()}
        given = " ".join(
            f"--set {shlex.quote(f'{name}={value}')}" for name, value in values.items()
        )
        click.echo(f"{declared.title} rehearsal shop at {simulator.url}, {variants} variants.")
        click.echo(f"Allow it (the hub's own configuration): HUB_LOOPBACK={simulator.address}")
        click.echo(f"hub connect {channel_name} rehearsal --base-url {simulator.url} {given}")
        buyers = Buyers({"rehearsal": simulator.shop}, pause=2.0)
        buyers.start()
        stop.wait()
        buyers.stop()
