"""The resources of the webservice that are used, and how the shop calls a list and a row of each.

https://devdocs.prestashop-project.org/8/webservice/resources/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring


@dataclass(frozen=True, slots=True)
class Resource:
    """``name`` in the path, ``nodes`` around a list and ``node`` around a row."""

    name: str
    node: str
    nodes: str = ""

    @property
    def listed(self) -> str:
        return self.nodes or self.name


ADDRESSES = Resource("addresses", "address")
COMBINATIONS = Resource("combinations", "combination")
CONFIGURATIONS = Resource("configurations", "configuration")
COUNTRIES = Resource("countries", "country")
CURRENCIES = Resource("currencies", "currency")
CUSTOMERS = Resource("customers", "customer")
OPTION_VALUES = Resource("product_option_values", "product_option_value")
ORDERS = Resource("orders", "order")
ORDER_CARRIERS = Resource("order_carriers", "order_carrier")
ORDER_DETAILS = Resource("order_details", "order_detail")
ORDER_HISTORIES = Resource("order_histories", "order_history")
ORDER_SLIPS = Resource("order_slip", "order_slip", "order_slips")
ORDER_STATES = Resource("order_states", "order_state")
PRODUCTS = Resource("products", "product")
PROVINCES = Resource("states", "state")
STOCK = Resource("stock_availables", "stock_available")

#: Ids that one filter may name: keeps the address of a request within 4,000 characters.
IDS_ASKED = 100


def any_of(ids: Iterable[str]) -> str:
    """A filter's value: one of these."""
    return "[" + "|".join(sorted(set(ids))) + "]"


def between(least: object, most: object) -> str:
    """A filter's value: both ends belong to it."""
    return f"[{least},{most}]"


def document(resource: Resource, fields: Mapping[str, str]) -> bytes:
    """What a write sends: one row, as XML."""
    root = Element("prestashop")
    row = SubElement(root, resource.node)
    for name, value in fields.items():
        SubElement(row, name).text = value
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))
