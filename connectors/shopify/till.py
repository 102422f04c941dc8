"""The simulated shop gives money back: payments, ``refundCreate``, and the refunds it tells of.

An order is paid by one payment, or as ``payments`` says: gateways and amounts by order.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connectors.amounts import minor_units
from connectors.postsale import ParcelLine, Refund
from connectors.records import OrderStatus
from connectors.shopify import storefront as words
from connectors.shopify.despatch import parcels
from connectors.shopify.postsale_queries import REFUNDS_PAGE, REFUNDS_SEEN
from connectors.shopify.queries import LINES_PAGE
from connectors.shopify.stockroom import Refused as NotRun
from connectors.simulators.shop import Refused, Sale, Shop

Variables = Mapping[str, Any]
Answer = dict[str, Any]
Changed = Callable[[Variables, int], tuple[Sequence[Sale], bool, str | None]]

LINES_SHOWN = 10
GATEWAY = "shopify_payments"


class Till:
    """``changed`` is the shop's list of orders by time of change: sales, whether more follow, and
    where the page ends."""

    def __init__(self, shop: Shop, changed: Changed) -> None:
        self.shop = shop
        self.payments: dict[str, list[tuple[str, int]]] = {}
        self.notified: list[str] = []
        self._changed = changed
        self._shares: dict[str, list[tuple[str, int]]] = {}
        self._answers: dict[str, tuple[str, Answer]] = {}

    def operations(self) -> dict[str, Callable[[Variables], Answer]]:
        return {
            "Refunds": self._refunds,
            "OrderRefunds": self._order_refunds,
            "RefundLines": self._refund_lines,
            "Payments": self._payments,
            "GiveBack": self._give_back,
        }

    # -- telling -------------------------------------------------------------------------------

    def _refunds(self, given: Variables) -> Answer:
        sales, more, end = self._changed(given, REFUNDS_PAGE)
        nodes = [self._of(sale, sale.refunds[:REFUNDS_SEEN]) for sale in sales]
        return {"orders": words.connection(nodes, more=more, end=end)}

    def _order_refunds(self, given: Variables) -> Answer:
        sale = self._sale(given["id"])
        return {"order": self._of(sale, sale.refunds) if sale else None}

    def _of(self, sale: Sale, shown: Sequence[Refund]) -> Answer:
        return {
            "id": words.gid("Order", sale.key),
            "updatedAt": words.time(sale.updated_at),
            "currencyCode": self.shop.currency,
            "refunds": [self._refund(one) for one in shown],
        }

    def _refund(self, made: Refund) -> Answer:
        total = {**words.bag(made.amount, self.shop.currency)}
        total["shopMoney"]["currencyCode"] = self.shop.currency
        nothing = words.bag(0, self.shop.currency)
        postage = {
            "subtotalAmountSet": words.bag(made.shipping, self.shop.currency),
            "taxAmountSet": nothing,
        }
        return {
            "id": words.gid("Refund", made.external_id),
            "note": made.reason or None,
            "createdAt": words.time(made.refunded_at),
            "processedAt": words.time(made.refunded_at),
            "totalRefundedSet": total,
            "refundLineItems": words.sliced(_lines(made), LINES_SHOWN),
            "refundShippingLines": {"nodes": [postage] if made.shipping else []},
        }

    def _refund_lines(self, given: Variables) -> Answer:
        number = words.key(given["id"], "Refund")
        for sale in self.shop.orders:
            for one in sale.refunds:
                if one.external_id == number:
                    lines = words.sliced(_lines(one), LINES_PAGE, given["after"])
                    return {"node": {"__typename": "Refund", "refundLineItems": lines}}
        return {"node": None}

    # -- giving back ---------------------------------------------------------------------------

    def _payments(self, given: Variables) -> Answer:
        sale = self._sale(given["id"])
        if sale is None:
            return {"order": None}
        money = {**words.bag(sale.total, self.shop.currency)["shopMoney"]}
        total = {**money, "currencyCode": self.shop.currency}
        order = {
            "id": given["id"],
            "currencyCode": self.shop.currency,
            "presentmentCurrencyCode": self.shop.currency,
            "totalPriceSet": {"shopMoney": total, "presentmentMoney": total},
            "transactions": [*self._paid(sale), *self._back(sale)],
            "refunds": [self._refund(one) for one in sale.refunds],
            "fulfillments": parcels(sale),
        }
        return {"order": order}

    def _ways(self, sale: Sale) -> dict[str, tuple[str, int]]:
        """Gateway and amount of each payment, by its id."""
        if sale.status is OrderStatus.UNPAID:
            return {}
        ways = self.payments.get(sale.key, [(GATEWAY, sale.total)])
        return {f"{sale.key}{index}": way for index, way in enumerate(ways)}

    def _paid(self, sale: Sale) -> list[Answer]:
        return [
            self._transaction(number, "SALE", gateway, amount, None)
            for number, (gateway, amount) in self._ways(sale).items()
        ]

    def _back(self, sale: Sale) -> list[Answer]:
        ways = self._ways(sale)
        return [
            self._transaction(f"{one.external_id}{index}", "REFUND", ways[parent][0], part, parent)
            for one in sale.refunds
            for index, (parent, part) in enumerate(self._parts(sale, one))
        ]

    def _parts(self, sale: Sale, made: Refund) -> list[tuple[str, int]]:
        """What of a refund went back by which payment; the shop's own go by the first."""
        first = next(iter(self._ways(sale)), "")
        return self._shares.get(made.external_id, [(first, made.amount)] if first else [])

    def _transaction(
        self, number: str, kind: str, gateway: str, amount: int, parent: str | None
    ) -> Answer:
        money = words.bag(amount, self.shop.currency)["shopMoney"]
        of = {"id": words.gid("OrderTransaction", parent)} if parent else None
        return {
            "id": words.gid("OrderTransaction", number),
            "kind": kind,
            "status": "SUCCESS",
            "gateway": gateway,
            "amountSet": {"presentmentMoney": {**money, "currencyCode": self.shop.currency}},
            "parentTransaction": of,
        }

    def _give_back(self, given: Variables) -> Answer:
        key, asked = str(given.get("key") or ""), given["input"]
        if not key.strip():
            raise NotRun("idempotency key is missing", "BAD_REQUEST")
        with self.shop.lock:
            said = json.dumps(asked, sort_keys=True)
            before, answer = self._answers.get(key, (said, None))
            if before != said:
                return _answered(None, "The idempotency key was used with other parameters")
            if answer is not None:
                return answer
            try:
                answer = _answered(self._refund(self._made(asked)), "")
            except Refused as refused:
                return _answered(None, str(refused))
            self._answers[key] = (said, answer)
            return answer

    def _made(self, asked: Mapping[str, Any]) -> Refund:
        sale = self._sale(asked["orderId"])
        if sale is None:
            raise Refused("Order does not exist")
        if asked.get("currency", self.shop.currency) != self.shop.currency:
            raise Refused("Currency must be the order's presentment currency")
        shares = self._asked_shares(sale, asked["transactions"])
        lines = [
            ParcelLine(words.key(one["lineItemId"], "LineItem"), one["quantity"])
            for one in asked.get("refundLineItems") or ()
        ]
        self._take_off(sale, lines)
        money = (asked.get("shipping") or {}).get("amount", "0")
        refund = Refund(
            external_id="",
            order_key=sale.key,
            amount=sum(part for _, part in shares),
            currency=self.shop.currency,
            refunded_at=self.shop.now(),
            lines=tuple(lines),
            reason=asked.get("note") or "",
            shipping=minor_units(money, self.shop.currency),
        )
        made = self.shop.refund(sale.key, refund)
        self._shares[made.external_id] = shares
        if asked.get("notify"):
            self.notified.append(sale.key)
        return made

    def _asked_shares(
        self, sale: Sale, entries: Sequence[Mapping[str, Any]]
    ) -> list[tuple[str, int]]:
        """How much of which payment. Raises Refused."""
        left = Counter({number: amount for number, (_, amount) in self._ways(sale).items()})
        for made in sale.refunds:
            left.subtract(dict(self._parts(sale, made)))
        shares = []
        for one in entries:
            parent = words.key(one["parentId"], "OrderTransaction")
            part = minor_units(one["amount"], self.shop.currency)
            if one["kind"] != "REFUND" or parent not in left:
                raise Refused("Transaction parent is invalid")
            left[parent] -= part
            if part <= 0 or left[parent] < 0:
                raise Refused("Refund amount cannot be greater than the amount paid")
            shares.append((parent, part))
        return shares

    def _take_off(self, sale: Sale, lines: Sequence[ParcelLine]) -> None:
        """Units that money is given back for, and that were not sent, are no longer to be sent."""
        by_key = {one.key: one for one in sale.lines}
        units = {
            one.line_key: one.quantity
            for one in lines
            if one.quantity > words.sent(by_key[one.line_key], sale)
        }
        if units:
            self.shop.take_off(sale.key, units, restock=False)

    def _sale(self, key: str) -> Sale | None:
        return self.shop.order(words.key(key, "Order"))


def _lines(made: Refund) -> list[Answer]:
    return [
        {
            "quantity": one.quantity,
            "restockType": "NO_RESTOCK",
            "lineItem": {"id": words.gid("LineItem", one.line_key)},
        }
        for one in made.lines
    ]


def _answered(refund: Answer | None, message: str) -> Answer:
    errors = [{"field": ["input"], "message": message}] if message else []
    return {"refundCreate": {"refund": refund, "userErrors": errors}}
