"""What a shop does with an order after it was placed: send it, take units off it, pay it back.

Pure: each answers the order as it is then, or raises Refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from connectors.postsale import Parcel, Refund
from connectors.records import OrderStatus
from connectors.simulators.trade import Refused, Sale, SaleLine


def shipped(sale: Sale, parcel: Parcel) -> Sale:
    """With one parcel more; its lines by line key, no lines = all that is open."""
    units = {one.line_key: one.quantity for one in parcel.lines} or _open(sale)
    if sale.cancelled_at is not None:
        raise Refused("the order is cancelled")
    if not units:
        raise Refused("nothing is left to send")
    lines = _changed(sale, units, lambda line, n: replace(line, shipped=line.shipped + n))
    status = OrderStatus.PART_SHIPPED if any(one.open for one in lines) else OrderStatus.SHIPPED
    return replace(sale, lines=lines, status=status, parcels=(*sale.parcels, parcel))


def corrected(sale: Sale, external_id: str, carrier: str, number: str, url: str = "") -> Sale:
    """With another carrier and number on a parcel that was told before."""
    if external_id not in {one.external_id for one in sale.parcels}:
        raise Refused("no such parcel")
    parcels = tuple(
        replace(one, carrier=carrier, tracking_number=number, tracking_url=url)
        if one.external_id == external_id
        else one
        for one in sale.parcels
    )
    return replace(sale, parcels=parcels)


def reduced(sale: Sale, units: Mapping[str, int]) -> Sale:
    """With so many units of each line taken off; by line key."""
    lines = _changed(sale, units, lambda line, n: replace(line, cancelled=line.cancelled + n))
    return replace(sale, lines=lines)


def refunded(sale: Sale, refund: Refund) -> Sale:
    if refund.amount < 0 or sale.refunded + refund.amount > sale.total:
        raise Refused("more than was paid")
    return replace(sale, refunds=(*sale.refunds, refund))


def _open(sale: Sale) -> dict[str, int]:
    return {line.key: line.open for line in sale.lines if line.open}


def _changed(
    sale: Sale, units: Mapping[str, int], change: Callable[[SaleLine, int], SaleLine]
) -> tuple[SaleLine, ...]:
    unknown = units.keys() - {line.key for line in sale.lines}
    if unknown:
        raise Refused(f"no such line: {min(unknown)}")
    for line in sale.lines:
        if not 0 <= units.get(line.key, 0) <= line.open:
            raise Refused(f"{line.sku}: {units[line.key]} wanted, {line.open} open")
    return tuple(
        change(line, units[line.key]) if units.get(line.key) else line for line in sale.lines
    )
