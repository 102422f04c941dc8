"""Receipts, judgements, goods sent back, and suppliers' invoices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask.views import MethodView

from hub.api.blueprints import Blueprint, needs
from hub.api.edge import command, expected_version, installation, note, principal, reading, tag
from hub.api.fields import PageQuery
from hub.db import Transaction
from hub.errors import InvalidInput
from hub.paging import LARGEST_ID, Page, after_id, page
from hub.purchasing import inspecting, invoicing, naming, orders, receiving, returning
from hub.purchasing.api import past
from hub.purchasing.arriving.schemas import (
    AcceptBody,
    CreditBody,
    InvoiceAnswer,
    InvoiceBody,
    InvoicePage,
    InvoiceQuery,
    JudgedAnswer,
    JudgementBody,
    ReceiptBody,
    ReceiptLinePage,
    ReceiptPage,
    ReceiptRow,
    ReceivedAnswer,
    ReturnAnswer,
    ReturnBody,
    ReturnPage,
)
from hub.purchasing.counting import Counted
from hub.purchasing.inspecting import Judged, ReceiptLine
from hub.purchasing.invoicing import Invoice, NewInvoice
from hub.purchasing.matching import Billed
from hub.purchasing.receiving import Delivery
from hub.purchasing.returning import Back, Return
from hub.purchasing.serving import Waiters

blueprint = Blueprint(
    "receipts",
    __name__,
    role="viewer",
    url_prefix="/api/v1",
    description="What came of purchase orders, was judged, sent back, and billed",
)


def _waiters() -> Waiters:
    return Waiters(installation().lock_waiting, installation().serve)


def _delivery(tx: Transaction, body: dict[str, Any]) -> Delivery:
    codes = naming.places(tx)

    def place(code: str | None, field: str) -> int | None:
        if code is not None and code not in codes:
            raise InvalidInput(field, "is no location of yours")
        return None if code is None else codes[code]

    lines = [
        Counted(
            location_id=place(one["location"], f"lines[{number}].location"),
            **{name: value for name, value in one.items() if name != "location"},
        )
        for number, one in enumerate(body["lines"])
    ]
    names = ("key", "accept_over", "delivery_note", "note")
    given = {name: body[name] for name in names}
    where = place(body["location"], "location")
    return Delivery(lines=lines, location_id=where, at=past(body["at"]), **given)


def _lines(tx: Transaction, some: Sequence[ReceiptLine]) -> list[dict[str, Any]]:
    named = naming.names(tx, (one.product_id for one in some))
    codes = naming.place_codes(tx)
    return [
        {**one._asdict(), "sku": named[one.product_id][0], "location": codes[one.location_id]}
        for one in some
    ]


@blueprint.route("/purchase-orders/<row:purchase_order_id>/receipts")
class Receipts(MethodView):
    @blueprint.query(PageQuery)
    @blueprint.answers(200, ReceiptPage)
    def get(self, query: dict[str, Any], purchase_order_id: int) -> Any:
        """What came of an order, the oldest first"""
        after = after_id(query["after"], "receipts")
        limit = query["limit"]
        with reading() as tx:
            some = inspecting.receipts(tx, purchase_order_id, after=after, limit=limit + 1)
        return page(some, limit, "receipts", lambda one: one.id)

    @needs("support")
    @blueprint.takes(ReceiptBody)
    @blueprint.answers(200, ReceivedAnswer)
    def post(self, body: dict[str, Any], purchase_order_id: int) -> Any:
        """Receive goods, all lines or none; orders that wait get theirs at once

        Sent again with its key it counts once; the same key with another count is refused.
        """

        def receive(tx: Transaction) -> receiving.Received:
            orders.get(tx, purchase_order_id)
            came = _delivery(tx, body)
            actor, number = principal().actor, purchase_order_id
            done = receiving.receive(tx, actor, number, came, _waiters())
            if done.new:
                told = {
                    "order": number,
                    "key": came.key,
                    "lines": len(came.lines),
                    "units": sum(one.quantity for one in came.lines),
                    "served": done.served,
                }
                note(tx, "purchase.receive", f"receipt:{done.receipt_id}", after=told)
            return done

        return command(receive)


@blueprint.route("/receipts/<row:receipt_id>")
class OneReceipt(MethodView):
    @blueprint.answers(200, ReceiptRow)
    def get(self, receipt_id: int) -> Any:
        """One receipt; its lines have a list of their own"""
        with reading() as tx:
            return inspecting.get(tx, receipt_id)


@blueprint.route("/receipts/<row:receipt_id>/lines")
class ReceiptLines(MethodView):
    @blueprint.query(PageQuery)
    @blueprint.answers(200, ReceiptLinePage)
    def get(self, query: dict[str, Any], receipt_id: int) -> Any:
        """What was counted, and what became of it"""
        after = after_id(query["after"], "receipt-lines")
        with reading() as tx:
            inspecting.get(tx, receipt_id)
            some = inspecting.lines(tx, receipt_id, after=after, limit=query["limit"] + 1)
            cut = page(some, query["limit"], "receipt-lines", lambda one: one.position)
            return Page(_lines(tx, cut.items), cut.next)


@blueprint.route("/receipts/<row:receipt_id>/judgements")
class Judgements(MethodView):
    @needs("support")
    @blueprint.takes(JudgementBody)
    @blueprint.answers(200, JudgedAnswer)
    def post(self, body: dict[str, Any], receipt_id: int) -> Any:
        """Accept or reject what is in inspection; once under its key"""
        told = [Judged(**one) for one in body["lines"]]

        def judge(tx: Transaction) -> dict[str, Any]:
            actor, key = principal().actor, body["key"]
            served = inspecting.judge(tx, actor, receipt_id, key, told, _waiters())
            after = {"key": key, "lines": body["lines"], "served": served}
            note(tx, "purchase.judge", f"receipt:{receipt_id}", after=after)
            judged = {one.receipt_line_id for one in told}
            now = [one for one in inspecting.lines(tx, receipt_id) if one.id in judged]
            return {"served": served, "lines": _lines(tx, now)}

        return command(judge)


def _return(tx: Transaction, one: Return) -> dict[str, Any]:
    codes = naming.place_codes(tx)
    lines = [
        {**line._asdict(), "location": codes[line.location_id]}
        for line in returning.lines(tx, one.id)
    ]
    return {**one._asdict(), "lines": lines}


@blueprint.route("/purchase-orders/<row:purchase_order_id>/returns")
class Returns(MethodView):
    @needs("support")
    @blueprint.takes(ReturnBody)
    @blueprint.answers(200, ReturnAnswer)
    def post(self, body: dict[str, Any], purchase_order_id: int) -> Any:
        """Send rejected goods back to the supplier, who is to credit them; once under its key"""
        wanted = [Back(**one) for one in body["lines"]]

        def send(tx: Transaction) -> dict[str, Any]:
            made, new = returning.send_back(
                tx, principal().actor, purchase_order_id, body["key"], wanted, body["note"]
            )
            if new:
                told = {"order": purchase_order_id, "expected_credit": made.expected_credit}
                note(tx, "purchase.send_back", f"supplier_return:{made.id}", after=told)
            return _return(tx, made)

        made = command(send)
        return made, 200, tag(made["version"])


@blueprint.route("/supplier-returns")
class EveryReturn(MethodView):
    @blueprint.query(PageQuery)
    @blueprint.answers(200, ReturnPage)
    def get(self, query: dict[str, Any]) -> Any:
        """Goods sent back, the newest first, and what was credited for them"""
        before = after_id(query["after"], "supplier-returns", first=LARGEST_ID)
        with reading() as tx:
            some = returning.returns(tx, before=before, limit=query["limit"] + 1)
        return page(some, query["limit"], "supplier-returns", lambda one: one.id)


@blueprint.route("/supplier-returns/<row:supplier_return_id>")
class OneReturn(MethodView):
    @blueprint.answers(200, ReturnAnswer)
    def get(self, supplier_return_id: int) -> Any:
        """One return, with its lines"""
        with reading() as tx:
            found = _return(tx, returning.get(tx, supplier_return_id))
        return found, 200, tag(found["version"])

    @needs("support")
    @blueprint.updates()
    @blueprint.takes(CreditBody)
    @blueprint.answers(200, ReturnAnswer)
    def patch(self, body: dict[str, Any], supplier_return_id: int) -> Any:
        """The supplier credited so much"""
        version = expected_version()

        def credit(tx: Transaction) -> dict[str, Any]:
            actor, amount = principal().actor, body["credited"]
            now = returning.credited(tx, actor, supplier_return_id, version, amount)
            note(tx, "purchase.credit", f"supplier_return:{now.id}", after={"credited": amount})
            return _return(tx, now)

        now = command(credit)
        return now, 200, tag(now["version"])


def _invoice(tx: Transaction, one: Invoice) -> dict[str, Any]:
    return {**one._asdict(), "lines": invoicing.lines(tx, one.id)}


@blueprint.route("/purchase-orders/<row:purchase_order_id>/invoices")
class Invoices(MethodView):
    @needs("support")
    @blueprint.takes(InvoiceBody)
    @blueprint.answers(201, InvoiceAnswer)
    def post(self, body: dict[str, Any], purchase_order_id: int) -> Any:
        """Record what a supplier bills; it is matched with the order and with what came

        What does not agree is an open conflict until it does, or until it is accepted.
        """
        lines = [Billed(**one) for one in body["lines"]]
        new = NewInvoice(**{**body, "lines": lines})

        def record(tx: Transaction) -> dict[str, Any]:
            made = invoicing.record(tx, principal().actor, purchase_order_id, new)
            told = {"number": made.number, "total": made.total, "state": made.state}
            note(tx, "purchase.invoice", f"supplier_invoice:{made.id}", after=told)
            return _invoice(tx, made)

        made = command(record)
        return made, 201, tag(made["version"])


@blueprint.route("/supplier-invoices")
class EveryInvoice(MethodView):
    @blueprint.query(InvoiceQuery)
    @blueprint.answers(200, InvoicePage)
    def get(self, query: dict[str, Any]) -> Any:
        """Suppliers' invoices, the newest first"""
        before = after_id(query["after"], "supplier-invoices", first=LARGEST_ID)
        limit, state = query["limit"], query["state"]
        with reading() as tx:
            some = invoicing.invoices(tx, before=before, limit=limit + 1, state=state)
        return page(some, limit, "supplier-invoices", lambda one: one.id)


@blueprint.route("/supplier-invoices/<row:supplier_invoice_id>")
class OneInvoice(MethodView):
    @blueprint.answers(200, InvoiceAnswer)
    def get(self, supplier_invoice_id: int) -> Any:
        """One invoice, with its lines and what does not agree"""
        with reading() as tx:
            found = _invoice(tx, invoicing.get(tx, supplier_invoice_id))
        return found, 200, tag(found["version"])

    @needs("owner")
    @blueprint.updates()
    @blueprint.takes(AcceptBody)
    @blueprint.answers(200, InvoiceAnswer)
    def patch(self, body: dict[str, Any], supplier_invoice_id: int) -> Any:
        """Accept an invoice that does not agree"""
        version = expected_version()

        def accept(tx: Transaction) -> dict[str, Any]:
            actor, reason = principal().actor, body["reason"]
            now = invoicing.accept(tx, actor, supplier_invoice_id, version, reason)
            note(tx, "purchase.accept", f"supplier_invoice:{now.id}", after={"reason": reason})
            return _invoice(tx, now)

        now = command(accept)
        return now, 200, tag(now["version"])
