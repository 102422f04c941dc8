"""What a channel refused to hear of a sale: told once more, or left."""

from __future__ import annotations

import pytest

from hub.aftersales import refunding
from hub.channels import outbox
from hub.channels.outbox import Answer
from hub.channels.telling import Abilities
from hub.db import Database
from hub.errors import Conflict
from hub.sales import cancelling, shipments
from hub.secrets import Keyring
from tests.builders import World, line, order, world
from tests.hub.resolution.steps import as_told, conflict, resolve, run

ABLE = Abilities(ship=True, cancel=True, refund=True, cancels_lines=True)


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    made = world(database, seller, keyring, {"TENT": 5})
    made.take(order("1", line("a", "v-TENT", 3)))
    return made


def answer(shop: World, outcome: str, **said: str) -> None:
    """What the channel says of the one thing it is told."""
    (due,) = run(shop, lambda tx: outbox.claim(tx, shop.account_id, 10, 60.0))
    run(shop, lambda tx: outbox.record(tx, shop.account_id, [Answer(due, outcome, **said)]))


def test_a_parcel_is_told_again_and_the_conflict_closes_when_it_is_taken(shop: World) -> None:
    leaving = shipments.Leaving("DHL", "JD01")
    number = run(shop, lambda tx: shipments.ship(tx, shop.order_id("1"), leaving, ABLE)).id
    answer(shop, outbox.REJECTED, code="carrier_unknown", message="no such carrier")
    run(shop, lambda tx: shipments.answered(tx, number, 1, shipments.REFUSED, ""))

    one = conflict(shop, "shipment_rejected")
    assert one.evidence["hub"] == {"carrier": "DHL", "tracking_number": "JD01"}
    assert one.evidence["channel"] == {"code": "carrier_unknown", "message": "no such carrier"}
    assert as_told(shop, "shipment_rejected", "retry").state == "in_progress"
    shop.check()

    answer(shop, outbox.DONE, external_id="P1")
    run(shop, lambda tx: shipments.answered(tx, number, 1, shipments.TOLD, "P1"))
    assert conflict(shop, "shipment_rejected").state == "auto_resolved"
    shop.check()


def test_what_is_refused_again_lies_open_again(shop: World) -> None:
    wanted = cancelling.TakenOff("out of stock")
    run(shop, lambda tx: cancelling.cancel(tx, shop.order_id("1"), wanted, ABLE))
    answer(shop, outbox.REJECTED, code="too_late")

    resolve(shop, "cancellation_rejected", "retry")
    answer(shop, outbox.REJECTED, code="too_late")

    assert conflict(shop, "cancellation_rejected").state == "open"
    assert shop.line("1", "a") == {"quantity": 3, "cancelled": 3}


def test_while_it_is_being_told_it_is_not_told_a_second_time(shop: World) -> None:
    wanted = cancelling.TakenOff("out of stock")
    run(shop, lambda tx: cancelling.cancel(tx, shop.order_id("1"), wanted, ABLE))
    answer(shop, outbox.REJECTED, code="too_late")
    resolve(shop, "cancellation_rejected", "retry")

    with pytest.raises(Conflict, match="is being told"):
        resolve(shop, "cancellation_rejected", "retry")


def test_a_refund_that_was_refused_is_not_asked_for_where_it_is_left_no_more(shop: World) -> None:
    number = shop.order_id("1")
    asked = refunding.Asked(400, "it came late")
    made = run(shop, lambda tx: refunding.give(tx, number, asked, ABLE))
    answer(shop, outbox.REJECTED, code="not_now")
    run(shop, lambda tx: refunding.answered(tx, made.id, "", taken=False))
    run(shop, lambda tx: refunding.give(tx, number, asked, ABLE))

    with pytest.raises(Conflict, match="not left"):
        resolve(shop, "refund_rejected", "retry")

    assert [one.state for one in run(shop, lambda tx: refunding.of_order(tx, number))] == [
        "refused",
        "pending",
    ]
