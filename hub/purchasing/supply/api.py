"""Suppliers, prices, scorecards, the best supplier, and the seller's way of buying."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask.views import MethodView

from hub.api.blueprints import Blueprint, needs
from hub.api.edge import command, expected_version, note, reading, tag
from hub.api.fields import PageQuery
from hub.db import Transaction
from hub.errors import InvalidInput
from hub.paging import Page, after_id, page
from hub.purchasing import choosing, naming, pricelists, scoring, settings, suppliers
from hub.purchasing.matching import Tolerance
from hub.purchasing.measures import scorecard
from hub.purchasing.prices import PriceList, Tier
from hub.purchasing.quality import Plan, SamplingStep
from hub.purchasing.ranking import Need
from hub.purchasing.settings import Setting
from hub.purchasing.suppliers import Card, Certificate, Contact, Supplier
from hub.purchasing.supply.schemas import (
    NeedsAnswer,
    NeedsBody,
    PricePage,
    PricesBody,
    PricesSet,
    ScorecardAnswer,
    ScorecardQuery,
    SettingAnswer,
    SettingBody,
    SupplierAnswer,
    SupplierBody,
    SupplierPage,
)

blueprint = Blueprint(
    "suppliers",
    __name__,
    role="viewer",
    url_prefix="/api/v1",
    description="Whom you buy from, what they charge, and how well they do",
)


def _card(body: dict[str, Any]) -> Card:
    people = tuple(Contact(**one) for one in body["contacts"])
    papers = tuple(Certificate(**one) for one in body["certificates"])
    return Card(**{**body, "contacts": people, "certificates": papers})


def _whole(tx: Transaction, one: Supplier) -> dict[str, Any]:
    """A supplier with its people and papers."""
    found = {"contacts": suppliers.contacts(tx, one.id)}
    return {**one._asdict(), **found, "certificates": suppliers.certificates(tx, one.id)}


def _told(one: Supplier) -> dict[str, Any]:
    """For the audit line: nothing of its people."""
    return {"code": one.code, "name": one.name, "currency": one.currency, "active": one.active}


@blueprint.route("/suppliers")
class Suppliers(MethodView):
    @blueprint.query(PageQuery)
    @blueprint.answers(200, SupplierPage)
    def get(self, query: dict[str, Any]) -> Any:
        """Suppliers, in the order they were made"""
        after = after_id(query["after"], "suppliers")
        with reading() as tx:
            found = suppliers.suppliers(tx, after=after, limit=query["limit"] + 1)
        return page(found, query["limit"], "suppliers", lambda one: one.id)

    @needs("support")
    @blueprint.takes(SupplierBody)
    @blueprint.answers(201, SupplierAnswer)
    def post(self, body: dict[str, Any]) -> Any:
        """Make a supplier"""

        def make(tx: Transaction) -> dict[str, Any]:
            made = suppliers.create(tx, _card(body))
            note(tx, "supplier.create", f"supplier:{made.id}", after=_told(made))
            return _whole(tx, made)

        made = command(make)
        return made, 201, tag(made["version"])


@blueprint.route("/suppliers/<row:supplier_id>")
class OneSupplier(MethodView):
    @blueprint.answers(200, SupplierAnswer)
    def get(self, supplier_id: int) -> Any:
        """One supplier, with contacts and certificates"""
        with reading() as tx:
            found = _whole(tx, suppliers.get(tx, supplier_id))
        return found, 200, tag(found["version"])

    @needs("support")
    @blueprint.updates()
    @blueprint.takes(SupplierBody)
    @blueprint.answers(200, SupplierAnswer)
    def put(self, body: dict[str, Any], supplier_id: int) -> Any:
        """Set all that is known of a supplier; what is left out is emptied"""
        version = expected_version()

        def change(tx: Transaction) -> dict[str, Any]:
            before = suppliers.get(tx, supplier_id)
            now = suppliers.change(tx, supplier_id, _card(body), version)
            note(tx, "supplier.change", f"supplier:{supplier_id}", _told(before), _told(now))
            return _whole(tx, now)

        now = command(change)
        return now, 200, tag(now["version"])


def _list(supplier: Supplier, product_id: int, body: dict[str, Any]) -> PriceList:
    tiers = tuple(Tier(**one) for one in body["tiers"])
    given = {name: value for name, value in body.items() if name not in {"sku", "tiers"}}
    given["currency"] = body["currency"] or supplier.currency
    return PriceList(supplier_id=supplier.id, product_id=product_id, tiers=tiers, **given)


@blueprint.route("/suppliers/<row:supplier_id>/prices")
class Prices(MethodView):
    @blueprint.query(PageQuery)
    @blueprint.answers(200, PricePage)
    def get(self, query: dict[str, Any], supplier_id: int) -> Any:
        """What a supplier charges, and charged"""
        after = after_id(query["after"], "prices")
        with reading() as tx:
            some = pricelists.of_supplier(tx, supplier_id, after=after, limit=query["limit"] + 1)
            named = naming.names(tx, (one.product_id for one in some))
        found = page(some, query["limit"], "prices", lambda one: one.id)
        return Page(
            [
                {
                    **{name: getattr(one, name) for name in PriceList.__slots__},
                    "sku": named[one.product_id][0],
                }
                for one in found.items
            ],
            found.next,
        )

    @needs("support")
    @blueprint.takes(PricesBody)
    @blueprint.answers(200, PricesSet)
    def post(self, body: dict[str, Any], supplier_id: int) -> Any:
        """Set price lists, all or none; one of the same product and day takes the older's place"""

        def put(tx: Transaction) -> int:
            supplier = suppliers.get(tx, supplier_id)
            numbers = naming.product_ids(tx, [one["sku"] for one in body["items"]], "items")
            lists = [
                _list(supplier, number, one)
                for number, one in zip(numbers, body["items"], strict=True)
            ]
            done = pricelists.put(tx, supplier_id, lists)
            told = {"lists": done, "skus": [one["sku"] for one in body["items"]]}
            note(tx, "supplier.prices", f"supplier:{supplier_id}", after=told)
            return done

        return {"set": command(put)}


@blueprint.route("/suppliers/<row:supplier_id>/scorecard")
class Scorecard(MethodView):
    @blueprint.query(ScorecardQuery)
    @blueprint.answers(200, ScorecardAnswer)
    def get(self, query: dict[str, Any], supplier_id: int) -> Any:
        """How well a supplier does, of orders sent in a span of time, with the arithmetic"""
        until = query["until"] or datetime.now(UTC)
        since = query["since"] or until - choosing.LOOKED_BACK
        if since >= until:
            raise InvalidInput("since", "must be before until")
        with reading() as tx:
            suppliers.get(tx, supplier_id)
            facts = scoring.facts(tx, [supplier_id], since, until)[supplier_id]
        told = {"supplier_id": supplier_id, "since": since, "until": until}
        return {**told, "orders": facts.orders, "measures": scorecard(facts)}


@blueprint.route("/purchasing/choices")
class Choices(MethodView):
    @needs("support")
    @blueprint.takes(NeedsBody)
    @blueprint.answers(200, NeedsAnswer)
    def post(self, body: dict[str, Any]) -> Any:
        """The suppliers for what is needed by a day, the best first, and why; orders nothing"""
        with reading() as tx:
            numbers = naming.product_ids(tx, [one["sku"] for one in body["needs"]], "needs")
            wanted = [
                Need(number, one["quantity"], one["by"])
                for number, one in zip(numbers, body["needs"], strict=True)
            ]
            found = choosing.best(tx, wanted, datetime.now(UTC))
        pairs = zip(body["needs"], found, strict=True)
        return {"items": [{**need, "choices": choices} for need, choices in pairs]}


def _shown(one: Setting) -> dict[str, Any]:
    return {
        "approval_limit": one.approval_limit,
        "over_percent": one.over_percent,
        "under_percent": one.under_percent,
        "sampling": [step._asdict() for step in one.plan.table],
        "sample_percent": one.plan.sample_percent,
        "defect_percent": one.plan.defect_percent,
        **one.tolerance._asdict(),
        "version": one.version,
    }


@blueprint.route("/purchasing/settings")
class Settings(MethodView):
    @blueprint.answers(200, SettingAnswer)
    def get(self) -> Any:
        """Who must approve, what is tolerated, how deliveries are looked at"""
        with reading() as tx:
            found = settings.get(tx)
        return _shown(found), 200, tag(found.version)

    @needs("owner")
    @blueprint.updates()
    @blueprint.takes(SettingBody)
    @blueprint.answers(200, SettingAnswer)
    def put(self, body: dict[str, Any]) -> Any:
        """Set all of it; what is left out is as if it had never been set

        A sampling table goes before a share; without either, what is counted is accepted.
        """
        version = expected_version()
        steps = tuple(SamplingStep(**one) for one in body["sampling"])
        wanted = Setting(
            body["approval_limit"],
            body["over_percent"],
            body["under_percent"],
            Plan(steps, body["sample_percent"], body["defect_percent"]),
            Tolerance(body["price_percent"], body["quantity_percent"]),
        )

        def change(tx: Transaction) -> Setting:
            before = _shown(settings.get(tx))
            now = settings.put(tx, wanted, version)
            note(tx, "purchasing.settings", "purchasing", before, _shown(now))
            return now

        now = command(change)
        return _shown(now), 200, tag(now.version)
