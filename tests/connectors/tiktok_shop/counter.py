"""A sale at the simulated shop as the connector sees it, and parcels of its units."""

from __future__ import annotations

from datetime import UTC, datetime

from connectors.base import Connector
from connectors.postsale import Parcel, ParcelLine
from connectors.records import ChannelOrder
from connectors.testing import Rig


def bought_at(rig: Rig, connector: Connector, *lines: tuple[str, int]) -> ChannelOrder:
    sale = rig.shop.buy(lines)
    (order,) = connector.fetch_orders([sale.key]).items
    return order


def one_of(
    order: ChannelOrder, *units: int, number: str = "JD0146", carrier: str = "DHL"
) -> Parcel:
    """A parcel with the units at these places of the order."""
    return Parcel(
        order_key=order.external_id,
        parcel_key=f"parcel-{number}",
        carrier=carrier,
        tracking_number=number,
        shipped_at=datetime.now(UTC),
        lines=tuple(ParcelLine(order.lines[place].external_id, 1) for place in units),
    )
