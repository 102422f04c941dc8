"""How Medusa writes times and amounts, and the names of the simulated shop's places. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connectors.amounts import exponent

STORE = "store_01KAW0000000000000000SHOP"
LOCATION = "sloc_01KAW00000000000000000MAIN"


def time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def money(minor: int, currency: str) -> int | float:
    """Major units as a JSON number."""
    value = Decimal(minor).scaleb(-exponent(currency))
    return int(value) if value == value.to_integral_value() else float(value)


def raw(number: object) -> dict[str, Any]:
    return {"value": str(number), "precision": 20}
