"""Orders out of Google Play: by the ids and purchase tokens that notifications name, and what the
list of voided purchases says was taken back. There is no list of orders.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.errors import CursorExpired, ProtocolError, RejectedError
from connectors.fields import Unreadable, each
from connectors.google_play import answers, mapping
from connectors.google_play.client import Client
from connectors.google_play.fields import Resource
from connectors.google_play.halving import halving
from connectors.google_play.webhooks import ORDER_ID, SUBSCRIPTION
from connectors.records import ChannelOrder, Cursor, Hint, HintKind, Page

#: The list of voided purchases goes back 30 days and refuses more; an hour of grace for clocks.
HORIZON = timedelta(days=30)
GRACE = timedelta(hours=1)
VOIDED_PAGE = 100
#: Both one-time products and subscriptions.
ALL_TYPES = "1"

Purchases = Mapping[str, Mapping[str, Any]]


def fetch(client: Client, keys: Sequence[str], now: datetime) -> Page[ChannelOrder]:
    """Orders as they are now, each with the purchase behind it. Unknown keys are left out."""
    purchases = _purchases(client, [key for key in keys if not key.startswith(ORDER_ID)])
    wanted = dict.fromkeys([key for key in keys if key.startswith(ORDER_ID)])
    wanted.update(dict.fromkeys(purchases))
    found = halving(list(wanted), lambda ids: _batch(client, ids), _skip)
    known = {**_behind(client, found, purchases), **purchases}
    orders, bad = each(found, lambda one: mapping.order(one, known.get(_id(one))), "orderId")
    return Page(orders, Cursor(now), more=False, bad=bad)


def voided(client: Client, cursor: Cursor, now: datetime, overlap: timedelta) -> Page[Hint]:
    """One page of what was cancelled, refunded or charged back since the cursor.

    Google pages by a token of its own and filters by the time its systems saw the change, which it
    does not tell: the watermark is when the walk began, kept in ``until`` meanwhile.
    """
    start = max(min(cursor.since, now) - overlap, now - HORIZON + GRACE)
    asked = [
        ("startTime", str(int(start.timestamp() * 1000))),
        ("type", ALL_TYPES),
        ("includeQuantityBasedPartialRefund", "true"),
        ("maxResults", str(VOIDED_PAGE)),
    ]
    if cursor.token:
        asked.append(("token", cursor.token))
    try:
        body = client.read("purchases", "voidedpurchases", params=asked)
    except RejectedError as error:
        if not cursor.token:
            raise
        raise CursorExpired("the list's token is no longer known", code=error.code) from error
    began = (cursor.until if cursor.token else None) or client.server_time or now
    names = ("voidedPurchases", "tokenPagination", "pageInfo")
    found = answers.listed(body, *names)
    token = _next(body)
    if token and token == cursor.token:
        raise ProtocolError("the list of voided purchases does not move on", code="page_repeated")
    hints, bad = each(found, _hint, "orderId")
    after = Cursor(cursor.since, token, began) if token else Cursor(max(cursor.since, began))
    return Page(tuple(dict.fromkeys(hints)), after, more=bool(token), bad=bad)


def _batch(client: Client, ids: Sequence[str]) -> list[Any]:
    body = client.read("orders", verb="batchGet", params=[("orderIds", one) for one in ids])
    found = answers.listed(body, "orders")
    if sorted(_id(one) for one in found) != sorted(ids):
        raise ProtocolError("orders came that were not asked for, or not all", code="bad_page")
    return found


def _skip(key: str, error: RejectedError) -> list[Any]:
    return []


def _purchases(client: Client, keys: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """Order id → purchase. A token without an order (a promotion, a purchase that was never paid)
    names none."""
    found: dict[str, Mapping[str, Any]] = {}
    for key in dict.fromkeys(keys):
        kind, token = "productsv2", key
        if key.startswith(SUBSCRIPTION):
            kind, token = "subscriptionsv2", key.removeprefix(SUBSCRIPTION)
        purchase = _purchase(client, kind, token)
        for order_id in _order_ids(purchase):
            found[order_id] = purchase
    return found


def _behind(client: Client, found: Sequence[Any], known: Purchases) -> dict[str, Mapping[str, Any]]:
    """The purchases of orders that were named by id: only they tell a test from a sale, and units
    refunded one by one."""
    purchases: dict[str, Mapping[str, Any]] = {}
    for one in found:
        token = one.get("purchaseToken") if isinstance(one, Mapping) else None
        if isinstance(token, str) and token and _id(one) not in known:
            kind = "subscriptionsv2" if _is_subscription(one) else "productsv2"
            purchases[_id(one)] = _purchase(client, kind, token)
    return purchases


def _purchase(client: Client, kind: str, token: str) -> Mapping[str, Any]:
    """Empty where Google no longer knows the token, as it forgets those of ended subscriptions."""
    try:
        body = client.read("purchases", kind, "tokens", token)
    except RejectedError:
        return {}
    return answers.known(body, "orderId", "kind", "purchaseStateContext", "lineItems")


def _order_ids(purchase: Mapping[str, Any]) -> list[str]:
    items = purchase.get("lineItems")
    latest = [
        one.get("latestSuccessfulOrderId")
        for one in (items if isinstance(items, list) else [])
        if isinstance(one, Mapping)
    ]
    named = [purchase.get("orderId"), *latest]
    return [one for one in dict.fromkeys(named) if isinstance(one, str) and one]


def _is_subscription(one: Mapping[str, Any]) -> bool:
    items = one.get("lineItems")
    return isinstance(items, list) and any(
        isinstance(item, Mapping) and "subscriptionDetails" in item for item in items
    )


def _id(one: Any) -> str:
    found = one.get("orderId") if isinstance(one, Mapping) else None
    return found if isinstance(found, str) else ""


def _next(body: Any) -> str:
    try:
        return Resource(body).part_or_empty("tokenPagination").words("nextPageToken")
    except Unreadable as error:
        raise ProtocolError(f"not a page: {error}", code="bad_page") from error


def _hint(data: object) -> Hint:
    """Old entries name the purchase only."""
    found = Resource(data)
    return Hint(HintKind.ORDER, found.words("orderId") or found.text("purchaseToken"))
