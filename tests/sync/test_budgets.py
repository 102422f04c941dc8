"""An account's budget: shared, kept to, steered by what the channel says, and obeyed when shut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from uuid import uuid4

import pytest
from redis import Redis

from connectors.base import Level, Limit, Meter
from connectors.errors import TransientError
from connectors.http import Response
from sync.budgets import KEPT, PATIENCE, Budget, Own, Shared, can_wait
from tests.rig import Rig

TEN_A_SECOND = Limit("requests", rate=10, burst=20)


def told(headers: Mapping[str, str], body: bytes) -> Level | None:
    """A channel that says in a header what is left, and how fast it comes back."""
    if "x-left" not in headers:
        return None
    rate = headers.get("x-rate")
    return Level(float(headers["x-left"]), float(rate) if rate else None)


class Town:
    """Hosts that share a Redis whose time stands still until it is moved."""

    def __init__(self, redis: Redis, limit: Limit = TEN_A_SECOND) -> None:
        self.redis = redis
        self.limit = limit
        self.key = f"test:{uuid4().hex}"
        self.now = 1_000.0
        self.buckets: list[Shared] = []

    def host(self, meter: Meter | None = told) -> Budget:
        bucket = Shared(self.redis, self.key, self.limit)
        bucket.now = str(self.now)
        self.buckets.append(bucket)
        return Budget(bucket, Own(self.limit), meter)

    def later(self, seconds: float) -> None:
        self.now += seconds
        for bucket in self.buckets:
            bucket.now = str(self.now)


def answer(status: int = 200, **headers: str) -> Response:
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, b"")


def granted(budget: Budget, cost: float = 1.0, *, most: int = 100) -> int:
    """How many requests go out before one is refused; none waits for its turn."""
    for count in range(most):
        try:
            budget.before(cost)
        except TransientError:
            return count
        budget.after(answer())
    return most


def waits(budget: Budget, cost: float) -> float:
    """Seconds until a request so dear may come again; 0 = it went out."""
    try:
        budget.before(cost)
    except TransientError as error:
        return error.retry_after or 0.0
    budget.after(answer())
    return 0.0


@pytest.fixture
def redis(servers: Rig) -> Iterator[Redis]:
    client: Redis = Redis.from_url(servers.redis_url)
    yield client
    client.close()


@pytest.fixture
def town(redis: Redis) -> Town:
    return Town(redis)


def test_two_hosts_share_one_budget(town: Town) -> None:
    here, there = town.host(), town.host()

    count = granted(here, most=12) + granted(there)

    # What is to be had within the patience is waited for, and taken in advance.
    assert count == 20 + int(PATIENCE * 10)


def test_it_comes_back_at_its_rate_and_no_higher_than_the_burst(town: Town) -> None:
    budget = town.host()
    first = granted(budget)

    town.later(1.0)
    after_a_second = granted(budget)
    town.later(1_000.0)

    assert after_a_second == 10
    assert granted(budget) == first


def test_what_is_refused_says_when_to_come_again(town: Town) -> None:
    budget = town.host()
    granted(budget)

    with pytest.raises(TransientError) as caught:
        budget.before(5)

    wait = caught.value.retry_after
    assert caught.value.throttled
    assert wait is not None
    town.later(wait)
    budget.before(5)


def test_too_fast_shuts_it_for_all_until_the_channel_says(town: Town) -> None:
    here, there = town.host(), town.host()
    here.before(1)

    here.after(answer(429, retry_after="7"))

    with pytest.raises(TransientError) as caught:
        there.before(1)
    assert caught.value.retry_after == pytest.approx(7, abs=0.01)
    town.later(7.1)
    there.before(1)


def test_too_fast_without_a_time_is_obeyed_for_a_moment(town: Town) -> None:
    budget = town.host()
    budget.before(1)

    budget.after(answer(429))

    assert granted(budget) == 0
    town.later(1.1)
    assert granted(budget) > 0


def test_the_channels_own_count_is_believed(town: Town) -> None:
    budget = town.host()
    budget.before(1)

    budget.after(answer(x_left="3", x_rate="2"))

    assert granted(budget) == 3
    town.later(2.0)
    assert granted(budget) == 4


def test_what_is_on_its_way_is_not_given_out_twice(town: Town) -> None:
    here, there = town.host(), town.host()
    there.before(6)
    here.before(1)

    here.after(answer(x_left="10"))

    assert granted(here) == 10 - 6 + int(PATIENCE * 10)


def test_a_request_that_is_never_answered_is_forgotten_in_time(town: Town) -> None:
    here, there = town.host(), town.host()
    there.before(6)
    town.later(61)
    here.before(1)

    here.after(answer(x_left="10"))

    assert granted(here) == 10 + int(PATIENCE * 10)


def test_what_costs_more_than_the_burst_takes_all_of_it(town: Town) -> None:
    budget = town.host()

    budget.before(500)

    assert granted(budget) <= int(PATIENCE * 10)


def test_work_that_can_wait_leaves_some_for_stock_and_orders(town: Town) -> None:
    budget = town.host()
    token = can_wait.set(True)
    try:
        bulk = granted(budget)
    finally:
        can_wait.reset(token)

    assert bulk < 20 + int(PATIENCE * 10)
    assert granted(budget) == int(20 * KEPT)


def test_an_answer_overtaken_by_a_later_one_does_not_give_back_what_that_took(town: Town) -> None:
    here, there = town.host(), town.host()
    here.before(1)
    town.later(0.01)
    there.before(6)
    town.later(0.01)

    there.after(answer(x_left="13"))  # both have been counted
    here.after(answer(x_left="19"))  # told before the other was

    assert granted(here) == 13 + int(PATIENCE * 10)


def test_what_costs_more_than_the_burst_is_on_its_way_no_longer_when_answered(town: Town) -> None:
    budget = town.host()
    budget.before(500)

    budget.after(answer(x_left="10"))
    budget.before(1)
    budget.after(answer(x_left="9"))

    assert granted(budget) == 9 + int(PATIENCE * 10)


def test_a_full_bucket_gains_nothing_until_the_channel_has_heard(town: Town) -> None:
    budget = town.host(meter=None)
    budget.before(1)
    town.later(0.3)

    budget.after(answer())

    # One has been taken; what seemed to come back meanwhile had no room at the channel.
    assert granted(budget) == 19 + int(PATIENCE * 10)
    town.later(0.5)
    assert granted(budget) == 5


def test_a_dear_request_is_saved_for_while_cheap_ones_go_on(town: Town) -> None:
    budget = town.host()
    granted(budget)
    told = waits(budget, 15)
    cheap = 0
    while told and cheap < 100:
        town.later(min(told, 0.1))
        cheap += granted(budget)
        told = waits(budget, 15)

    assert told == 0
    assert 10 <= cheap <= 25  # half of what came in while 15 were saved, and nobody else's half
    assert granted(budget) <= int(PATIENCE * 10)


def test_what_never_comes_again_is_saved_for_no_longer(town: Town) -> None:
    budget = town.host()
    granted(budget)
    waits(budget, 20)

    town.later(10)

    assert granted(budget) == 20 + int(PATIENCE * 10)


def test_a_channel_cannot_have_us_wait_for_days(town: Town) -> None:
    budget = town.host()
    budget.before(1)

    budget.after(answer(429, retry_after="86400"))
    town.later(901)

    assert granted(budget) > 0


def test_a_clock_that_is_set_back_does_not_stop_the_account(town: Town) -> None:
    budget = town.host()
    granted(budget)
    budget.after(answer(429, retry_after="600"))

    town.later(-3_600)
    granted(budget)
    town.later(1)

    assert granted(budget) >= 10


def test_accounts_do_not_spend_each_others_budget(redis: Redis) -> None:
    one, other = Town(redis).host(), Town(redis).host()

    assert granted(one) == granted(other)


def test_a_lost_redis_begins_with_a_full_budget(town: Town) -> None:
    budget = town.host()
    first = granted(budget)
    town.redis.delete(town.key, f"{town.key}:flying")

    assert granted(budget) == first


def test_while_redis_is_away_each_process_keeps_to_its_own(town: Town) -> None:
    nowhere: Redis = Redis.from_url("redis://127.0.0.1:1/0", socket_connect_timeout=0.2)
    hardly_ever = Limit("requests", rate=0.001, burst=20)
    budget = Budget(Shared(nowhere, "test:away", hardly_ever), Own(hardly_ever), None)

    assert granted(budget) == 20
