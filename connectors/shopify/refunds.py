"""Money given back at Shopify, as it tells of it: the refunds of every order that changed.

There is no list of refunds. A refund changes its order, so the walk is the one over orders.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.errors import ProtocolError
from connectors.fields import Unreadable
from connectors.postsale import ParcelLine, Refund
from connectors.records import BadRecord, Cursor, Page
from connectors.shopify import notes, orders
from connectors.shopify.client import Client
from connectors.shopify.lists import whole
from connectors.shopify.nodes import Node
from connectors.shopify.postsale_queries import (
    ORDER_REFUNDS,
    REFUND_LINES,
    REFUNDS,
    REFUNDS_SEEN,
)
from connectors.walk import resume


def pull(client: Client, cursor: Cursor) -> Page[Refund]:
    """Refunds of money; one that only puts goods back is none."""
    walk = resume(cursor, orders.OVERLAP)
    found, more, onward = orders.step(client, REFUNDS, cursor, walk)
    good: list[Refund] = []
    bad: list[BadRecord] = []
    for order in found:
        for one in _of(client, order):
            if isinstance(one, BadRecord):
                bad.append(one)
            elif one.amount:
                good.append(one)
    return Page(tuple(good), onward, more, tuple(bad))


def read(client: Client, node: Node, order_key: str, currency: str) -> Refund:
    """Raises Unreadable."""
    postage = 0
    for one in node.part("refundShippingLines").parts("nodes"):
        postage += one.shop_money("subtotalAmountSet", currency)
        postage += one.shop_money("taxAmountSet", currency)
    return Refund(
        external_id=node.text("id"),
        order_key=order_key,
        amount=node.part("totalRefundedSet").part("shopMoney").amount("amount", currency),
        currency=currency,
        refunded_at=node.time("createdAt" if node.has("createdAt") else "processedAt"),
        lines=tuple(
            ParcelLine(one.part("lineItem").text("id"), one.units("quantity"))
            for one in whole(client, node, "refundLineItems", REFUND_LINES)
        ),
        reason=notes.plain(node.words("note")),
        shipping=postage,
        raw=node.data,
    )


def _of(client: Client, order: Any) -> Iterator[Refund | BadRecord]:
    """The refunds of one order of a page."""
    key = ""
    try:
        node = Node(order)
        key = node.text("id")
        found = node.parts("refunds")
        if len(found) >= REFUNDS_SEEN:
            node = _again(client, key)
            found = node.parts("refunds")
        currency = node.currency("currencyCode")
    except Unreadable as error:
        yield BadRecord(key, error.field, error.reason, order)
        return
    for one in found:
        try:
            yield read(client, one, key, currency)
        except Unreadable as error:
            yield BadRecord(str(one.data.get("id")), error.field, error.reason, one.data)


def _again(client: Client, key: str) -> Node:
    """An order with all its refunds: there are more than its page shows."""
    data = client.run(ORDER_REFUNDS, {"id": key})
    try:
        return Node(data).part("order")
    except Unreadable as error:
        raise ProtocolError(f"the order cannot be read: {error}", code="bad_record") from error
