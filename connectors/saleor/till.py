"""The simulated shop's money: payments, granted refunds, and the app that pays them back.

With ``legacy`` its orders were paid through a payment plugin of before the Transactions API.
``refusing``: the payment app takes refunds and then says no.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.amounts import minor_units
from connectors.postsale import ParcelLine, Refund
from connectors.records import OrderStatus
from connectors.saleor import storefront as words
from connectors.saleor.ids import gid, key_of
from connectors.simulators.shop import Refused, Sale, Shop

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Grant:
    key: str
    order: str
    amount: int
    reason: str
    lines: tuple[ParcelLine, ...]
    made_at: datetime
    status: str = "NONE"
    paid_by: str = ""


class Till:
    def __init__(self, shop: Shop, *, legacy: bool = False) -> None:
        self.shop = shop
        self.legacy = legacy
        self.refusing = False
        self.grants: dict[str, Grant] = {}

    # -- what is shown ---------------------------------------------------------------------------

    def order(self, sale: Sale) -> Answer:
        currency = self.shop.currency
        paid = sale.status is not OrderStatus.UNPAID
        return {
            "id": sale.key,
            "status": words.status(sale),
            "updatedAt": words.time(sale.updated_at),
            "total": {"currency": currency, **words.taxed(words.worth(sale), currency)},
            "shippingPrice": words.taxed(0, currency),
            "transactions": [self._transaction(sale)] if paid and not self.legacy else [],
            "grantedRefunds": [
                self._grant(one) for one in self.grants.values() if one.order == sale.key
            ],
            "payments": [self._payment(sale)] if paid and self.legacy else [],
        }

    def _transaction(self, sale: Sale) -> Answer:
        events = [
            self._event(one.external_id, "REFUND_SUCCESS", one.refunded_at, one.amount)
            for one in sale.refunds
        ]
        failed = [
            self._event(f"9{one.key}", "REFUND_FAILURE", one.made_at, one.amount)
            for one in self.grants.values()
            if one.order == sale.key and one.status == "FAILURE"
        ]
        charged = self._event(f"8{sale.version}", "CHARGE_SUCCESS", sale.placed_at, sale.total)
        return {
            "id": gid("TransactionItem", key_of(sale.key, "Order")),
            "actions": ["REFUND"] if self._charged(sale) else [],
            "chargedAmount": words.amount(self._charged(sale), self.shop.currency),
            "events": [charged, *events, *failed],
        }

    def _event(self, key: str, kind: str, at: datetime, amount: int) -> Answer:
        return {
            "id": gid("TransactionEvent", key),
            "type": kind,
            "createdAt": words.time(at),
            "message": "Declined by the bank" if kind == "REFUND_FAILURE" else "",
            "amount": words.amount(amount, self.shop.currency),
        }

    def _grant(self, one: Grant) -> Answer:
        events = {
            "SUCCESS": (one.paid_by, "REFUND_SUCCESS"),
            "FAILURE": (f"9{one.key}", "REFUND_FAILURE"),
        }
        told = events.get(one.status)
        return {
            "id": gid("OrderGrantedRefund", one.key),
            "status": one.status,
            "reason": one.reason,
            "createdAt": words.time(one.made_at),
            "updatedAt": words.time(one.made_at),
            "shippingCostsIncluded": False,
            "amount": words.amount(one.amount, self.shop.currency),
            "lines": [
                {"quantity": line.quantity, "orderLine": {"id": line.line_key}}
                for line in one.lines
            ],
            "transactionEvents": [
                {
                    "id": gid("TransactionEvent", told[0]),
                    "type": told[1],
                    "createdAt": words.time(one.made_at),
                }
            ]
            if told
            else [],
        }

    def _payment(self, sale: Sale) -> Answer:
        currency = self.shop.currency
        capture = ("CAPTURE", f"8{sale.version}", sale.placed_at, sale.total)
        back = [("REFUND", one.external_id, one.refunded_at, one.amount) for one in sale.refunds]
        return {
            "id": gid("Payment", str(sale.version)),
            "isActive": True,
            "capturedAmount": words.amount(self._charged(sale), currency),
            "transactions": [
                {
                    "id": gid("Transaction", key),
                    "kind": kind,
                    "isSuccess": True,
                    "created": words.time(at),
                    "amount": words.amount(amount, currency),
                }
                for kind, key, at, amount in (capture, *back)
            ],
        }

    # -- what is asked for -----------------------------------------------------------------------

    def grant(self, order: str, given: Mapping[str, Any]) -> Answer:
        sale = self.shop.order(order)
        if sale is None:
            return self._refused("grantedRefund", "NOT_FOUND", "id", f"Couldn't resolve {order}")
        amount = self._amount(given["amount"])
        if amount > self._charged(sale):
            message = "Amount cannot be greater than the charged amount of provided transaction."
            return self._refused(
                "grantedRefund", "AMOUNT_GREATER_THAN_AVAILABLE", "amount", message
            )
        ids = {words.line_id(one) for one in sale.lines}
        lines = tuple(ParcelLine(one["id"], one["quantity"]) for one in given.get("lines", ()))
        if not {one.line_key for one in lines} <= ids:
            message = "Provided input for lines is invalid."
            return self._refused("grantedRefund", "INVALID", "lines", message)
        key = str(len(self.grants) + 1)
        self.grants[key] = Grant(key, order, amount, given["reason"], lines, self.shop.now())
        return {"grantedRefund": {"id": gid("OrderGrantedRefund", key)}, "errors": []}

    def request(self, grant: str) -> Answer:
        key = key_of(grant, "OrderGrantedRefund")
        found = self.grants.get(key)
        if found is None:
            return self._refused("transaction", "NOT_FOUND", "grantedRefundId", "No such refund")
        if found.status == "SUCCESS":
            message = "The granted refund is already processed."
            return self._refused(
                "transaction", "REFUND_ALREADY_PROCESSED", "grantedRefundId", message
            )
        paid_by = "" if self.refusing else self._pay(found.order, found.amount)
        status = "SUCCESS" if paid_by else "FAILURE"
        self.grants[key] = replace(found, status=status, paid_by=paid_by)
        transaction = gid("TransactionItem", key_of(found.order, "Order"))
        return {"transaction": {"id": transaction}, "errors": []}

    def pay_back(self, order: str, amount: str) -> Answer:
        sale = self.shop.order(order)
        if sale is None:
            return self._refused("order", "NOT_FOUND", "id", f"Couldn't resolve {order}")
        if not self.legacy:
            return self._refused("order", "PAYMENT_MISSING", "payment", "There's no payment.")
        if not self._pay(order, self._amount(amount)):
            message = "Cannot refund more than captured."
            return self._refused("order", "PAYMENT_ERROR", "payment", message)
        return {"order": {"id": order}, "errors": []}

    def _pay(self, order: str, amount: int) -> str:
        """The payment back's key, "" where there is not so much to give."""
        asked = Refund("", order, amount, self.shop.currency, self.shop.now())
        try:
            return self.shop.refund(order, asked).external_id
        except Refused:
            return ""

    def _charged(self, sale: Sale) -> int:
        return max(words.worth(sale) - sale.refunded, 0)

    def _amount(self, text: object) -> int:
        return minor_units(Decimal(str(text)), self.shop.currency)

    def _refused(self, name: str, code: str, field: str, message: str) -> Answer:
        return {name: None, "errors": [{"field": field, "message": message, "code": code}]}
