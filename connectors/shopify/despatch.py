"""The simulated shop sends orders and cancels them: fulfilment orders, parcels, jobs.

An order's goods wait at one location, or where ``places`` says for a line. ``stuck`` puts a state
on an order's fulfilment orders: held, scheduled. ``notified`` are the orders whose buyers heard.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from connectors.postsale import Parcel, ParcelLine
from connectors.records import OrderStatus
from connectors.shopify import storefront as words
from connectors.shopify.queries import LINES_PAGE
from connectors.simulators.shop import Refused, Sale, SaleLine, Shop

Variables = Mapping[str, Any]
Answer = dict[str, Any]

ORDERS_SHOWN = 20
LINES_SHOWN = 50
READY = ("OPEN", "IN_PROGRESS")


class Despatch:
    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.places: dict[str, str] = {}
        self.stuck: dict[str, str] = {}
        self.notified: list[str] = []
        #: Looks at a cancelling job before it is done.
        self.slow_job = 0
        self._jobs: dict[str, tuple[str, int]] = {}

    def operations(self) -> dict[str, Callable[[Variables], Answer]]:
        return {
            "Sending": self._sending,
            "OpenLines": self._open_lines,
            "Sent": self._sent,
            "SentLines": self._sent_lines,
            "Ship": self._ship,
            "CorrectTracking": self._correct,
            "Cancelled": self._cancelled,
            "Cancel": self._cancel,
            "Job": self._job,
        }

    # -- parcels -------------------------------------------------------------------------------

    def _sending(self, given: Variables) -> Answer:
        sale = self._sale(given["id"])
        if sale is None:
            return {"order": None}
        orders = [self._fulfilment_order(sale, place) for place in self._places(sale)]
        order = {
            "id": given["id"],
            "cancelledAt": words.time(sale.cancelled_at) if sale.cancelled_at else None,
            "displayFulfillmentStatus": words.WORDS[sale.status][1],
            "fulfillments": [
                {
                    **_parcel(one),
                    "fulfillmentLineItems": words.sliced(_lines(one, sale), LINES_SHOWN),
                }
                for one in sale.parcels
            ],
            "fulfillmentOrders": words.sliced(orders, ORDERS_SHOWN, given.get("after")),
        }
        return {"order": order}

    def _fulfilment_order(self, sale: Sale, place: str) -> Answer:
        lines = self._waiting(sale, place)
        return {
            "id": self._order_key(sale, place),
            "status": self._status(sale, place),
            "assignedLocation": {"location": {"id": place}},
            "lineItems": words.sliced(lines, LINES_SHOWN),
        }

    def _open_lines(self, given: Variables) -> Answer:
        found = self._find(given["id"])
        if found is None:
            return {"node": None}
        lines = words.sliced(self._waiting(*found), LINES_PAGE, given["after"])
        return {"node": {"__typename": "FulfillmentOrder", "lineItems": lines}}

    def _sent(self, given: Variables) -> Answer:
        nodes: list[Answer | None] = []
        for key in given["ids"]:
            sale = self._sale(key)
            nodes.append(
                {"__typename": "Order", "id": key, "fulfillments": parcels(sale)} if sale else None
            )
        return {"nodes": nodes}

    def _sent_lines(self, given: Variables) -> Answer:
        found = self._parcel(given["id"])
        if found is None:
            return {"node": None}
        lines = words.sliced(_lines(found[1], found[0]), LINES_PAGE, given["after"])
        return {"node": {"__typename": "Fulfillment", "fulfillmentLineItems": lines}}

    def _ship(self, given: Variables) -> Answer:
        asked = given["fulfillment"]
        with self.shop.lock:
            try:
                sale, place, lines = self._asked(asked["lineItemsByFulfillmentOrder"])
                told = asked.get("trackingInfo") or {}
                parcel = Parcel(
                    order_key=sale.key,
                    parcel_key="",
                    carrier=told.get("company", ""),
                    tracking_number=told.get("number", ""),
                    shipped_at=self.shop.now(),
                    lines=tuple(lines),
                    tracking_url=told.get("url", ""),
                )
                made = self.shop.ship(sale.key, parcel)
            except Refused as refused:
                return _answered("fulfillmentCreate", None, str(refused))
        if asked.get("notifyCustomer"):
            self.notified.append(sale.key)
        return _answered("fulfillmentCreate", _fulfilment(made.external_id), "")

    def _asked(self, entries: Sequence[Mapping[str, Any]]) -> tuple[Sale, str, list[ParcelLine]]:
        """The order, the place and the lines that are to be sent. Raises Refused."""
        lines: list[ParcelLine] = []
        found: tuple[Sale, str] | None = None
        for entry in entries:
            one = self._find(entry["fulfillmentOrderId"])
            if one is None:
                raise Refused("Fulfillment order does not exist.")
            status = self._status(*one)
            if status not in READY:
                number = entry["fulfillmentOrderId"].rpartition("/")[2]
                word = status.lower()
                raise Refused(f"Fulfillment order {number} has an unfulfillable status= {word}.")
            if found is not None and found[1] != one[1]:
                raise Refused("All fulfillment orders must be assigned to the same location.")
            found = one
            lines += self._wanted(*one, entry.get("fulfillmentOrderLineItems"))
        if found is None:
            raise Refused("Fulfillment orders can't be blank.")
        return (*found, lines)

    def _wanted(self, sale: Sale, place: str, entries: Any) -> list[ParcelLine]:
        waiting = {one["id"]: one for one in self._waiting(sale, place)}
        if not entries:
            entries = [
                {"id": key, "quantity": one["remainingQuantity"]} for key, one in waiting.items()
            ]
        for one in entries:
            there = waiting.get(one["id"], {"remainingQuantity": 0})["remainingQuantity"]
            if not 0 < one["quantity"] <= there:
                raise Refused("Invalid fulfillment order line item quantity requested.")
        return [ParcelLine(one["id"].rpartition("/")[2], one["quantity"]) for one in entries]

    def _correct(self, given: Variables) -> Answer:
        found = self._parcel(given["id"])
        if found is None:
            return _answered("fulfillmentTrackingInfoUpdate", None, "Fulfillment does not exist.")
        sale, parcel = found
        told = given["tracking"]
        if given.get("notify"):
            self.notified.append(sale.key)
        self.shop.correct_parcel(
            sale.key,
            parcel.external_id,
            told.get("company", ""),
            told.get("number", ""),
            told.get("url", ""),
        )
        made = _fulfilment(parcel.external_id)
        return _answered("fulfillmentTrackingInfoUpdate", made, "")

    # -- cancellations -------------------------------------------------------------------------

    def _cancelled(self, given: Variables) -> Answer:
        self._work()
        sale = self._sale(given["id"])
        if sale is None:
            return {"order": None}
        at = words.time(sale.cancelled_at) if sale.cancelled_at else None
        return {"order": {"id": given["id"], "cancelledAt": at}}

    def _cancel(self, given: Variables) -> Answer:
        sale = self._sale(given["id"])
        if sale is None:
            return _job(None, "NOT_FOUND", "Order does not exist")
        if sale.cancelled_at is not None:
            return _job(None, "INVALID", "Order has already been cancelled")
        if any(words.sent(line, sale) for line in sale.lines):
            return _job(None, "INVALID", "Cannot cancel an order that has fulfillments")
        key = words.gid("Job", str(uuid4()))
        self._jobs[key] = (sale.key, self.slow_job)
        return _job(key, "", "")

    def _job(self, given: Variables) -> Answer:
        self._work()
        return {"job": {"id": given["id"], "done": given["id"] not in self._jobs}}

    def _work(self) -> None:
        """What is done between two requests."""
        for key, (order_key, looks) in list(self._jobs.items()):
            if looks > 0:
                self._jobs[key] = (order_key, looks - 1)
            else:
                self.shop.cancel(order_key, restock=False)
                del self._jobs[key]

    # -- where goods wait ----------------------------------------------------------------------

    def _places(self, sale: Sale) -> list[str]:
        return list(dict.fromkeys(self.places.get(one.key, words.LOCATION) for one in sale.lines))

    def _order_key(self, sale: Sale, place: str) -> str:
        return words.gid("FulfillmentOrder", f"{sale.key}{self._places(sale).index(place)}")

    def _find(self, key: str) -> tuple[Sale, str] | None:
        number = words.key(key, "FulfillmentOrder")
        sale = self.shop.order(number[:-1])
        places = self._places(sale) if sale else []
        index = int(number[-1:] or 0)
        return (sale, places[index]) if sale and index < len(places) else None

    def _status(self, sale: Sale, place: str) -> str:
        if sale.cancelled_at is not None:
            return "CLOSED"
        if sale.key in self.stuck:
            return self.stuck[sale.key]
        if sale.status is OrderStatus.HELD:
            return "ON_HOLD"
        left = sum(one["remainingQuantity"] for one in self._waiting(sale, place))
        return "OPEN" if left else "CLOSED"

    def _waiting(self, sale: Sale, place: str) -> list[Answer]:
        return [
            {
                "id": words.gid("FulfillmentOrderLineItem", one.key),
                "remainingQuantity": _remaining(one, sale),
                "lineItem": {"id": words.gid("LineItem", one.key)},
            }
            for one in sale.lines
            if self.places.get(one.key, words.LOCATION) == place
        ]

    def _sale(self, key: str) -> Sale | None:
        return self.shop.order(words.key(key, "Order"))

    def _parcel(self, key: str) -> tuple[Sale, Parcel] | None:
        number = words.key(key, "Fulfillment")
        for sale in self.shop.orders:
            for one in sale.parcels:
                if one.external_id == number:
                    return sale, one
        return None


def parcels(sale: Sale) -> list[Answer]:
    """An order's parcels with their lines; one that only the order's state tells of is made up."""
    told = list(sale.parcels)
    if not told and any(words.sent(one, sale) for one in sale.lines):
        lines = tuple(ParcelLine(one.key, words.sent(one, sale)) for one in sale.lines)
        told = [Parcel(sale.key, "", "", "", sale.updated_at, lines, external_id=sale.key)]
    return [
        {
            "id": words.gid("Fulfillment", one.external_id),
            "status": "SUCCESS",
            "fulfillmentLineItems": words.sliced(_lines(one, sale), LINES_SHOWN),
        }
        for one in told
    ]


def _remaining(line: SaleLine, sale: Sale) -> int:
    return line.quantity - line.cancelled - words.sent(line, sale)


def _parcel(parcel: Parcel) -> Answer:
    info = {
        "number": parcel.tracking_number or None,
        "company": parcel.carrier or None,
        "url": parcel.tracking_url or None,
    }
    return {
        "id": words.gid("Fulfillment", parcel.external_id),
        "status": "SUCCESS",
        "createdAt": words.time(parcel.shipped_at),
        "trackingInfo": [info] if any(info.values()) else [],
    }


def _lines(parcel: Parcel, sale: Sale) -> list[Answer]:
    lines = list(parcel.lines)
    if not lines:  # the shop itself sent all that was open
        lines = [ParcelLine(one.key, one.shipped) for one in sale.lines if one.shipped]
    return [
        {"quantity": one.quantity, "lineItem": {"id": words.gid("LineItem", one.line_key)}}
        for one in lines
    ]


def _fulfilment(number: str) -> Answer:
    return {"id": words.gid("Fulfillment", number), "status": "SUCCESS"}


def _answered(name: str, made: Answer | None, message: str) -> Answer:
    errors = [{"field": ["fulfillment"], "message": message}] if message else []
    return {name: {"fulfillment": made, "userErrors": errors}}


def _job(key: str | None, code: str, message: str) -> Answer:
    errors = [{"code": code, "field": ["orderId"], "message": message}] if code else []
    job = {"id": key, "done": False} if key else None
    return {"orderCancel": {"job": job, "orderCancelUserErrors": errors}}
