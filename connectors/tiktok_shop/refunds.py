"""Money given back at TikTok Shop: with a return, without one, or with a cancellation.

Two searches, of returns and of cancellations, walked one after the other as one. TikTok decides of
refunds itself; a seller agrees to what a buyer asks for.
https://partner.tiktokshop.com/docv2/page/search-returns and search-cancellations
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from connectors.errors import CursorExpired
from connectors.postsale import ParcelLine, Refund
from connectors.records import BadRecord, Cursor, Page
from connectors.tiktok_shop import lists, mapping
from connectors.tiktok_shop.client import Client
from connectors.tiktok_shop.fields import Record
from connectors.tiktok_shop.operations import CANCELLATIONS, CASES_PAGE, RETURNS, Operation

#: The buyer has the money. Of cancellations TikTok does not say that another word follows success.
PAID_BACK = {
    "RETURN_OR_REFUND_REQUEST_COMPLETE",
    "REPLACEMENT_REQUEST_REFUND_SUCCESS",
    "EXCHANGE_REQUEST_REFUND_SUCCESS",
    "CANCELLATION_REQUEST_SUCCESS",
    "CANCELLATION_REQUEST_COMPLETE",
}


class Source(NamedTuple):
    """A search, its list, and the names of a case's id, state, lines and reason in it."""

    operation: Operation
    name: str
    key: str
    status: str
    lines: str
    reason: str


SOURCES = (
    Source(
        RETURNS, "return_orders", "return_id", "return_status", "return_line_items", "return_reason"
    ),
    Source(
        CANCELLATIONS,
        "cancellations",
        "cancel_id",
        "cancel_status",
        "cancel_line_items",
        "cancel_reason",
    ),
)


class Round(NamedTuple):
    """Where a walk through the searches stands: in which, since when, and what the ended ones have
    shown. What changed after ``begun`` may stand behind us in a search that has ended, so the
    watermark goes no further."""

    source: int
    begun: datetime
    seen: datetime
    token: str = ""


def pull(client: Client, cursor: Cursor, now: Callable[[], datetime]) -> Page[Refund]:
    """One page; a search that has ended is followed by the first page of the next."""
    at = _resume(cursor) or Round(0, now(), cursor.since)
    good: list[Refund] = []
    bad: list[BadRecord] = []
    while True:
        source = SOURCES[at.source]
        inside = replace(cursor, token=at.token)
        step = lists.step(client, source.operation, source.name, CASES_PAGE, inside)
        found, unreadable = mapping.each(step.found, _reader(source), key=source.key)
        good += [one for one in found if one is not None]
        bad += unreadable
        if at.source == 0 and not at.token:  # the shop's clock, where it tells
            at = at._replace(begun=client.server_time or at.begun)
        if step.more:
            onward = replace(cursor, token=_pack(at._replace(token=step.onward.token)))
            return Page(tuple(good), onward, more=True, bad=tuple(bad))
        at = Round(at.source + 1, at.begun, max(at.seen, step.onward.since))
        if at.source == len(SOURCES):
            since = max(cursor.since, min(at.seen, at.begun))
            ended = replace(cursor, since=since, token="")
            return Page(tuple(good), ended, more=False, bad=tuple(bad))


def read(data: object, source: Source) -> Refund | None:
    """None where no money was given back, or not yet. Raises Unreadable."""
    case = Record(data)
    if case.text(source.status) not in PAID_BACK or not case.has("refund_amount"):
        return None
    told = case.part("refund_amount")
    if not told.data.get("refund_total"):
        return None
    currency = told.currency("currency")
    amount = told.amount("refund_total", currency)
    if not amount:
        return None
    return Refund(
        external_id=case.key(source.key),
        order_key=case.key("order_id"),
        amount=amount,
        currency=currency,
        refunded_at=case.unix_time("update_time"),
        lines=tuple(
            ParcelLine(one.key("order_line_item_id"), 1) for one in case.parts_if_any(source.lines)
        ),
        reason=case.words(f"{source.reason}_text") or case.words(source.reason),
        shipping=told.optional_amount("refund_shipping_fee", currency),
        raw=case.data,
    )


def _reader(source: Source) -> Callable[[object], Refund | None]:
    return lambda data: read(data, source)


def _pack(at: Round) -> str:
    return json.dumps([at.source, at.begun.isoformat(), at.seen.isoformat(), at.token])


def _resume(cursor: Cursor) -> Round | None:
    """None between walks. Raises CursorExpired."""
    if not cursor.token:
        return None
    try:
        source, begun, seen, token = json.loads(cursor.token)
        times = (datetime.fromisoformat(begun), datetime.fromisoformat(seen))
        at = Round(int(source), *times, str(token))
    except (ValueError, TypeError) as error:
        raise CursorExpired("the walk's token is not ours", code="bad_token") from error
    if not 0 <= at.source < len(SOURCES):
        raise CursorExpired("the walk's token is not ours", code="bad_token")
    return at
