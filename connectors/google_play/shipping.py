"""Telling Google Play that what was bought has been handed over: the purchase is acknowledged.

A purchase that nobody acknowledges within three days is refunded by Google.
https://developer.android.com/google/play/billing/integrate#process
"""

from __future__ import annotations

from connectors.errors import ProtocolError, RejectedError
from connectors.fields import Unreadable
from connectors.google_play import answers
from connectors.google_play.client import Client
from connectors.google_play.fields import Resource

ACKNOWLEDGED = "ACKNOWLEDGEMENT_STATE_ACKNOWLEDGED"


def acknowledge(client: Client, order_key: str) -> None:
    """Once is enough: Google acknowledges a purchase, not units of it."""
    token, products = _bought(client, order_key)
    if _is_acknowledged(client, token):
        return
    for product in products:
        try:
            path = ("purchases", "products", product, "tokens", token)
            client.write(*path, verb="acknowledge", body={})
        except RejectedError:
            # Refused as done already, by the app or by a call whose answer got lost?
            if not _is_acknowledged(client, token):
                raise


def _bought(client: Client, order_key: str) -> tuple[str, list[str]]:
    """(purchase token, its one-time products)"""
    body = answers.known(client.read("orders", order_key), "orderId")
    try:
        order = Resource(body)
        token = order.text("purchaseToken")
        items = [
            one for one in order.parts_if_any("lineItems") if one.has("oneTimePurchaseDetails")
        ]
        products = [one.text("productId") for one in items]
    except Unreadable as error:
        raise ProtocolError(f"the order cannot be read: {error}", code="bad_record") from error
    if not products:
        raise RejectedError("only one-time products are acknowledged", code="not_one_time")
    return token, list(dict.fromkeys(products))


def _is_acknowledged(client: Client, token: str) -> bool:
    body = client.read("purchases", "productsv2", "tokens", token)
    found = answers.known(body, "acknowledgementState", "orderId", "kind")
    return found.get("acknowledgementState") == ACKNOWLEDGED
