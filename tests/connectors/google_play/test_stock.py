"""Switching on and off where Google refuses, breaks off, or makes no sense."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from connectors.errors import ProtocolError, UnknownOutcome
from connectors.google_play import CHANNEL
from connectors.google_play.simulator import GooglePlaySimulator
from connectors.records import PushOutcome, StockOffer
from connectors.testing import Rig
from connectors.testing.rig import offer
from tests.connectors.google_play.recorded import option, product
from tests.connectors.google_play.script import NOT_FOUND, scripted


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig(CHANNEL, GooglePlaySimulator(), timeout=5.0) as rig:
        yield rig


def switch(name: str, quantity: int) -> StockOffer:
    handles = {"product_id": name, "purchase_option_id": "buy"}
    return StockOffer(f"{name}/buy", quantity, "k", None, handles)


def shown(name: str, state: str) -> dict[str, Any]:
    return product(option(state=state), productId=name)


def test_what_is_refused_but_right_already_is_done() -> None:
    refused = (400, {"error": {"status": "FAILED_PRECONDITION"}})
    connector, _ = scripted(refused, (200, {"oneTimeProducts": [shown("a", "ACTIVE")]}))

    (result,) = connector.push_stock([switch("a", 5)]).results

    assert (result.outcome, result.current) == (PushOutcome.ACCEPTED, 1)


def test_what_is_refused_and_wrong_is_rejected_with_the_number_shown() -> None:
    refused = (400, {"error": {"status": "FAILED_PRECONDITION"}})
    connector, _ = scripted(refused, (200, {"oneTimeProducts": [shown("a", "DRAFT")]}))

    (result,) = connector.push_stock([switch("a", 5)]).results

    assert (result.outcome, result.current) == (PushOutcome.REJECTED, 0)


def test_what_breaks_off_half_way_is_told_item_by_item() -> None:
    connector, script = scripted(
        NOT_FOUND,
        (200, {"oneTimeProducts": [shown("a", "ACTIVE"), shown("b", "INACTIVE")]}),
        (200, b"<html>"),
    )
    offers = [switch("a", 1), switch("b", 0), switch("c", 1), switch("d", 0)]

    results = connector.push_stock(offers).results

    assert [one.outcome for one in results] == [
        PushOutcome.ACCEPTED,
        PushOutcome.ACCEPTED,
        PushOutcome.UNKNOWN,
        PushOutcome.UNKNOWN,
    ]
    assert [one.current for one in results] == [1, 0, None, None]
    assert not script.told


def test_after_an_error_half_way_nothing_more_is_sent() -> None:
    throttled = (403, {"error": {"errors": [{"reason": "rateLimitExceeded"}]}})
    connector, script = scripted(NOT_FOUND, throttled)
    offers = [switch(name, 1) for name in "abcd"]

    results = connector.push_stock(offers).results

    assert {one.outcome for one in results} == {PushOutcome.RETRY}
    assert not script.told


@pytest.mark.parametrize("answer", [{}, {"oneTimeProducts": []}, {"oneTimeProducts": [{}]}, []])
def test_a_switch_whose_answer_makes_no_sense_is_unknown(answer: Any) -> None:
    connector, _ = scripted((200, answer))

    with pytest.raises(UnknownOutcome):
        connector.push_stock([switch("a", 1)])


def test_an_offer_that_names_no_option_is_refused_alone() -> None:
    connector, _ = scripted((200, {"oneTimeProducts": [shown("a", "ACTIVE")]}))
    nameless = replace(switch("a", 1), key="nonsense", handles={})

    results = connector.push_stock([nameless, switch("a", 1)]).results

    assert [one.outcome for one in results] == [PushOutcome.REJECTED, PushOutcome.ACCEPTED]


def test_a_catalogue_that_suddenly_looks_empty_is_not_taken_for_gone(rig: Rig) -> None:
    rig.stock_up()
    listing = rig.listing(rig.connector(), "SKU-0")
    connector, _ = scripted((200, {}))

    with pytest.raises(ProtocolError):
        connector.read_stock([offer(listing, 1, "k")])
