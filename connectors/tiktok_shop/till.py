"""What the simulated TikTok Shop pays its seller: a statement a day, and the entries in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.simulators.shop import Shop
from connectors.tiktok_shop import storefront as words
from connectors.tiktok_shop.gate import Refused

Query = Mapping[str, str]

FIRST_STATEMENT = 7_238_804_564_097_000_001
FIRST_ENTRY = 1_636_700_041_413_000_001


@dataclass(frozen=True, slots=True)
class Entry:
    """``kind`` is ORDER, or what was adjusted. Amounts as TikTok signs them: fees are negative."""

    order_key: str
    revenue: int = 0
    fee: int = 0
    postage: int = 0
    adjustment: int = 0
    reserve: int = 0
    kind: str = "ORDER"

    @property
    def settled(self) -> int:
        return self.revenue + self.fee + self.postage + self.adjustment


@dataclass(frozen=True, slots=True)
class Statement:
    key: str
    made_at: datetime
    status: str
    paid_at: datetime | None
    entries: tuple[Entry, ...]


class Till:
    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._statements: dict[str, Statement] = {}

    def close_day(
        self, entries: Sequence[Entry], *, ago: timedelta = timedelta(), paid: bool = True
    ) -> str:
        """A statement, paid at once or waiting."""
        at = self.shop.now() - ago
        key = str(FIRST_STATEMENT + len(self._statements))
        status = "PAID" if paid else "PROCESSING"
        made = Statement(key, at, status, at if paid else None, tuple(entries))
        self._statements[key] = made
        return key

    def pay(self, key: str) -> None:
        old = self._statements[key]
        self._statements[key] = Statement(key, old.made_at, "PAID", self.shop.now(), old.entries)

    def statements(self, query: Query) -> dict[str, Any]:
        if query.get("sort_field") != "statement_time":
            raise Refused(36009004, "Invalid parameter. `sort_field` is required.", 400)
        start = int(query.get("statement_time_ge", 0))
        end = int(query.get("statement_time_lt", 2**40))
        wanted = query.get("payment_status", "")
        found = sorted(
            (
                one
                for one in self._statements.values()
                if start <= words.seconds(one.made_at) < end and wanted in ("", one.status)
            ),
            key=lambda one: (one.made_at, one.key),
        )
        return self._page([self._statement(one) for one in found], "statements", query)

    def transactions(self, key: str, query: Query) -> dict[str, Any]:
        if query.get("sort_field") != "order_create_time":
            raise Refused(36009004, "Invalid parameter. `sort_field` is required.", 400)
        statement = self._statements.get(key)
        if statement is None:
            raise Refused(36009004, "Invalid parameter. The statement is unknown.", 400)
        entries = statement.entries
        told = [self._entry(key, n, one) for n, one in enumerate(entries)]
        settled = sum(one.settled for one in entries)
        reserve = sum(one.reserve for one in entries)
        return {
            "id": key,
            "create_time": words.seconds(statement.made_at),
            "status": "SETTLED",
            "currency": self.shop.currency,
            "payable_amount": self._money(settled + reserve),
            "total_reserve_amount": self._money(reserve),
            "total_settlement_amount": self._money(settled),
            "total_count": len(entries),
            **self._page(told, "transactions", query),
        }

    def _statement(self, one: Statement) -> dict[str, Any]:
        entries = one.entries
        return {
            "id": one.key,
            "statement_time": words.seconds(one.made_at),
            "currency": self.shop.currency,
            "settlement_amount": self._money(sum(each.settled for each in entries)),
            "revenue_amount": self._money(sum(each.revenue for each in entries)),
            "fee_amount": self._money(sum(each.fee for each in entries)),
            "adjustment_amount": self._money(sum(each.adjustment for each in entries)),
            "payment_status": one.status,
            "payment_id": f"34{one.key}",
            "payment_time": words.seconds(one.paid_at) if one.paid_at else 0,
        }

    def _entry(self, key: str, number: int, one: Entry) -> dict[str, Any]:
        named = "order_id" if one.kind == "ORDER" else "adjustment_order_id"
        return {
            "id": str(FIRST_ENTRY + number),
            "type": one.kind,
            named: one.order_key,
            "settlement_amount": self._money(one.settled),
            "revenue_amount": self._money(one.revenue),
            "fee_tax_amount": self._money(one.fee),
            "shipping_cost_amount": self._money(one.postage),
            "adjustment_amount": self._money(one.adjustment),
            "reserve_amount": self._money(one.reserve),
        }

    def _page(self, items: Sequence[Any], name: str, query: Query) -> dict[str, Any]:
        size = int(query.get("page_size", 20))
        start = int(words.unpack(query["page_token"])[0]) if "page_token" in query else 0
        answer: dict[str, Any] = {name: list(items[start : start + size])}
        if start + size < len(items):
            answer["next_page_token"] = words.pack(start + size)
        return answer

    def _money(self, minor: int) -> str:
        sign = "-" if minor < 0 else ""
        return sign + words.amount(abs(minor), self.shop.currency)
