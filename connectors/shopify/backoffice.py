"""What buyers of the simulated shop send back, and what Shopify Payments pays its owner."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from connectors.shopify import storefront as words
from connectors.shopify.postsale_queries import PAYOUTS_PAGE, RETURNS_PAGE, TRANSACTIONS_PAGE
from connectors.shopify.queries import LINES_PAGE
from connectors.shopify.till import Changed
from connectors.simulators.shop import Sale, Shop

Variables = Mapping[str, Any]
Answer = dict[str, Any]

RETURNS_SHOWN = 5
MORE_RETURNS = 20
LINES_SHOWN = 10
FIRST_RETURN = 51_000_000_001
FIRST_PAYOUT = 61_000_000_001


@dataclass(frozen=True, slots=True)
class SentBack:
    """A return. ``units`` by line key; "" is a line the order does not know."""

    key: str
    order_key: str
    status: str
    units: Mapping[str, int]
    reason: str
    opened_at: datetime
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One movement on the payments account. ``amount`` and ``fee`` as Shopify signs them."""

    kind: str
    amount: int
    fee: int = 0
    order_key: str = ""


@dataclass(frozen=True, slots=True)
class PaidOut:
    key: str
    status: str
    issued_at: datetime
    entries: tuple[Entry, ...]

    @property
    def net(self) -> int:
        return sum(one.amount - one.fee for one in self.entries)


class BackOffice:
    """``payments`` false: the shop has no Shopify Payments."""

    def __init__(self, shop: Shop, changed: Changed) -> None:
        self.shop = shop
        self.payments = True
        self.returns: dict[str, SentBack] = {}
        self.payouts: list[PaidOut] = []
        self._changed = changed

    def operations(self) -> dict[str, Callable[[Variables], Answer]]:
        return {
            "Returns": self._returns,
            "OrderReturns": self._order_returns,
            "ReturnLines": self._return_lines,
            "Payouts": self._payouts,
            "PayoutEntries": self._payout_entries,
        }

    # -- what happens --------------------------------------------------------------------------

    def open_return(
        self,
        order_key: str,
        units: Mapping[str, int],
        status: str = "REQUESTED",
        reason: str = "Too small",
    ) -> SentBack:
        number = str(FIRST_RETURN + len(self.returns))
        made = SentBack(number, order_key, status, units, reason, self.shop.now())
        self.returns[number] = made
        self._touch(order_key)
        return made

    def move_return(self, number: str, status: str) -> None:
        found = self.returns[number]
        ends = self.shop.now() if status == "CLOSED" else None
        self.returns[number] = replace(found, status=status, closed_at=ends)
        self._touch(found.order_key)

    def pay_out(self, *entries: Entry, status: str = "PAID", at: datetime | None = None) -> PaidOut:
        key = str(FIRST_PAYOUT + len(self.payouts))
        made = PaidOut(key, status, at or self.shop.now(), entries)
        self.payouts.append(made)
        return made

    def _touch(self, order_key: str) -> None:
        sale = self.shop.order(order_key)
        if sale is not None:
            self.shop.set_status(order_key, sale.status)

    # -- returns -------------------------------------------------------------------------------

    def _returns(self, given: Variables) -> Answer:
        sales, more, end = self._changed(given, RETURNS_PAGE)
        return {"orders": words.connection([self._of(one) for one in sales], more=more, end=end)}

    def _of(self, sale: Sale) -> Answer:
        return {
            "id": words.gid("Order", sale.key),
            "updatedAt": words.time(sale.updated_at),
            "returns": words.sliced(self._nodes(sale.key), RETURNS_SHOWN),
        }

    def _order_returns(self, given: Variables) -> Answer:
        found = self._nodes(words.key(given["id"], "Order"))
        shown = words.sliced(found, MORE_RETURNS, given["after"])
        return {"node": {"__typename": "Order", "returns": shown}}

    def _return_lines(self, given: Variables) -> Answer:
        made = self.returns.get(words.key(given["id"], "Return"))
        if made is None:
            return {"node": None}
        lines = words.sliced(_lines(made), LINES_PAGE, given["after"])
        return {"node": {"__typename": "Return", "returnLineItems": lines}}

    def _nodes(self, order_key: str) -> list[Answer]:
        return [_return(one) for one in self.returns.values() if one.order_key == order_key]

    # -- payouts -------------------------------------------------------------------------------

    def _payouts(self, given: Variables) -> Answer:
        if not self.payments:
            return {"shopifyPaymentsAccount": None}
        told = re.search(r"issued_at:>='([^']+)'", given["filter"])
        since = datetime.fromisoformat(told.group(1)) if told else None
        found = sorted(
            (one for one in self.payouts if since is None or one.issued_at >= since),
            key=lambda one: (one.issued_at, one.key),
        )
        nodes = [self._payout(one) for one in found]
        return self._account("payouts", words.sliced(nodes, PAYOUTS_PAGE, given.get("after")))

    def _payout(self, made: PaidOut) -> Answer:
        return {
            "id": words.gid("ShopifyPaymentsPayout", made.key),
            "legacyResourceId": made.key,
            "issuedAt": words.time(made.issued_at),
            "status": made.status,
            "transactionType": "WITHDRAWAL" if made.net < 0 else "DEPOSIT",
            "net": self._money(made.net),
        }

    def _payout_entries(self, given: Variables) -> Answer:
        number = given["filter"].removeprefix("payments_transfer_id:")
        nodes = [
            self._entry(made, f"{number}{index}", one)
            for made in self.payouts
            if made.key == number
            for index, one in enumerate(made.entries)
        ]
        shown = words.sliced(nodes, TRANSACTIONS_PAGE, given.get("after"))
        return self._account("balanceTransactions", shown)

    def _entry(self, made: PaidOut, number: str, one: Entry) -> Answer:
        order = {"id": words.gid("Order", one.order_key)} if one.order_key else None
        return {
            "id": words.gid("ShopifyPaymentsBalanceTransaction", number),
            "type": one.kind,
            "test": False,
            "amount": self._money(one.amount),
            "fee": self._money(one.fee),
            "net": self._money(one.amount - one.fee),
            "associatedOrder": order,
            "associatedPayout": {"id": words.gid("ShopifyPaymentsPayout", made.key)},
        }

    def _account(self, name: str, shown: Answer) -> Answer:
        key = words.gid("ShopifyPaymentsAccount", "1")
        return {"shopifyPaymentsAccount": {"id": key, name: shown}}

    def _money(self, minor: int) -> Answer:
        code = self.shop.currency
        return {"amount": words.amount(minor, code), "currencyCode": code}


def _return(made: SentBack) -> Answer:
    approved = made.status in ("OPEN", "CLOSED")
    opened = words.time(made.opened_at)
    return {
        "id": words.gid("Return", made.key),
        "name": f"R{made.key[-4:]}",
        "status": made.status,
        "createdAt": opened,
        "requestApprovedAt": opened if approved else None,
        "closedAt": words.time(made.closed_at) if made.closed_at else None,
        "decline": {"reason": "FINAL_SALE"} if made.status == "DECLINED" else None,
        "returnLineItems": words.sliced(_lines(made), LINES_SHOWN),
    }


def _lines(made: SentBack) -> Sequence[Answer]:
    return [_line(made, index, key, units) for index, (key, units) in enumerate(made.units.items())]


def _line(made: SentBack, index: int, key: str, units: int) -> Answer:
    kind = "ReturnLineItem" if key else "UnverifiedReturnLineItem"
    sent = {"fulfillmentLineItem": {"lineItem": {"id": words.gid("LineItem", key)}}} if key else {}
    return {
        "__typename": kind,
        "id": words.gid(kind, f"{made.key}{index}"),
        "quantity": units,
        "returnReasonNote": "",
        "customerNote": None,
        "returnReasonDefinition": {"handle": "other", "name": made.reason},
        **sent,
    }
