"""A GraphQL node of Shopify's, which writes money in bags of two currencies."""

from __future__ import annotations

from decimal import Decimal

from connectors.amounts import LARGEST, exponent
from connectors.fields import Record, Unreadable


class Node(Record):
    def shop_money(self, name: str, currency: str) -> int:
        """Of a MoneyBag, the amount in the shop's own currency; 0 where the bag may be null."""
        bag = self.optional(name)
        return bag.part("shopMoney").amount("amount", currency) if bag is not None else 0

    def money(self, name: str, currency: str) -> int:
        """Of a MoneyV2, which may be below zero. Raises Unreadable where the currency is not the
        one given."""
        found = self.part(name)
        if found.text("currencyCode") != currency:
            raise Unreadable(found.at("currencyCode"), f"is not {currency}")
        return found.amount("amount", currency, least=-LARGEST)


def money_text(minor: int, currency: str) -> str:
    """Minor units as the decimal text that Shopify takes."""
    return f"{Decimal(minor).scaleb(-exponent(currency)):f}"
