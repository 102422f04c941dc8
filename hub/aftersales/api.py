"""Refunds and payouts over HTTP."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from hub.aftersales import payouts, refunding
from hub.aftersales.schemas import (
    PayoutPage,
    PayoutQuery,
    RefundAnswer,
    RefundBody,
    RefundsAnswer,
)
from hub.api.blueprints import Blueprint, needs
from hub.api.edge import command, note, reading
from hub.channels import accounts
from hub.db import Transaction
from hub.paging import LARGEST_ID, Page, after_id, page
from hub.sales.api import able
from hub.sales.schemas import units

blueprint = Blueprint(
    "aftersales",
    __name__,
    role="viewer",
    url_prefix="/api/v1",
    description="Money given back to buyers, and paid out by channels",
)


@blueprint.route("/orders/<row:order_id>/refunds")
class Refunds(MethodView):
    @blueprint.answers(200, RefundsAnswer)
    def get(self, order_id: int) -> Any:
        """What was given back of an order, by whomever"""
        with reading() as tx:
            return {"items": refunding.of_order(tx, order_id)}

    @needs("support")
    @blueprint.takes(RefundBody)
    @blueprint.answers(202, RefundAnswer)
    def post(self, body: dict[str, Any], order_id: int) -> Any:
        """Give money back through the order's channel

        Never more than was paid. Nothing is put back on sale by this: goods that come back are
        taken in by themselves.
        """
        asked = refunding.Asked(**{**body, "lines": units(body["lines"])})

        def give(tx: Transaction) -> refunding.Refund:
            made = refunding.give(tx, order_id, asked, able(tx, order_id))
            after = {"order": order_id, "amount": made.amount, "currency": made.currency}
            note(tx, "refund.give", f"refund:{made.id}", after={**after, "reason": made.reason})
            return made

        return command(give), 202


@blueprint.route("/payouts")
class Payouts(MethodView):
    @blueprint.query(PayoutQuery)
    @blueprint.answers(200, PayoutPage)
    def get(self, query: dict[str, Any]) -> Any:
        """What channels paid out, the one recorded last first, with what they kept"""
        with reading() as tx:
            if query["account_id"] is not None:
                accounts.get(tx, query["account_id"])
            found = payouts.payouts(
                tx,
                before=after_id(query["after"], "payouts", first=LARGEST_ID),
                limit=query["limit"] + 1,
                account_id=query["account_id"],
            )
        shown = page(found, query["limit"], "payouts", lambda one: one[0].id)
        return Page([{**one._asdict(), "fees": fees} for one, fees in shown.items], shown.next)
