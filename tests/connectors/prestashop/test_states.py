"""Where an order stands, by flags, by the configuration, and by the seller's own list."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.errors import RejectedError
from connectors.prestashop.states import State, States, chosen, state
from connectors.records import OrderStatus
from tests.connectors.prestashop.recorded import ROLES, states

NONE: dict[str, str] = {}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("", OrderStatus.UNPAID),
        ("1", OrderStatus.UNPAID),
        ("2", OrderStatus.CONFIRMED),
        ("3", OrderStatus.CONFIRMED),
        ("4", OrderStatus.SHIPPED),
        ("5", OrderStatus.DELIVERED),
        ("6", OrderStatus.CANCELLED),
        ("7", OrderStatus.CANCELLED),
        ("8", OrderStatus.CANCELLED),
        ("9", OrderStatus.CONFIRMED),
        ("10", OrderStatus.UNPAID),
        ("13", OrderStatus.UNPAID),
        ("21", OrderStatus.CONFIRMED),
        ("22", OrderStatus.SHIPPED),
        ("99", OrderStatus.HELD),
    ],
)
@pytest.mark.parametrize("roles", [ROLES, NONE], ids=["configured", "guessed"])
def test_a_state_says_where_an_order_stands(
    key: str, expected: OrderStatus, roles: dict[str, str]
) -> None:
    assert states(roles).status(key) is expected


def test_the_configuration_knows_better_than_the_numbers_of_a_new_shop() -> None:
    moved = states({**ROLES, "PS_OS_CANCELED": "10", "PS_OS_DELIVERED": "22"})

    assert moved.status("10") is OrderStatus.CANCELLED
    assert moved.status("6") is OrderStatus.UNPAID
    assert moved.status("22") is OrderStatus.DELIVERED
    assert moved.status("5") is OrderStatus.SHIPPED


def test_a_guessed_number_counts_only_where_the_flags_fit() -> None:
    own = States({"6": State("6", "Gift wrapped", paid=True, shipped=False, logable=True)})

    assert own.status("6") is OrderStatus.CONFIRMED


def test_the_sellers_list_goes_before_all() -> None:
    own = states(own=chosen(" 13=confirmed, 6 = held ,"), cancelled="21", shipped="3")

    assert own.status("13") is OrderStatus.CONFIRMED
    assert own.status("6") is OrderStatus.HELD
    assert own.status("21") is OrderStatus.CANCELLED
    assert own.status("3") is OrderStatus.SHIPPED


@pytest.mark.parametrize("text", ["13", "13=gone", "x=held", "=held"])
def test_a_list_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(RejectedError) as caught:
        chosen(text)

    assert caught.value.field == "states"


def test_the_state_to_set_is_the_shops_or_the_sellers() -> None:
    assert (states().to_ship(), states().to_cancel()) == ("4", "6")
    assert (states(NONE).to_ship(), states(NONE).to_cancel()) == ("4", "6")
    assert states({**ROLES, "PS_OS_SHIPPING": "98"}).to_ship() == "4"
    assert states({**ROLES, "PS_OS_SHIPPING": "22"}).to_ship() == "22"
    assert states(shipped="22").to_ship() == "22"
    assert states(cancelled="21").to_cancel() == "21"


def test_a_shop_without_such_a_state_is_told() -> None:
    bare = States({"2": State("2", "Paid", paid=True, shipped=False, logable=True)})

    with pytest.raises(RejectedError) as shipping:
        bare.to_ship()
    with pytest.raises(RejectedError) as cancelling:
        bare.to_cancel()

    assert (shipping.value.field, cancelling.value.field) == ("shipped_state", "cancelled_state")


def test_a_state_is_not_set_where_it_was_deleted() -> None:
    gone = State("4", "Shipped", paid=True, shipped=True, logable=True, deleted=True)
    other = State("30", "Handed over", paid=True, shipped=True, logable=True)

    last = State("5", "Delivered", paid=True, shipped=True, logable=True)

    assert States({"4": gone, "5": last, "30": other}, ROLES).to_ship() == "30"


@pytest.mark.parametrize(
    "name", ["Shipped", [{"id": "1", "value": ""}, {"id": "2", "value": "Shipped"}]]
)
def test_a_state_is_read_in_any_language(name: Any) -> None:
    row = {"id": 4, "name": name, "paid": "1", "shipped": True, "logable": 1, "deleted": "0"}

    assert state(row) == State("4", "Shipped", paid=True, shipped=True, logable=True)
