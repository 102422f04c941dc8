"""Orders over HTTP: reading them, their keys, sending goods and taking units off."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from hub.api.blueprints import Blueprint, needs
from hub.api.edge import command, expected_version, installation, note, reading, tag
from hub.channels import accounts, connecting
from hub.channels.telling import Abilities
from hub.db import Transaction
from hub.paging import LARGEST_ID, after_id, page
from hub.sales import cancelling, delivering, orders, shipments
from hub.sales.cancelling import Cancellation, Off
from hub.sales.schemas import (
    CancellationAnswer,
    CancellationBody,
    CancellationsAnswer,
    CorrectionBody,
    OrderDetail,
    OrderKeys,
    OrderPage,
    OrderQuery,
    ShipmentAnswer,
    ShipmentBody,
    ShipmentsAnswer,
    units,
)
from hub.sales.shipments import Sent, Shipment

Answered = tuple[dict[str, Any], dict[str, str]]

blueprint = Blueprint(
    "orders",
    __name__,
    role="viewer",
    url_prefix="/api/v1",
    description="Orders of all channels",
)


@blueprint.route("/orders")
class Orders(MethodView):
    @blueprint.query(OrderQuery)
    @blueprint.answers(200, OrderPage)
    def get(self, query: dict[str, Any]) -> Any:
        """Orders, the one taken in last first"""
        with reading() as tx:
            if query["account_id"] is not None:
                accounts.get(tx, query["account_id"])
            found = orders.orders(
                tx,
                before=after_id(query["after"], "orders", first=LARGEST_ID),
                limit=query["limit"] + 1,
                account_id=query["account_id"],
                status=query["status"],
            )
        return page(found, query["limit"], "orders", lambda one: one.id)


@blueprint.route("/orders/<row:order_id>")
class OneOrder(MethodView):
    @blueprint.answers(200, OrderDetail)
    def get(self, order_id: int) -> Any:
        """One order, and where the units of each of its lines are"""
        with reading() as tx:
            order, lines = orders.get(tx, order_id)
        return {**order._asdict(), "lines": lines}


@blueprint.route("/orders/<row:order_id>/keys")
class Keys(MethodView):
    @needs("support")
    @blueprint.answers(200, OrderKeys)
    def get(self, order_id: int) -> Any:
        """The activation keys an order was given; each reading leaves an audit line"""

        def read(tx: Transaction) -> list[dict[str, Any]]:
            found = delivering.keys_of_order(tx, installation().keyring, order_id)
            note(tx, "order.keys.read", f"order:{order_id}", after={"count": len(found)})
            return [{**one._asdict(), "key": one.key.reveal()} for one in found]

        return {"items": command(read)}


def able(tx: Transaction, order_id: int) -> Abilities:
    """What the channel of an order can be told; nothing where it is installed no more."""
    order, _ = orders.get(tx, order_id)
    channel = installation().channels.get(accounts.get(tx, order.account_id).channel)
    return connecting.abilities(channel) if channel else Abilities()


def _shipment(one: Shipment, sent: list[Sent]) -> dict[str, Any]:
    return {**one._asdict(), "lines": sent}


def _cancellation(one: Cancellation, off: list[Off]) -> dict[str, Any]:
    return {**one._asdict(), "lines": off}


@blueprint.route("/orders/<row:order_id>/shipments")
class Shipments(MethodView):
    @blueprint.answers(200, ShipmentsAnswer)
    def get(self, order_id: int) -> Any:
        """What has been sent of an order, in which parcels"""
        with reading() as tx:
            return {"items": [_shipment(*one) for one in shipments.of_order(tx, order_id)]}

    @needs("support")
    @blueprint.takes(ShipmentBody)
    @blueprint.answers(201, ShipmentAnswer)
    def post(self, body: dict[str, Any], order_id: int) -> Any:
        """Send units of an order; its channel is told where it takes that

        The goods have left then, whatever the channel answers: what it refuses is a conflict.
        """
        leaving = shipments.Leaving(**{**body, "lines": units(body["lines"])})

        def send(tx: Transaction) -> Answered:
            made = shipments.ship(tx, order_id, leaving, able(tx, order_id))
            told = _shipment(*shipments.get(tx, made.id))
            after = {"order": order_id, "number": made.number, "state": made.state}
            note(tx, "shipment.send", f"shipment:{made.id}", after=after)
            return told, {**tag(made.version), "Location": f"/api/v1/shipments/{made.id}"}

        told, headers = command(send)
        return told, 201, headers


@blueprint.route("/shipments/<row:shipment_id>")
class OneShipment(MethodView):
    @blueprint.answers(200, ShipmentAnswer)
    def get(self, shipment_id: int) -> Any:
        """One parcel, and whether its channel knows of it"""
        with reading() as tx:
            made, sent = shipments.get(tx, shipment_id)
        return _shipment(made, sent), 200, tag(made.version)

    @needs("support")
    @blueprint.updates()
    @blueprint.takes(CorrectionBody)
    @blueprint.answers(200, ShipmentAnswer)
    def patch(self, body: dict[str, Any], shipment_id: int) -> Any:
        """Correct carrier or number; the channel is told where it takes corrections"""
        version = expected_version()

        def change(tx: Transaction) -> Answered:
            before, sent = shipments.get(tx, shipment_id)
            given = shipments.Correction(**body)
            now = shipments.correct(
                tx, shipment_id, given, able(tx, before.order_id), expected_version=version
            )
            if now.version != before.version:
                was = {name: getattr(before, name) for name in given._fields}
                became = {name: getattr(now, name) for name in given._fields}
                note(tx, "shipment.correct", f"shipment:{shipment_id}", was, became)
            return _shipment(now, sent), tag(now.version)

        told, headers = command(change)
        return told, 200, headers


@blueprint.route("/orders/<row:order_id>/cancellations")
class Cancellations(MethodView):
    @blueprint.answers(200, CancellationsAnswer)
    def get(self, order_id: int) -> Any:
        """What was taken off an order here"""
        with reading() as tx:
            return {"items": [_cancellation(*one) for one in cancelling.of_order(tx, order_id)]}

    @needs("support")
    @blueprint.takes(CancellationBody)
    @blueprint.answers(201, CancellationAnswer)
    def post(self, body: dict[str, Any], order_id: int) -> Any:
        """Take units off an order that have not left; its channel is told where it takes that

        They are free for others at once. No money is given back by this.
        """
        wanted = cancelling.TakenOff(body["reason"], units(body["lines"]))

        def take_off(tx: Transaction) -> dict[str, Any]:
            made = cancelling.cancel(tx, order_id, wanted, able(tx, order_id))
            after = {"order": order_id, "reason": made.reason, "state": made.state}
            note(tx, "order.cancel", f"cancellation:{made.id}", after=after)
            return _cancellation(*cancelling.of_order(tx, order_id)[-1])

        return command(take_off), 201
