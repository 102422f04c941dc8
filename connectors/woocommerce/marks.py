"""What we leave on an order or refund so as to know it again: meta fields of our own. Pure.

WooCommerce has neither parcels nor idempotency keys, but takes meta data with every write, in the
same request. A field is written over by its key: doing it twice leaves one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from connectors.answers import parse_json
from connectors.errors import ProtocolError
from connectors.postsale import Cancellation, Parcel, ParcelLine, Refund
from connectors.woocommerce.fields import Record

PARCEL = "_storefront_hub_parcel_"
CANCELLED = "_storefront_hub_cancelled"
REFUND = "_storefront_hub_refund"
REFUND_LINES = "_storefront_hub_refund_lines"

Mark = dict[str, str]


def parcel(given: Parcel, key: str) -> Mark:
    value = {
        "carrier": given.carrier,
        "number": given.tracking_number,
        "url": given.tracking_url,
        "shipped_at": given.shipped_at.isoformat(),
        "lines": _units(given.lines),
    }
    return {"key": PARCEL + key, "value": _text(value)}


def cancellation(given: Cancellation) -> Mark:
    return {"key": CANCELLED, "value": f"{given.cancel_key}: {given.reason}"[:250]}


def refund(given: Refund) -> list[Mark]:
    lines = _text({"lines": _units(given.lines), "shipping": given.shipping})
    return [{"key": REFUND, "value": given.external_id}, {"key": REFUND_LINES, "value": lines}]


def read(record: Record) -> dict[str, Any]:
    """The meta data by key; what makes no sense there is not ours."""
    found = record.data.get("meta_data")
    entries = found if isinstance(found, list) else []
    return {
        one["key"]: one.get("value")
        for one in entries
        if isinstance(one, Mapping) and isinstance(one.get("key"), str)
    }


def parcels(order: Record) -> dict[str, Mapping[str, Any]]:
    """What was told of each parcel, by its key."""
    return {
        key.removeprefix(PARCEL): opened(value)
        for key, value in read(order).items()
        if key.startswith(PARCEL)
    }


def sent(told: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """Units in parcels, by line."""
    total: Counter[str] = Counter()
    for one in told:
        total.update(units(one))
    return total


def units(mark: Mapping[str, Any]) -> dict[str, int]:
    found = mark.get("lines")
    lines = found.items() if isinstance(found, Mapping) else ()
    return {str(key): count for key, count in lines if isinstance(count, int) and count > 0}


def opened(value: object) -> Mapping[str, Any]:
    """A field of ours as it was written; one that somebody spoilt counts as empty."""
    try:
        found = parse_json(value) if isinstance(value, str) else value
    except ProtocolError:
        found = None
    return found if isinstance(found, Mapping) else {}


def _units(lines: Iterable[ParcelLine]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in lines:
        total[one.line_key] += one.quantity
    return dict(total)


def _text(value: Mapping[str, Any]) -> str:
    """With as few backslashes as can be: WordPress has a habit of taking them off."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
