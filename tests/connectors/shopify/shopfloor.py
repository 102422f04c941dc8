"""A shop with goods and an order, and what the hub would tell it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeVar

from connectors.postsale import Parcel, ParcelLine
from connectors.shopify import CHANNEL
from connectors.shopify.connector import ShopifyConnector
from connectors.shopify.nodes import Node
from connectors.shopify.simulator import ShopifySimulator
from connectors.simulators.shop import Sale
from connectors.testing import Rig

T = TypeVar("T")


class Fixed:
    """A node whose lists are all there: a client that is asked for the rest fails."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.node = Node(data)

    def read(self, reading: Callable[[Any, Node], T]) -> T:
        return reading(self, self.node)

    def run(self, *asked: object) -> NoReturn:
        raise AssertionError(f"it is all there: {asked}")


class Floor:
    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.shop = rig.shop
        found = rig.simulator
        assert isinstance(found, ShopifySimulator)
        self.simulator = found
        rig.stock_up(60)

    def connector(self, **settings: str) -> ShopifyConnector:
        """As if after a restart."""
        found = self.rig.connector()
        assert isinstance(found, ShopifyConnector)
        if not settings:
            return found
        found.connection.settings = settings
        return ShopifyConnector(found.connection)

    def buy(self, *units: int) -> Sale:
        """An order with a line for each number of units."""
        return self.shop.buy([(f"SKU-{n}", count) for n, count in enumerate(units)])

    def sale(self, key: str) -> Sale:
        found = self.shop.order(key)
        assert found is not None
        return found

    def asked(self, operation: str) -> int:
        return self.simulator.requests[operation]


@contextmanager
def floor(**options: Any) -> Iterator[Floor]:
    with Rig(CHANNEL, ShopifySimulator(restore_rate=10_000, **options), timeout=2) as rig:
        yield Floor(rig)


def order_key(sale: Sale) -> str:
    return f"gid://shopify/Order/{sale.key}"


def lines(sale: Sale, units: Sequence[int]) -> tuple[ParcelLine, ...]:
    return tuple(
        ParcelLine(f"gid://shopify/LineItem/{line.key}", count)
        for line, count in zip(sale.lines, units, strict=True)
        if count
    )


def parcel(
    sale: Sale, *units: int, number: str = "JD1", carrier: str = "DHL", **given: Any
) -> Parcel:
    """All of the order, or so many units of each line."""
    counts = units or tuple(line.quantity for line in sale.lines)
    told = {"parcel_key": "p1", "shipped_at": datetime.now(UTC), **given}
    return Parcel(
        order_key=order_key(sale),
        carrier=carrier,
        tracking_number=number,
        lines=lines(sale, counts),
        **told,
    )
