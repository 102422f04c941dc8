"""Orders and units cancelled at TikTok Shop for the seller, each once.

TikTok asks for one of its own reasons, and which it takes differs by market and by where the order
stands: it is asked first. Single units it cancels in the United States and the United Kingdom. What
a buyer asks to have cancelled is another thing, and is left alone.
https://partner.tiktokshop.com/docv2/page/cancel-order and get-aftersale-eligibility
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from connectors.errors import ProtocolError, RejectedError
from connectors.fields import MOST_UNITS, Unreadable
from connectors.postsale import Cancellation
from connectors.tiktok_shop import answers, units
from connectors.tiktok_shop.client import Client
from connectors.tiktok_shop.fields import Record
from connectors.tiktok_shop.operations import CANCEL, CANCELLATIONS, CASES_PAGE, ELIGIBILITY
from connectors.tiktok_shop.units import Standing, Unit

#: Words of our reason → a piece of TikTok's names; the first that is found counts.
REASONS = (
    ("stock", "out_of_stock"),
    ("sold", "out_of_stock"),
    ("price", "pric"),
    ("address", "deliver"),
    ("deliver", "deliver"),
    ("buyer", "buyer"),
    ("customer", "buyer"),
    ("damaged", "damage"),
)
#: Taken where ours fits none, and where TikTok does not name any.
USUAL = "out_of_stock"
UNNAMED = "seller_cancel_reason_out_of_stock"

#: What a pending cancellation is called, and one that came to nothing.
PENDING = "CANCELLATION_REQUEST_PENDING"
UNDONE = {"CANCELLATION_REQUEST_CANCEL", "CANCELLATION_REQUEST_CANCELLED"}


def cancel(client: Client, given: Cancellation) -> None:
    order = units.of(client, given.order_key)
    left = _left(order, given)
    if not left or _waits(client, order, left):
        return
    body: dict[str, object] = {
        "order_id": order.key,
        "cancel_reason": _reason(client, order, left, given.reason),
    }
    if {one.key for one in left} != {one.key for one in order.units if not one.gone}:
        body["order_line_list"] = [{"order_line_item_id": one.key} for one in left]
    try:
        data = client.run(CANCEL, body=body)
    except RejectedError:
        if not _left(units.of(client, given.order_key), given):
            return  # somebody was quicker
        raise
    if data.get("cancel_status") in UNDONE:
        raise RejectedError("TikTok Shop did not cancel", code=str(data["cancel_status"]))


def choose(reason: str, offered: Sequence[str]) -> str:
    """The one of TikTok's reasons that comes nearest. Pure."""
    low = reason.casefold()
    pieces = [theirs for ours, theirs in REASONS if ours in low]
    for piece in (*pieces, USUAL):
        for name in offered:
            if piece in name:
                return name
    return offered[0] if offered else UNNAMED


def _left(order: Standing, given: Cancellation) -> tuple[Unit, ...]:
    """What is still to be cancelled; units that were sent too, for TikTok to judge."""
    asked = order.named(given.lines) if given.lines else order.units
    return tuple(one for one in asked if not one.gone)


def _waits(client: Client, order: Standing, left: Iterable[Unit]) -> bool:
    """Whether the seller has asked for this before and TikTok has not decided."""
    query = {"page_size": str(CASES_PAGE)}
    asked = {"order_ids": [order.key], "cancel_status": [PENDING]}
    data = client.run(CANCELLATIONS, query, asked)
    waiting: set[str] = set()
    try:
        for one in answers.listed(data, "cancellations"):
            case = Record(one)
            ours = case.words("role") == "SELLER" and case.words("cancel_status") == PENDING
            if ours and case.words("order_id") == order.key:
                items = case.parts_if_any("cancel_line_items")
                waiting |= {item.words("order_line_item_id") for item in items}
                if not items:  # the whole order
                    return True
    except Unreadable as error:
        raise ProtocolError(f"a case cannot be read: {error}", code="bad_record") from error
    return {one.key for one in left} <= waiting


def _reason(client: Client, order: Standing, left: Sequence[Unit], reason: str) -> str:
    """One that TikTok takes for all of these units. Raises RejectedError where one of them may not
    be cancelled, with TikTok's reason."""
    query = {"initiate_aftersale_user": "SELLER", "request_types": "CANCEL"}
    data = client.run(ELIGIBILITY, query, order_id=order.key)
    wanted = {one.key for one in left}
    offered: list[list[str]] = []
    try:
        for sku in answers.listed(data, "sku_eligibility"):
            for entry in Record(sku).parts_if_any("line_item_eligibility"):
                if entry.words("request_type") == "CANCEL" and _lines(entry) & wanted:
                    offered.append(_offered(entry))
    except Unreadable as error:
        raise ProtocolError(f"reasons cannot be read: {error}", code="bad_record") from error
    common = [name for name in offered[0] if all(name in one for one in offered)] if offered else []
    return choose(reason, common)


def _offered(entry: Record) -> list[str]:
    if not entry.truth("eligible", otherwise=True):
        code = entry.units("ineligible_code", least=-MOST_UNITS, otherwise=0)
        said = entry.words("ineligible_reason") or "TikTok Shop does not cancel this"
        raise RejectedError(said, code=str(code))
    names = entry.data.get("available_reason_names") or []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _lines(entry: Record) -> set[str]:
    """Old answers list ids, new ones objects."""
    old = entry.data.get("order_line_items_ids") or []
    new = [one.words("order_line_item_id") for one in entry.parts_if_any("order_line_list")]
    return {one for one in [*(old if isinstance(old, list) else []), *new] if isinstance(one, str)}
