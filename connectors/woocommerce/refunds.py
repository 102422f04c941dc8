"""Money given back at WooCommerce: made once for one key of ours, and found over changed orders.

A refund is part of its order, and changes the order's time: whoever walks the changed orders meets
every refund. https://woocommerce.github.io/woocommerce-rest-api-docs/#order-refunds
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from connectors.amounts import exponent
from connectors.errors import RejectedError, UnknownOutcome
from connectors.fields import Unreadable, each
from connectors.postsale import Refund
from connectors.records import BadRecord, Cursor, Page
from connectors.woocommerce import counter, mapping, marks, orders, paths
from connectors.woocommerce.client import Client
from connectors.woocommerce.fields import Record
from connectors.woocommerce.paths import OVERLAP

#: What a gateway or the shop refuses comes as a server error, with the reason in its body.
REFUSED = (500,)


def make(client: Client, given: Refund, *, by_gateway: bool) -> Refund:
    """Once for one key, which is looked for among those that were given before."""
    order = counter.order(client, given.order_key)
    for one in orders.refunds_of(client, order.data):
        if marks.read(Record(one)).get(marks.REFUND) == given.external_id:
            return _made(one, given)
    made = client.write(
        "POST",
        paths.refunds(given.order_key),
        {
            "amount": major(given.amount, given.currency),
            "reason": given.reason,
            "api_refund": by_gateway,
            "api_restock": False,
            "meta_data": marks.refund(given),
        },
        told=REFUSED,
    )
    return _made(made, given)


def pull(client: Client, cursor: Cursor) -> Page[Refund]:
    found, onward, more = orders.changed(client, cursor)
    refunds: list[Refund] = []
    bad: list[BadRecord] = []
    for order in found:
        given = orders.refunds_of(client, order) if isinstance(order, Mapping) else []
        some, unreadable = each(given, partial(_told, order))
        refunds += some
        bad += unreadable
    since = cursor.since - OVERLAP
    return Page(tuple(one for one in refunds if one.refunded_at >= since), onward, more, tuple(bad))


def major(amount: int, currency: str) -> str:
    """1250 → "12.50"."""
    if amount < 0:
        raise RejectedError("less than nothing cannot be given back", field="amount")
    places = exponent(currency)
    digits = str(amount).rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}" if places else digits


def _told(order: object, one: object) -> Refund:
    of = Record(order)
    return mapping.refund(one, of.key("id"), of.currency("currency"))


def _made(found: Mapping[str, Any], given: Refund) -> Refund:
    try:
        return mapping.refund(found, given.order_key, given.currency)
    except Unreadable as error:
        raise UnknownOutcome(f"the answer to a refund is not one: {error}") from error
