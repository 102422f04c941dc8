"""What buyers of a TikTok shop send back, or want to. Refunds without goods are not among them.

https://partner.tiktokshop.com/docv2/page/search-returns
"""

from __future__ import annotations

from connectors.fields import Unreadable
from connectors.postsale import Return, ReturnLine, ReturnStatus
from connectors.records import Cursor, Page
from connectors.tiktok_shop import lists, mapping
from connectors.tiktok_shop.client import Client
from connectors.tiktok_shop.fields import Record
from connectors.tiktok_shop.operations import CASES_PAGE, RETURNS

#: ``return_status`` → where the return stands.
STATUS = {
    "RETURN_OR_REFUND_REQUEST_PENDING": ReturnStatus.REQUESTED,
    "REPLACEMENT_REQUEST_PENDING": ReturnStatus.REQUESTED,
    "EXCHANGE_REQUEST_PENDING": ReturnStatus.REQUESTED,
    "AWAITING_BUYER_RESPONSE": ReturnStatus.REQUESTED,  # the seller has offered something else
    "AWAITING_BUYER_SHIP": ReturnStatus.APPROVED,
    "BUYER_SHIPPED_ITEM": ReturnStatus.APPROVED,
    "RETURN_OR_REFUND_REQUEST_SUCCESS": ReturnStatus.APPROVED,  # the refund is on its way
    "REFUND_OR_RETURN_REQUEST_REJECT": ReturnStatus.DECLINED,
    "REPLACEMENT_REQUEST_REJECT": ReturnStatus.DECLINED,
    "REJECT_RECEIVE_PACKAGE": ReturnStatus.DECLINED,
    "RETURN_OR_REFUND_REQUEST_CANCEL": ReturnStatus.CANCELLED,
    "REPLACEMENT_REQUEST_CANCEL": ReturnStatus.CANCELLED,
    "EXCHANGE_REQUEST_CANCEL": ReturnStatus.CANCELLED,
    "RETURN_OR_REFUND_REQUEST_COMPLETE": ReturnStatus.CLOSED,
    "REPLACEMENT_REQUEST_COMPLETE": ReturnStatus.CLOSED,
    "REPLACEMENT_REQUEST_REFUND_SUCCESS": ReturnStatus.CLOSED,
    "EXCHANGE_REQUEST_COMPLETE": ReturnStatus.CLOSED,
    "EXCHANGE_REQUEST_REFUND_SUCCESS": ReturnStatus.CLOSED,
}
#: Money back, and the goods stay with the buyer.
MONEY_ONLY = "REFUND"


def pull(client: Client, cursor: Cursor) -> Page[Return]:
    step = lists.step(client, RETURNS, "return_orders", CASES_PAGE, cursor)
    found, bad = mapping.each(step.found, read, key="return_id")
    goods = tuple(one for one in found if one is not None)
    return Page(goods, step.onward, step.more, bad)


def read(data: object) -> Return | None:
    """None where no goods come back. Raises Unreadable."""
    case = Record(data)
    keeps = case.truth("can_buyer_keep_item", otherwise=False)
    if keeps or case.words("return_type") == MONEY_ONLY:
        return None
    word = case.text("return_status")
    if word not in STATUS:
        raise Unreadable(case.at("return_status"), f"{word!r} is not known")
    reason = case.words("return_reason_text") or case.words("return_reason")
    return Return(
        external_id=case.key("return_id"),
        order_key=case.key("order_id"),
        status=STATUS[word],
        channel_status=word,
        requested_at=case.unix_time("create_time"),
        updated_at=case.unix_time("update_time"),
        lines=tuple(
            ReturnLine(one.key("order_line_item_id"), 1, reason)
            for one in case.parts_if_any("return_line_items")
        ),
        raw=case.data,
    )
