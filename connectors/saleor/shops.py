"""Whose shop it is, through which Saleor channel it sells, and from which warehouse. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from connectors.errors import AuthError, ProtocolError, RejectedError
from connectors.fields import Unreadable
from connectors.records import ChannelLocation, ShopInfo
from connectors.saleor.ids import key_of
from connectors.saleor.nodes import Node

#: Without these nothing works. HANDLE_PAYMENTS is for refunds, MANAGE_APPS for webhooks.
NEEDED = ("MANAGE_PRODUCTS", "MANAGE_ORDERS")


@dataclass(frozen=True, slots=True)
class Place:
    """Where this account sells (a channel's slug and currency) and what it ships from."""

    channel: str
    currency: str
    warehouse: str


def info(data: Mapping[str, Any], channel: str, server_time: datetime | None) -> ShopInfo:
    """Raises AuthError where the token is no app's, or of one that may do too little."""
    try:
        node = Node(data)
        _check_app(node.optional("app"))
        shop = node.part("shop")
        host = shop.part("domain").text("host")
        return ShopInfo(
            # A shop's own id is the same at every Saleor.
            external_id=f"{host}/{channel}" if channel else host,
            name=shop.text("name"),
            currency=_sold_through(node, channel).currency("currencyCode"),
            locations=tuple(
                ChannelLocation(one.text("id"), one.words("name"))
                for one in node.nodes("warehouses")
            ),
            server_time=server_time,
        )
    except Unreadable as error:
        raise ProtocolError(f"the shop cannot be read: {error}", code="bad_record") from error


def place(data: Mapping[str, Any], channel: str, warehouse: str) -> Place:
    """The seller's choices, or the first of each. Raises RejectedError where there is no such."""
    try:
        node = Node(data)
        sold = _sold_through(node, channel)
        wanted = unquote(warehouse.strip())
        for one in node.nodes("warehouses"):
            if not wanted or wanted in (one.text("id"), one.words("slug"), one.words("name")):
                return Place(sold.text("slug"), sold.currency("currencyCode"), one.text("id"))
    except Unreadable as error:
        raise ProtocolError(f"the shop cannot be read: {error}", code="bad_record") from error
    if key_of(wanted, "Warehouse"):  # further down a long list
        return Place(sold.text("slug"), sold.currency("currencyCode"), wanted)
    raise RejectedError("the shop has no such warehouse", code="no_warehouse", field="warehouse")


def _check_app(app: Node | None) -> None:
    if app is None:
        raise AuthError("the token is of no app", code="no_app")
    held = {one.words("code") for one in app.parts_if_any("permissions")}
    lacking = [name for name in NEEDED if name not in held]
    if app.has("permissions") and lacking:
        raise AuthError(f"the app lacks the permission {lacking[0]}", code="PermissionDenied")


def _sold_through(node: Node, slug: str) -> Node:
    found = node.parts_if_any("channels")
    wanted = [one for one in found if one.words("slug") == slug] if slug else found
    if not wanted:
        raise RejectedError("the shop has no such channel", code="no_channel", field="channel")
    active = [one for one in wanted if one.truth("isActive", otherwise=True)]
    return (active or wanted)[0]
