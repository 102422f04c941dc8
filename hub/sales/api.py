"""Orders over HTTP: reading, and the keys they were given."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from hub.api.blueprints import Blueprint, needs
from hub.api.edge import command, installation, note, reading
from hub.channels import accounts
from hub.db import Transaction
from hub.paging import LARGEST_ID, after_id, page
from hub.sales import delivering, orders
from hub.sales.schemas import OrderDetail, OrderKeys, OrderPage, OrderQuery

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
