"""Listings, the rules of their offers, and the reconciliation view over HTTP."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from hub.api.blueprints import Blueprint, needs
from hub.api.edge import command, expected_version, note, reading, tag
from hub.channels import accounts, listings, offers
from hub.channels.listings import Shown
from hub.channels.reconciliation.explaining import explain
from hub.channels.reconciliation.schemas import (
    ListingBody,
    ListingDetail,
    ListingPage,
    ListingQuery,
    ReconciliationPage,
    RuleAnswer,
    RuleBody,
    RuleQuery,
)
from hub.db import Transaction
from hub.errors import NotFound, StaleVersion
from hub.inventory.availability import Rule
from hub.paging import Page, after_id, page

blueprint = Blueprint(
    "listings",
    __name__,
    role="viewer",
    url_prefix="/api/v1",
    description="Listings, the rules of their offers, and both sides compared",
)


def _listings(tx: Transaction, query: dict[str, Any], of: str) -> Page[Shown]:
    if query["account_id"] is not None:
        accounts.get(tx, query["account_id"])
    found = listings.listings(
        tx,
        query["account_id"],
        after=after_id(query["after"], of),
        limit=query["limit"] + 1,
        different=query["different"],
    )
    return page(found, query["limit"], of, lambda one: one.id)


def _detail(tx: Transaction, one: Shown) -> tuple[dict[str, Any], int, dict[str, str]]:
    told = {**one._asdict(), "history": offers.history(tx, one.id)}
    return told, 200, tag(one.version)


@blueprint.route("/listings")
class Listings(MethodView):
    @blueprint.query(ListingQuery)
    @blueprint.answers(200, ListingPage)
    def get(self, query: dict[str, Any]) -> Any:
        """Listings of all accounts or of one"""
        with reading() as tx:
            return _listings(tx, query, "listings")


@blueprint.route("/listings/<row:listing_id>")
class OneListing(MethodView):
    @blueprint.answers(200, ListingDetail)
    def get(self, listing_id: int) -> Any:
        """One listing, and for each number it was to show: why"""
        with reading() as tx:
            return _detail(tx, listings.get(tx, listing_id))

    @needs("support")
    @blueprint.updates()
    @blueprint.takes(ListingBody)
    @blueprint.answers(200, ListingDetail)
    def patch(self, body: dict[str, Any], listing_id: int) -> Any:
        """Pause or resume a listing, or link it to a product"""
        version = expected_version()

        def change(tx: Transaction) -> tuple[dict[str, Any], int, dict[str, str]]:
            before = listings.get(tx, listing_id)
            if "paused" in body:
                now = listings.set_paused(tx, listing_id, body["paused"], expected_version=version)
            else:
                now = listings.link_one(
                    tx, listing_id, body["product_id"], expected_version=version
                )
            was = {"paused": before.paused, "product_id": before.product_id}
            becomes = {"paused": now.paused, "product_id": now.product_id}
            note(tx, "listing.change", f"listing:{listing_id}", was, becomes)
            return _detail(tx, now)

        return command(change)


@blueprint.route("/accounts/<row:account_id>/rule")
class OneRule(MethodView):
    @blueprint.query(RuleQuery)
    @blueprint.answers(200, RuleAnswer)
    def get(self, query: dict[str, Any], account_id: int) -> Any:
        """The rule of an account's offers, or of one listing's"""
        with reading() as tx:
            _known(tx, account_id, query["listing_id"])
            return _told(account_id, query["listing_id"], _rule(tx, account_id, **query))

    @needs("support")
    @blueprint.updates()
    @blueprint.takes(RuleBody)
    @blueprint.answers(200, RuleAnswer)
    def put(self, body: dict[str, Any], account_id: int) -> Any:
        """Set the rule; offers follow at once. Before the first one the ETag is "0" """
        version = expected_version()
        listing_id = body.pop("listing_id")

        def change(tx: Transaction) -> tuple[dict[str, Any], int, dict[str, str]]:
            _known(tx, account_id, listing_id)
            before = _rule(tx, account_id, listing_id, lock=True)
            if before.version != version:
                raise StaleVersion(f"the rule has been changed to version {before.version}")
            offers.set_rule(tx, account_id, Rule(**body), listing_id)
            now = _told(account_id, listing_id, _rule(tx, account_id, listing_id))
            was = _told(account_id, listing_id, before)[0]
            note(tx, "rule.set", f"account:{account_id}", was, now[0])
            return now

        return command(change)


def _known(tx: Transaction, account_id: int, listing_id: int) -> None:
    accounts.get(tx, account_id)
    if listing_id and listings.get(tx, listing_id).account_id != account_id:
        raise NotFound(f"no listing {listing_id}")


def _rule(tx: Transaction, account_id: int, listing_id: int, *, lock: bool = False) -> Rule:
    return offers.rule(tx, account_id, listing_id, lock=lock) or Rule()


def _told(
    account_id: int, listing_id: int, rule: Rule
) -> tuple[dict[str, Any], int, dict[str, str]]:
    told = {
        "account_id": account_id,
        "listing_id": listing_id,
        "safety_stock": rule.safety_stock,
        "share_percent": rule.share_percent,
        "buffer": rule.buffer,
        "cap": rule.cap,
        "end_when_below": rule.end_when_below,
        "version": rule.version,
    }
    return told, 200, tag(rule.version)


@blueprint.route("/reconciliation")
class Reconciliation(MethodView):
    @blueprint.query(ListingQuery)
    @blueprint.answers(200, ReconciliationPage)
    def get(self, query: dict[str, Any]) -> Any:
        """Each listing's offer beside what its channel was told, confirmed, and shows now"""
        with reading() as tx:
            found = _listings(tx, query, "reconciliation")
            modes = {one.id: one.mode for one in accounts.accounts(tx)}
        told = [
            {**one._asdict(), "explanation": explain(one, modes.get(one.account_id, "paused"))}
            for one in found.items
        ]
        return Page(told, found.next)
