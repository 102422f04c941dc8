"""A channel on a bad day, asked to write: an unanswered write is unknown, and read back."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep

import pytest

from connectors.base import Connector
from connectors.errors import AuthError, TransientError, UnknownOutcome
from connectors.records import Listing, PushOutcome, StockOffer
from connectors.testing.hostile import OFTEN
from connectors.testing.rig import Rig, offer, ref
from connectors.testing.stock import described

UNKNOWN = {PushOutcome.UNKNOWN, PushOutcome.RETRY}

#: What is shown before and is to be shown after: a change at channels of on and off too.
BEFORE, AFTER = 10, 0


def push(connector: Connector, given: StockOffer) -> PushOutcome:
    """The outcome, whether it is answered or raised."""
    try:
        (result,) = connector.push_stock([given]).results
    except UnknownOutcome:
        return PushOutcome.UNKNOWN
    except TransientError:
        return PushOutcome.RETRY
    return result.outcome


def ready(rig: Rig) -> tuple[Connector, Listing]:
    described(rig)
    rig.stock_up(1, quantity=BEFORE)
    connector = rig.connector()
    (listing,) = rig.listings(connector)
    connector.read_stock([ref(listing)])  # so that the next request is the write
    return connector, listing


def shown(connector: Connector, listing: Listing) -> int | None:
    return connector.read_stock([ref(listing)])[0].quantity


class WriteContract:
    @pytest.mark.parametrize("fault", ["rate_limited", "throttled"])
    def test_a_throttled_write_is_known_not_to_have_happened(self, rig: Rig, fault: str) -> None:
        connector, listing = ready(rig)
        rig.simulator.faults.next(fault, times=OFTEN)

        assert push(connector, offer(listing, AFTER, "k1")) is PushOutcome.RETRY

        rig.simulator.faults.clear()
        assert shown(connector, listing) == rig.shows(BEFORE)

    @pytest.mark.parametrize("fault", ["error_before", "timeout_before", "cut_before"])
    def test_a_write_that_got_lost_is_not_taken_for_done(self, rig: Rig, fault: str) -> None:
        connector, listing = ready(rig)
        rig.simulator.faults.next(fault, times=OFTEN)

        assert push(connector, offer(listing, AFTER, "k1")) in UNKNOWN

        rig.simulator.faults.clear()
        assert shown(connector, listing) == rig.shows(BEFORE)

    @pytest.mark.parametrize(
        "fault",
        ["error_after", "timeout_after", "cut_after", "truncated", "wrong_body", "wrong_json"],
    )
    def test_a_write_whose_answer_got_lost_is_unknown_and_read_back(
        self, rig: Rig, fault: str
    ) -> None:
        connector, listing = ready(rig)
        rig.simulator.faults.next(fault, where=rig.simulator.stock_write)

        assert push(connector, offer(listing, AFTER, "k1")) in UNKNOWN

        assert rig.simulator.faults.counts[fault] == 1
        assert shown(connector, listing) == AFTER

    def test_a_late_write_is_found_by_a_later_read_back(self, rig: Rig) -> None:
        connector, listing = ready(rig)
        rig.simulator.faults.next("late")

        assert push(connector, offer(listing, AFTER, "k1")) in UNKNOWN

        assert rig.shop.quantity(listing.sku) in (rig.shows(BEFORE), AFTER)
        assert eventually(lambda: shown(connector, listing) == AFTER)

    def test_an_unknown_write_is_retried_without_harm(self, rig: Rig) -> None:
        connector, listing = ready(rig)
        rig.simulator.faults.next("error_after", where=rig.simulator.stock_write)
        given = offer(listing, AFTER, "k1")

        push(connector, given)

        assert push(connector, given) is PushOutcome.ACCEPTED
        assert rig.shop.quantity(listing.sku) == AFTER

    def test_a_write_without_access_pauses_the_account(self, rig: Rig) -> None:
        connector, listing = ready(rig)
        rig.simulator.faults.next("unauthorized", times=OFTEN)

        with pytest.raises(AuthError):
            connector.push_stock([offer(listing, AFTER, "k1")])


def eventually(is_so: Callable[[], bool], timeout: float = 5.0) -> bool:
    until = monotonic() + timeout
    while monotonic() < until:
        if is_so():
            return True
        sleep(0.05)
    return False
