"""Shipments: what left in which parcel, and telling the channel of it.

The goods leave in the ledger, the document and the channel's copy of it are written in one
transaction. A shipment is a fact: it stands whatever the channel answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import BigInteger, case, cast, func, insert, literal, select

from hub.channels import accounts, outbox
from hub.channels.models import outbox as outbox_table
from hub.channels.telling import SHIP, Abilities, Parcel, Units
from hub.db import Transaction, params, rows
from hub.errors import Conflict, InvalidInput, NotFound, StaleVersion
from hub.inventory import claims
from hub.inventory.allocating import Share
from hub.inventory.keys import keyed_among
from hub.sales import fulfilment, holding, orders
from hub.sales.lines import DOCUMENT, LineState
from hub.sales.models import order_line, shipment, shipment_line
from hub.sales.orders import Order

OWN, WAITING, TOLD, REFUSED = "own", "waiting", "told", "refused"


class Leaving(NamedTuple):
    """What is handed to a carrier. ``lines``: line id → units; None = all that is allocated."""

    carrier: str
    tracking_number: str = ""
    tracking_url: str = ""
    shipped_at: datetime | None = None
    lines: Mapping[int, int] | None = None


class Shipment(NamedTuple):
    """``state``: own (the channel is not told), waiting, told, refused."""

    id: int
    order_id: int
    account_id: int
    key: str
    number: str
    carrier: str
    tracking_number: str
    tracking_url: str
    shipped_at: datetime
    external_id: str
    state: str
    version: int
    made_at: datetime


class Sent(NamedTuple):
    """So many units of an order line in a parcel; ``line_key`` is the channel's id of the line."""

    line_id: int
    line_key: str
    sku: str
    quantity: int


def ship(tx: Transaction, order_id: int, leaving: Leaving, able: Abilities) -> Shipment:
    """Send units of an order. Raises NotFound, InvalidInput naming the line, Conflict where nothing
    is there to be sent."""
    orders.get(tx, order_id)
    fulfilment.lock_orders(tx, [order_id])
    order, _ = orders.get(tx, order_id)  # as it is now that nobody else is at it
    every = holding.load_lines(tx, [order_id])
    units = _chosen(tx, every, leaving.lines)
    told = _is_told(tx, order, able)
    if told and not able.partial:
        _refuse_part(every, units)
    number = tx.ids(1)[0]
    shares = _shares(tx, units)
    keys = {order_id: posting_key(number)}
    fulfilment.ship(tx, every, shares, keys=keys)
    made = _write(tx, order, number, leaving, units, WAITING if told else OWN)
    if told:
        outbox.add(tx, order.account_id, order_id, number, _parcel(order, made, every, units))
    return made


def posting_key(number: int) -> str:
    return f"shipment:{number}"


def _chosen(
    tx: Transaction, every: Sequence[LineState], wanted: Mapping[int, int] | None
) -> dict[int, int]:
    """Line → units that leave. Those of keyed products leave with their keys alone."""
    lines = {line.id: line for line in every}
    keyed = keyed_among(tx, {one.product_id for one in every if one.product_id is not None})
    if wanted is None:
        found = {one.id: one.allocated for one in every if one.product_id not in keyed}
        found = {number: units for number, units in found.items() if units}
        if not found:
            raise Conflict("nothing of this order is allocated", code="nothing_to_ship")
        return found
    for place, (number, units) in enumerate(wanted.items()):
        line = lines.get(number)
        if line is None:
            raise InvalidInput(f"lines[{place}].line_id", "is no line of this order")
        if line.product_id in keyed:
            raise InvalidInput(f"lines[{place}].line_id", "is sold by activation keys: not shipped")
        if not 1 <= units <= line.allocated:
            raise InvalidInput(
                f"lines[{place}].quantity", f"must be 1 to {line.allocated}, what is allocated"
            )
    return dict(wanted)


def _is_told(tx: Transaction, order: Order, able: Abilities) -> bool:
    """The channel takes it, has not sent the goods itself, and is still ours to talk to."""
    if not able.ship or order.fulfilled_by_channel:
        return False
    return accounts.get(tx, order.account_id).mode != accounts.CLOSED


def _refuse_part(every: Sequence[LineState], units: Mapping[int, int]) -> None:
    stays = sum(one.held + one.pending - units.get(one.id, 0) for one in every)
    if stays or any(one.shipped for one in every):
        raise InvalidInput("lines", "this channel takes an order in one parcel: all of it, at once")


def _shares(tx: Transaction, units: Mapping[int, int]) -> list[Share]:
    left = dict(units)
    shares = []
    for share in claims.held(tx, DOCUMENT, sorted(units)):
        take = min(share.quantity, left[share.line_id])
        if take:
            left[share.line_id] -= take
            shares.append(share._replace(quantity=take))
    return shares


_COLUMNS = [shipment.c[name] for name in Shipment._fields]


def _write(
    tx: Transaction, order: Order, number: int, leaving: Leaving, units: Mapping[int, int], st: str
) -> Shipment:
    before = select(func.count()).where(
        shipment.c.seller_id == tx.seller_id, shipment.c.order_id == order.id
    )
    nth = int(tx.execute(before).scalar_one()) + 1
    made = tx.execute(
        insert(shipment)
        .values(
            seller_id=tx.seller_id,
            id=number,
            order_id=order.id,
            account_id=order.account_id,
            key=uuid4().hex,
            number=f"{order.number}-{nth}",
            carrier=leaving.carrier,
            tracking_number=leaving.tracking_number,
            tracking_url=leaving.tracking_url,
            shipped_at=leaving.shipped_at or datetime.now(UTC),
            state=st,
        )
        .returning(*_COLUMNS)
    ).one()
    sent = rows(("order_line_id", BigInteger), ("quantity", BigInteger))
    tx.execute(
        insert(shipment_line).from_select(
            ["seller_id", "shipment_id", "order_line_id", "quantity"],
            select(
                tx.seller, cast(literal(number), BigInteger), sent.c.order_line_id, sent.c.quantity
            ),
        ),
        params(order_line_id=list(units), quantity=list(units.values())),
    )
    return Shipment(*made)


def _parcel(
    order: Order, made: Shipment, every: Sequence[LineState], units: Mapping[int, int]
) -> Parcel:
    keys = {line.id: line.external_id for line in every}
    return Parcel(
        order.external_id,
        made.key,
        made.carrier,
        made.tracking_number,
        made.tracking_url,
        made.shipped_at,
        tuple(Units(keys[number], count) for number, count in units.items()),
    )


class Correction(NamedTuple):
    """None = it stays as it is."""

    carrier: str | None = None
    tracking_number: str | None = None
    tracking_url: str | None = None


def correct(
    tx: Transaction, number: int, change: Correction, able: Abilities, *, expected_version: int
) -> Shipment:
    """Another carrier or number on a parcel; the channel is told where it takes corrections, or has
    refused the parcel so far. Raises NotFound, StaleVersion."""
    fulfilment.lock_orders(tx, [get(tx, number)[0].order_id])
    present, sent = get(tx, number)
    if present.version != expected_version:
        raise StaleVersion(f"shipment {number} has been changed to version {present.version}")
    given = {name: value for name, value in change._asdict().items() if value is not None}
    if all(getattr(present, name) == value for name, value in given.items()):
        return present
    order, _ = orders.get(tx, present.order_id)
    again = _is_told(tx, order, able) and (able.corrects or present.state == REFUSED)
    state = WAITING if again else present.state
    now = Shipment(
        *tx.execute(
            shipment.update()
            .values(version=shipment.c.version + 1, state=state, **given)
            .where(shipment.c.seller_id == tx.seller_id, shipment.c.id == number)
            .returning(*_COLUMNS)
        ).one()
    )
    if again:
        lines = tuple(Units(one.line_key, one.quantity) for one in sent)
        told = (now.carrier, now.tracking_number, now.tracking_url, now.shipped_at)
        parcel = Parcel(order.external_id, now.key, *told, lines)
        outbox.add(tx, now.account_id, now.order_id, number, parcel, now.version)
    return now


def answered(tx: Transaction, number: int, version: int, state: str, external_id: str) -> None:
    """What the channel said of this version of a shipment. An older one's answer leaves the state
    to the newer."""
    newer = (
        select(outbox_table.c.id)
        .where(
            outbox_table.c.seller_id == tx.seller_id,
            outbox_table.c.kind == SHIP,
            outbox_table.c.subject_id == number,
            outbox_table.c.version > version,
        )
        .exists()
    )
    tx.execute(
        shipment.update()
        .values(
            state=case((newer, shipment.c.state), else_=state),
            external_id=external_id or shipment.c.external_id,
        )
        .where(shipment.c.seller_id == tx.seller_id, shipment.c.id == number)
    )


def tell_again(tx: Transaction, number: int) -> bool:
    """The channel is told once more of what it refused; False where it was not refused."""
    if not outbox.tell_again(tx, SHIP, number):
        return False
    mine = (shipment.c.seller_id == tx.seller_id) & (shipment.c.id == number)
    tx.execute(shipment.update().values(state=WAITING).where(mine))
    return True


_SENT = (
    select(
        shipment_line.c.shipment_id,
        shipment_line.c.order_line_id,
        order_line.c.external_id,
        order_line.c.sku,
        shipment_line.c.quantity,
    )
    .join(
        order_line,
        (order_line.c.seller_id == shipment_line.c.seller_id)
        & (order_line.c.id == shipment_line.c.order_line_id),
    )
    .order_by(shipment_line.c.shipment_id, shipment_line.c.order_line_id)
)


def get(tx: Transaction, number: int) -> tuple[Shipment, list[Sent]]:
    """A shipment and what is in it. Raises NotFound."""
    found = tx.execute(
        select(*_COLUMNS).where(shipment.c.seller_id == tx.seller_id, shipment.c.id == number)
    ).one_or_none()
    if found is None:
        raise NotFound(f"no shipment {number}")
    return Shipment(*found), _sent(tx, [number])[number]


def of_order(tx: Transaction, order_id: int) -> list[tuple[Shipment, list[Sent]]]:
    """An order's shipments, the first first. Raises NotFound for the order."""
    orders.get(tx, order_id)
    found = tx.execute(
        select(*_COLUMNS)
        .where(shipment.c.seller_id == tx.seller_id, shipment.c.order_id == order_id)
        .order_by(shipment.c.id)
    )
    made = [Shipment(*row) for row in found]
    sent = _sent(tx, [one.id for one in made])
    return [(one, sent[one.id]) for one in made]


def _sent(tx: Transaction, ids: Sequence[int]) -> dict[int, list[Sent]]:
    found: dict[int, list[Sent]] = {number: [] for number in ids}
    if ids:
        mine = _SENT.where(
            shipment_line.c.seller_id == tx.seller_id,
            shipment_line.c.shipment_id == func.any(list(ids)),
        )
        for number, *rest in tx.execute(mine):
            found[number].append(Sent(*rest))
    return found
