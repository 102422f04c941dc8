"""Shopify's lists ("connections"): one page as it came, and all the pages of a short one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.errors import ProtocolError
from connectors.fields import Unreadable
from connectors.shopify.client import Client
from connectors.shopify.nodes import Node
from connectors.shopify.queries import Operation


def page(data: Mapping[str, Any], name: str) -> tuple[list[Any], bool, str]:
    """A list's nodes as they came, whether more follow, and where the page ends."""
    try:
        connection = Node(data).part(name)
        info = connection.part("pageInfo")
        found = connection.data.get("nodes")
        if not isinstance(found, list):
            raise Unreadable(connection.at("nodes"), "is not a list")
        return found, info.truth("hasNextPage"), info.words("endCursor")
    except Unreadable as error:
        raise ProtocolError(f"not a page of {name}: {error}", code="bad_page") from error


def whole(client: Client, owner: Node, name: str, rest: Operation) -> list[Node]:
    """Every node of a list inside ``owner``. ``rest`` asks for the pages after the first, by the
    owner's id."""
    found, more, end = page(owner.data, name)
    while more:
        data = client.run(rest, {"id": owner.text("id"), "after": end})
        now = data.get("node")
        if not isinstance(now, Mapping):
            raise ProtocolError(f"what holds {name} is gone", code="bad_page")
        some, more, after = page(now, name)
        if more and after == end:
            raise ProtocolError(f"the list of {name} does not move on", code="page_repeated")
        found, end = [*found, *some], after
    path = owner.at(name)
    return [Node(one, f"{path}.nodes.{i}") for i, one in enumerate(found)]
