"""Purchase orders over HTTP: made, amended, taken through their life, talked about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from flask import Response
from flask.views import MethodView

from hub.api.blueprints import Blueprint, needs
from hub.api.edge import command, expected_version, note, principal, reading, tag
from hub.api.fields import PageQuery
from hub.db import Transaction
from hub.errors import InvalidInput
from hub.paging import LARGEST_ID, Page, after_id, page
from hub.purchasing import amending, history, naming, orders, stepping, suppliers
from hub.purchasing.amending import Change, LineChange
from hub.purchasing.orders import NewLine, NewOrder, Order
from hub.purchasing.paper import csv_of
from hub.purchasing.prices import Rate
from hub.purchasing.schemas import (
    AmendmentPage,
    MessageAnswer,
    MessageBody,
    MessagePage,
    OrderLinePage,
    OrderPage,
    PurchaseChangeBody,
    PurchaseOrderAnswer,
    PurchaseOrderBody,
    PurchaseQuery,
    PurchaseStepBody,
)
from hub.purchasing.stepping import Told, Who

blueprint = Blueprint(
    "purchasing",
    __name__,
    role="viewer",
    url_prefix="/api/v1",
    description="What you ordered of suppliers",
)


def who() -> Who:
    return Who(principal().actor, principal().may("owner"))


def today() -> date:
    return datetime.now(UTC).date()


def shown(tx: Transaction, some: Sequence[Order]) -> list[dict[str, Any]]:
    """Orders with the sums of their lines and their place's code."""
    sums = orders.sums(tx, [one.id for one in some])
    codes = naming.place_codes(tx) if some else {}
    return [
        {
            **one._asdict(),
            **sums[one.id]._asdict(),
            "location": codes[one.location_id],
            "rate": one.rate._asdict() if one.rate else None,
        }
        for one in some
    ]


def _answer(made: dict[str, Any], status: int = 200) -> Any:
    return made, status, tag(made["version"])


def _rate(body: dict[str, Any]) -> Rate | None:
    return Rate(**body["rate"]) if body["rate"] else None


def _new_lines(tx: Transaction, lines: list[dict[str, Any]], where: str) -> list[NewLine]:
    numbers = naming.product_ids(tx, [one["sku"] for one in lines], where)
    kept = [{name: value for name, value in one.items() if name != "sku"} for one in lines]
    return [NewLine(number, **one) for number, one in zip(numbers, kept, strict=True)]


def past(at: datetime | None) -> datetime | None:
    """Raises InvalidInput for a fact of tomorrow."""
    if at is not None and at > datetime.now(UTC):
        raise InvalidInput("at", "is not over yet")
    return at


@blueprint.route("/purchase-orders")
class Orders(MethodView):
    @blueprint.query(PurchaseQuery)
    @blueprint.answers(200, OrderPage)
    def get(self, query: dict[str, Any]) -> Any:
        """Purchase orders, the newest first"""
        with reading() as tx:
            if query["supplier_id"] is not None:
                suppliers.get(tx, query["supplier_id"])
            found = orders.orders(
                tx,
                before=after_id(query["after"], "purchase-orders", first=LARGEST_ID),
                limit=query["limit"] + 1,
                state=query["state"],
                supplier_id=query["supplier_id"],
            )
            cut = page(found, query["limit"], "purchase-orders", lambda one: one.id)
            return Page(shown(tx, cut.items), cut.next)

    @needs("support")
    @blueprint.takes(PurchaseOrderBody)
    @blueprint.answers(201, PurchaseOrderAnswer)
    def post(self, body: dict[str, Any]) -> Any:
        """Draft an order

        A line without a price gets that of the supplier's price list, and its lead time.
        """
        names = ("supplier_id", "number", "currency", "over_percent", "under_percent")
        given = {name: body[name] for name in (*names, "expected_on", "note")}

        def draft(tx: Transaction) -> dict[str, Any]:
            place = naming.place_id(tx, body["location"])
            lines = _new_lines(tx, body["lines"], "lines")
            new = NewOrder(location_id=place, lines=lines, rate=_rate(body), **given)
            made = orders.create(tx, principal().actor, new, today())
            [told] = shown(tx, [made])
            after = {name: told[name] for name in ("number", "supplier_id", "currency", "total")}
            note(tx, "purchase.draft", f"purchase_order:{made.id}", after=after)
            return told

        return _answer(command(draft), 201)


@blueprint.route("/purchase-orders/<row:purchase_order_id>")
class OneOrder(MethodView):
    @blueprint.answers(200, PurchaseOrderAnswer)
    def get(self, purchase_order_id: int) -> Any:
        """One order; its lines have a list of their own"""
        with reading() as tx:
            [found] = shown(tx, [orders.get(tx, purchase_order_id)])
        return _answer(found)

    @needs("support")
    @blueprint.updates()
    @blueprint.takes(PurchaseChangeBody)
    @blueprint.answers(200, PurchaseOrderAnswer)
    def patch(self, body: dict[str, Any], purchase_order_id: int) -> Any:
        """Amend an order; who changed what is kept in its history

        One that was approved, made dearer than the limit, needs an owner.
        """
        version = expected_version()
        same = ("over_percent", "under_percent", "expected_on", "note", "reason")

        def amend(tx: Transaction) -> dict[str, Any]:
            orders.get(tx, purchase_order_id)
            code = body["location"]
            change = Change(
                location_id=None if code is None else naming.place_id(tx, code),
                rate=_rate(body),
                lines=[LineChange(**one) for one in body["lines"]],
                added=_new_lines(tx, body["added"], "added"),
                **{name: body[name] for name in same},
            )
            now = amending.amend(tx, who(), purchase_order_id, version, change, today())
            told = {"reason": change.reason, "version": now.version}
            note(tx, "purchase.amend", f"purchase_order:{now.id}", {"version": version}, told)
            return shown(tx, [now])[0]

        return _answer(command(amend))


@blueprint.route("/purchase-orders/<row:purchase_order_id>/steps")
class Steps(MethodView):
    @needs("support")
    @blueprint.updates()
    @blueprint.takes(PurchaseStepBody)
    @blueprint.answers(200, PurchaseOrderAnswer)
    def post(self, body: dict[str, Any], purchase_order_id: int) -> Any:
        """Take an order a step on: approve, send, confirm, ship, close or cancel

        Above the approval limit, approving needs an owner. Closing gives up what is still awaited.
        """
        version = expected_version()
        told = Told(body["reason"], past(body["at"]), body["expected_on"])

        def take(tx: Transaction) -> dict[str, Any]:
            number, name = purchase_order_id, body["step"]
            before = orders.get(tx, number).state
            now = stepping.take(tx, who(), number, name, version, told)
            after = {"state": now.state, "reason": told.reason}
            note(tx, f"purchase.{name}", f"purchase_order:{number}", {"state": before}, after)
            return shown(tx, [now])[0]

        return _answer(command(take))


@blueprint.route("/purchase-orders/<row:purchase_order_id>/lines")
class Lines(MethodView):
    @blueprint.query(PageQuery)
    @blueprint.answers(200, OrderLinePage)
    def get(self, query: dict[str, Any], purchase_order_id: int) -> Any:
        """An order's lines, and how their units stand"""
        after = after_id(query["after"], "purchase-lines")
        with reading() as tx:
            orders.get(tx, purchase_order_id)
            some = orders.lines(tx, purchase_order_id, after=after, limit=query["limit"] + 1)
            named = naming.names(tx, (one.product_id for one in some))
        cut = page(some, query["limit"], "purchase-lines", lambda one: one.position)
        told = [
            {**one._asdict(), "open": one.open, "sku": named[one.product_id][0]}
            for one in cut.items
        ]
        return Page(told, cut.next)


@blueprint.route("/purchase-orders/<row:purchase_order_id>/csv")
class Csv(MethodView):
    @blueprint.answers(200, content_type="text/csv")
    def get(self, purchase_order_id: int) -> Any:
        """An order as its supplier reads it, CSV"""
        with reading() as tx:
            order = orders.get(tx, purchase_order_id)
            lines = orders.lines(tx, purchase_order_id)
            text = csv_of(order, lines, naming.names(tx, (one.product_id for one in lines)))
        name = f"attachment; filename=purchase-order-{order.id}.csv"
        headers = {"Content-Disposition": name}
        return Response(text, content_type="text/csv; charset=utf-8", headers=headers)


@blueprint.route("/purchase-orders/<row:purchase_order_id>/history")
class History(MethodView):
    @blueprint.query(PageQuery)
    @blueprint.answers(200, AmendmentPage)
    def get(self, query: dict[str, Any], purchase_order_id: int) -> Any:
        """Who did what to an order, the oldest first"""
        after = after_id(query["after"], "purchase-history")
        limit = query["limit"]
        with reading() as tx:
            some = history.amendments(tx, purchase_order_id, after=after, limit=limit + 1)
        return page(some, limit, "purchase-history", lambda one: one.id)


@blueprint.route("/purchase-orders/<row:purchase_order_id>/messages")
class Messages(MethodView):
    @blueprint.query(PageQuery)
    @blueprint.answers(200, MessagePage)
    def get(self, query: dict[str, Any], purchase_order_id: int) -> Any:
        """What was said with the supplier about an order, the oldest first"""
        after = after_id(query["after"], "purchase-messages")
        limit = query["limit"]
        with reading() as tx:
            some = history.messages(tx, purchase_order_id, after=after, limit=limit + 1)
        return page(some, limit, "purchase-messages", lambda one: one.id)

    @needs("support")
    @blueprint.takes(MessageBody)
    @blueprint.answers(201, MessageAnswer)
    def post(self, body: dict[str, Any], purchase_order_id: int) -> Any:
        """Keep what was said; nothing is sent by this"""
        said = history.Said(**{**body, "at": past(body["at"])})

        def log(tx: Transaction) -> history.Message:
            made = history.log_message(tx, purchase_order_id, principal().actor, said)
            told = {"message": made.id, "direction": said.direction, "medium": said.medium}
            note(tx, "purchase.message", f"purchase_order:{purchase_order_id}", after=told)
            return made

        return command(log), 201
