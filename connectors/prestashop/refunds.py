"""Refunds out of the shop: its credit slips, by time of change.

They are read and not made: a slip made through the webservice moves no money.
"""

from __future__ import annotations

from typing import Any

from connectors.fields import Unreadable, each
from connectors.postsale import Refund
from connectors.prestashop import history, mapping
from connectors.prestashop.client import Client
from connectors.prestashop.fields import Row
from connectors.prestashop.office import Office
from connectors.prestashop.orders import walked
from connectors.prestashop.resources import ORDER_SLIPS, ORDERS
from connectors.records import Cursor, Page

SLIPS_PAGE = 50
CURRENCY = {"display": "[id,id_currency]"}


def pull(client: Client, office: Office, cursor: Cursor) -> Page[Refund]:
    clock = office.clock()
    fresh, walk, onward = walked(client, ORDER_SLIPS, cursor, clock, SLIPS_PAGE)
    known = _currencies(client, office, fresh) if fresh else {}
    refunds, bad = each(fresh, lambda one: mapping.refund(one, known, clock))
    return Page(refunds, onward, bool(walk), bad)


def _currencies(client: Client, office: Office, slips: list[Any]) -> dict[str, str]:
    """By order: a slip tells none, it has that of its order."""
    keys = history.links([one for one in slips if isinstance(one, dict)], "id_order")
    found = {}
    for one in client.among(ORDERS, "id", keys, CURRENCY):
        try:
            row = Row(one)
            found[row.key("id")] = mapping.currency_of(row, office.currencies())
        except Unreadable:
            continue
    return found
