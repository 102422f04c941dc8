"""A node of Saleor's, which writes money as JSON numbers in ``Money`` and ``TaxedMoney``."""

from __future__ import annotations

from typing import Self

from connectors.amounts import rounded_minor_units
from connectors.fields import Record, Unreadable


class Node(Record):
    def money(self, name: str, currency: str) -> int:
        """Minor units of a ``Money``. Saleor computes with three places and rounds when it shows;
        what is finer than the currency is rounded, half to even."""
        money = self.part(name)
        found = money.data.get("amount")
        try:
            value = rounded_minor_units(found, currency)
        except ValueError as error:
            raise Unreadable(money.at("amount"), str(error)) from None
        if value < 0:
            raise Unreadable(money.at("amount"), f"{found} is negative")
        return value

    def money_if_any(self, name: str, currency: str) -> int:
        return self.money(name, currency) if self.has(name) else 0

    def gross(self, name: str, currency: str) -> int:
        """Of a ``TaxedMoney``, what the buyer pays."""
        return self.part(name).money("gross", currency)

    def tax(self, name: str, currency: str) -> int:
        return self.part(name).money_if_any("tax", currency)

    def nodes(self, name: str) -> list[Self]:
        """The nodes of a connection."""
        return [edge.part("node") for edge in self.part(name).parts("edges")]
