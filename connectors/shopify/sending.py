"""What Shopify says has left: units by order line, out of the parcels ("fulfillments") told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from connectors.errors import ProtocolError
from connectors.fields import Unreadable
from connectors.shopify.client import Client
from connectors.shopify.lists import whole
from connectors.shopify.nodes import Node
from connectors.shopify.queries import SENT, SENT_LINES

#: Orders asked for in one call: their parcels and lines are dear.
AT_ONCE = 5
#: FulfillmentStatus of a parcel that did not leave.
VOID = {"CANCELLED", "ERROR", "FAILURE"}


def lines(client: Client, fulfilment: Node) -> Counter[str]:
    """Units by order line of one parcel."""
    found: Counter[str] = Counter()
    for one in whole(client, fulfilment, "fulfillmentLineItems", SENT_LINES):
        found[one.part("lineItem").text("id")] += one.units("quantity")
    return found


def left(client: Client, fulfilments: Iterable[Node]) -> Counter[str]:
    """Units by order line over an order's parcels, of those that left."""
    found: Counter[str] = Counter()
    for one in fulfilments:
        if one.words("status") not in VOID:
            found.update(lines(client, one))
    return found


def asked(client: Client, keys: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
    """What has left of these orders, by order."""
    found: dict[str, Mapping[str, int]] = {}
    for start in range(0, len(keys), AT_ONCE):
        nodes = client.run(SENT, {"ids": list(keys[start : start + AT_ONCE])}).get("nodes")
        try:
            for one in nodes if isinstance(nodes, list) else ():
                if isinstance(one, Mapping):
                    order = Node(one)
                    found[order.text("id")] = left(client, order.parts("fulfillments"))
        except Unreadable as error:
            raise ProtocolError(f"parcels cannot be read: {error}", code="bad_record") from error
    return found
