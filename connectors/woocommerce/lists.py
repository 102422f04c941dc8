"""The simulated shop's lists: what WordPress' query parameters select, sort and page. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from connectors.woocommerce.gate import Refused
from connectors.woocommerce.paths import LARGEST

T = TypeVar("T")

LAST = datetime.max.replace(tzinfo=UTC)
FIRST = datetime.min.replace(tzinfo=UTC)


def invalid(name: str) -> Refused:
    return Refused("rest_invalid_param", f"Invalid parameter(s): {name}", 400)


def whole(query: Mapping[str, str], name: str, otherwise: int, most: int = 10**18) -> int:
    text = query.get(name, str(otherwise))
    if not text.isdecimal() or not int(text) <= most:
        raise invalid(name)
    return int(text)


def ids(query: Mapping[str, str], name: str) -> set[str]:
    text = query.get(name, "")
    found = set(text.split(",")) - {""}
    if not all(one.isdecimal() for one in found):
        raise invalid(name)
    return found


def bounds(query: Mapping[str, str]) -> tuple[datetime, datetime]:
    """Both are left out of what is listed; without ``dates_are_gmt`` they are the shop's time."""
    return _moment(query, "modified_after", FIRST), _moment(query, "modified_before", LAST)


def page(found: Sequence[T], query: Mapping[str, str], key: Callable[[T], int]) -> Sequence[T]:
    """Those wanted, as many as asked for; beyond the end, none."""
    wanted, unwanted = ids(query, "include"), ids(query, "exclude")
    left = [
        one
        for one in found
        if (not wanted or str(key(one)) in wanted) and str(key(one)) not in unwanted
    ]
    size = whole(query, "per_page", 10, LARGEST)
    start = whole(query, "offset", 0) or (whole(query, "page", 1) - 1) * size
    return left[start : start + size]


def sort(
    found: Sequence[T], query: Mapping[str, str], ways: Mapping[str, Callable[[T], Any]]
) -> list[T]:
    way = query.get("orderby", "date")
    if way not in ways:
        raise invalid("orderby")
    order = query.get("order", "desc")
    if order not in ("asc", "desc"):
        raise invalid("order")
    return sorted(found, key=ways[way], reverse=order == "desc")


def _moment(query: Mapping[str, str], name: str, otherwise: datetime) -> datetime:
    if name not in query:
        return otherwise
    try:
        found = datetime.fromisoformat(query[name])
    except ValueError:
        raise invalid(name) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
