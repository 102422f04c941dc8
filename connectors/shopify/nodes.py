"""A GraphQL node of Shopify's, which writes money in bags of two currencies."""

from __future__ import annotations

from connectors.fields import Record


class Node(Record):
    def shop_money(self, name: str, currency: str) -> int:
        """Of a MoneyBag, the amount in the shop's own currency; 0 where the bag may be null."""
        bag = self.optional(name)
        return bag.part("shopMoney").amount("amount", currency) if bag is not None else 0
