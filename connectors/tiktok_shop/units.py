"""The units of one order as TikTok Shop has them now: in which package, sent or taken off.

Every call after a sale reads this first, so that what was done before is not done again. A unit's
line item carries its package; for sellers in the United States and the United Kingdom there is none
before it is sent. https://partner.tiktokshop.com/docv2/page/get-order-detail
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from connectors.errors import ProtocolError, RejectedError
from connectors.fields import Unreadable
from connectors.postsale import ParcelLine
from connectors.records import OrderStatus
from connectors.tiktok_shop import answers, mapping
from connectors.tiktok_shop.client import Client
from connectors.tiktok_shop.fields import Record
from connectors.tiktok_shop.operations import ORDERS_BY_ID


class Unit(NamedTuple):
    """``told``: sent, or arranged to be fetched; ``provider`` is the carrier's id."""

    key: str
    package: str
    number: str
    provider: str
    told: bool
    gone: bool

    @property
    def open(self) -> bool:
        return not self.told and not self.gone


class Standing(NamedTuple):
    """``platform``: TikTok's carrier fetches the goods, under TikTok's own label and number."""

    key: str
    status: OrderStatus
    units: tuple[Unit, ...]
    platform: bool
    by_channel: bool
    delivery_option: str

    @property
    def open(self) -> tuple[Unit, ...]:
        return tuple(one for one in self.units if one.open)

    def named(self, lines: Iterable[ParcelLine]) -> tuple[Unit, ...]:
        """The units of these lines, of which each is one. Raises RejectedError."""
        known = {one.key: one for one in self.units}
        found = []
        for line in lines:
            if line.line_key not in known:
                said = f"the order has no line item {line.line_key}"
                raise RejectedError(said, code="unknown_line", field="lines")
            if line.quantity > 1:
                said = f"a line item is one unit, {line.quantity} are wanted of {line.line_key}"
                raise RejectedError(said, code="too_many_units", field="lines")
            found += [known[line.line_key]] if line.quantity else []
        return tuple(found)

    def packed_in(self, package: str) -> tuple[Unit, ...]:
        return tuple(one for one in self.units if one.package == package)


def of(client: Client, order_key: str) -> Standing:
    """Raises RejectedError where the shop has no such order."""
    data = client.run(ORDERS_BY_ID, {"ids": order_key})
    try:
        for one in answers.listed(data, "orders"):
            standing = read(one)
            if standing.key == order_key:
                return standing
    except Unreadable as error:
        raise ProtocolError(f"the order cannot be read: {error}", code="bad_record") from error
    raise RejectedError(f"the shop has no order {order_key}", code="unknown_order")


def read(data: object) -> Standing:
    """Raises Unreadable."""
    order = Record(data)
    return Standing(
        key=order.text("id"),
        status=mapping.STATUS.get(order.text("status"), OrderStatus.HELD),
        units=tuple(_unit(one, order) for one in order.parts_if_any("line_items")),
        platform=order.words("shipping_type") == "TIKTOK",
        by_channel=mapping.BY_CHANNEL.get(order.words("fulfillment_type"), False),
        delivery_option=order.words("delivery_option_id"),
    )


def _unit(unit: Record, order: Record) -> Unit:
    gone = mapping.gone(unit, order)
    arranged = mapping.unit_word(unit, order) == mapping.ARRANGED and not gone
    return Unit(
        key=unit.text("id"),
        package=unit.words("package_id"),
        number=unit.words("tracking_number"),
        provider=unit.words("shipping_provider_id"),
        told=arranged or mapping.sent(unit, order),
        gone=gone,
    )
