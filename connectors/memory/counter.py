"""Sending, cancelling and paying back at the in-memory shop: once for one key, or RejectedError."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from connectors.errors import RejectedError
from connectors.memory.simulator import MemorySimulator
from connectors.postsale import Cancellation, Parcel, Refund
from connectors.simulators.shop import Refused, Sale


def ship(at: MemorySimulator, parcel: Parcel) -> str:
    with _asked(at, parcel.order_key) as sale:
        if not parcel.external_id:
            return at.shop.ship(sale.key, parcel).external_id
        told = (parcel.carrier, parcel.tracking_number, parcel.tracking_url)
        at.shop.correct_parcel(sale.key, parcel.external_id, *told)
        return parcel.external_id


def cancel(at: MemorySimulator, given: Cancellation) -> None:
    with _asked(at, given.order_key) as sale:
        if given.cancel_key in at.done:
            return
        if given.lines:
            at.shop.take_off(sale.key, {one.line_key: one.quantity for one in given.lines})
        elif any(line.shipped for line in sale.lines):
            raise Refused("it has been sent")
        else:
            at.shop.cancel(sale.key)
        at.done.add(given.cancel_key)


def refund(at: MemorySimulator, given: Refund) -> Refund:
    """The shop keeps our key as the reason's reference, and knows it again."""
    with _asked(at, given.order_key) as sale:
        known = [one for one in sale.refunds if one.raw.get("key") == given.external_id]
        marked = replace(given, raw={"key": given.external_id})
        return known[0] if known else at.shop.refund(sale.key, marked)


def refunds(at: MemorySimulator, since: datetime) -> tuple[Refund, ...]:
    """Those given at or after a moment, the oldest first."""
    found = [one for sale in at.shop.orders for one in sale.refunds if one.refunded_at >= since]
    return tuple(sorted(found, key=lambda one: one.refunded_at))


@contextmanager
def _asked(at: MemorySimulator, order_key: str) -> Iterator[Sale]:
    with at.shop.lock:
        sale = at.shop.order(order_key)
        if sale is None:
            raise RejectedError("no such order", code="unknown_order")
        try:
            yield sale
        except Refused as error:
            raise RejectedError(str(error), code="refused") from error
