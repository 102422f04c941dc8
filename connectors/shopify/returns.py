"""Returns at Shopify: those of every order that changed, as there is no list of returns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.fields import Unreadable
from connectors.postsale import Return, ReturnLine, ReturnStatus
from connectors.records import BadRecord, Cursor, Page
from connectors.shopify import orders
from connectors.shopify.client import Client
from connectors.shopify.lists import whole
from connectors.shopify.nodes import Node
from connectors.shopify.postsale_queries import ORDER_RETURNS, RETURN_LINES, RETURNS
from connectors.walk import resume

#: https://shopify.dev/docs/api/admin-graphql/2026-07/enums/ReturnStatus
STATUS = {
    "REQUESTED": ReturnStatus.REQUESTED,
    "OPEN": ReturnStatus.APPROVED,
    "DECLINED": ReturnStatus.DECLINED,
    "CANCELED": ReturnStatus.CANCELLED,
    "CLOSED": ReturnStatus.CLOSED,
}


def pull(client: Client, cursor: Cursor) -> Page[Return]:
    walk = resume(cursor, orders.OVERLAP)
    found, more, onward = orders.step(client, RETURNS, cursor, walk)
    good: list[Return] = []
    bad: list[BadRecord] = []
    for order in found:
        for one in _of(client, order):
            if isinstance(one, BadRecord):
                bad.append(one)
            else:
                good.append(one)
    return Page(tuple(good), onward, more, tuple(bad))


def read(client: Client, node: Node, order: Node) -> Return:
    """A return has no time of change of its own: it changes with its order. Raises Unreadable."""
    word = node.text("status")
    if word not in STATUS:
        raise Unreadable(node.at("status"), f"{word!r} is not known")
    lines = whole(client, node, "returnLineItems", RETURN_LINES)
    return Return(
        external_id=node.text("id"),
        order_key=order.text("id"),
        status=STATUS[word],
        channel_status=word,
        requested_at=node.time("createdAt"),
        updated_at=order.time("updatedAt"),
        lines=tuple(_line(one) for one in lines),
        raw=node.data,
    )


def _line(node: Node) -> ReturnLine:
    """A line that was returned without the order's own ("unverified") names none."""
    sent = node.optional("fulfillmentLineItem")
    why = node.optional("returnReasonDefinition")
    said = [node.words("returnReasonNote"), node.words("customerNote")]
    return ReturnLine(
        line_key=sent.part("lineItem").text("id") if sent else "",
        quantity=node.units("quantity"),
        reason=why.words("name") if why else "",
        note="\n".join(words for words in said if words),
    )


def _of(client: Client, data: Any) -> Iterator[Return | BadRecord]:
    """The returns of one order of a page."""
    key = ""
    try:
        order = Node(data)
        key = order.text("id")
        found = whole(client, order, "returns", ORDER_RETURNS)
    except Unreadable as error:
        yield BadRecord(key, error.field, error.reason, data)
        return
    for one in found:
        try:
            yield read(client, one, order)
        except Unreadable as error:
            yield BadRecord(str(one.data.get("id")), error.field, error.reason, one.data)
