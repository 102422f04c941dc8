"""What a clerk does after a sale, and what becomes of it at the shop."""

from __future__ import annotations

from functools import partial
from typing import Any

from connectors.catalog import channel
from connectors.simulators.shop import Sale
from hub.aftersales import refunding
from hub.channels import connecting
from hub.sales import cancelling, shipments
from hub.sales.cancelling import Cancellation, TakenOff
from hub.sales.shipments import Correction, Leaving, Shipment
from sync import outbox
from tests.pump import World

ABLE = connecting.abilities(channel("memory"))
DHL = Leaving("DHL", "JD01")


def order_id(world: World, key: str) -> int:
    return int(world.query("SELECT id FROM sales_order WHERE external_id = :k", k=key)[0][0])


def bought(world: World, units: int = 3, name: str = "north") -> str:
    """An order that the hub has taken in; its key at the shop."""
    key = world.buy(name, ("MUG", units))
    world.pump()
    return key


def ship(world: World, key: str, leaving: Leaving = DHL) -> Shipment:
    send = partial(shipments.ship, order_id=order_id(world, key), leaving=leaving, able=ABLE)
    return world.database.command(world.seller_id, send)


def correct(world: World, number: int, version: int = 1, **change: str) -> Shipment:
    given = Correction(**change)
    return world.database.command(
        world.seller_id,
        lambda tx: shipments.correct(tx, number, given, ABLE, expected_version=version),
    )


def cancel(world: World, key: str, units: int | None = None) -> Cancellation:
    lines = None if units is None else {line_id(world, key): units}
    wanted = TakenOff("out of stock", lines)
    take_off = partial(cancelling.cancel, order_id=order_id(world, key), wanted=wanted, able=ABLE)
    return world.database.command(world.seller_id, take_off)


def give_back(world: World, key: str, amount: int) -> refunding.Refund:
    asked = refunding.Asked(amount, "it came late")
    give = partial(refunding.give, order_id=order_id(world, key), asked=asked, able=ABLE)
    return world.database.command(world.seller_id, give)


def line_id(world: World, key: str) -> int:
    found = world.query("SELECT id FROM order_line WHERE order_id = :o", o=order_id(world, key))
    return int(found[0][0])


def tell(world: World) -> int:
    """One run of the job; what is put off stays so. Answers how many things the shop took."""
    return outbox.tell(world.carrier, world.seller_id, world.accounts["north"])


def at_shop(world: World, key: str, name: str = "north") -> Sale:
    sale = world.shops[name].shop.order(key)
    assert sale is not None
    return sale


def boxes(world: World) -> list[tuple[Any, ...]]:
    return world.query("SELECT kind, version, state FROM outbox ORDER BY id")


def state(world: World, table: str) -> list[str]:
    return [row[0] for row in world.query(f"SELECT state FROM {table} ORDER BY id")]
