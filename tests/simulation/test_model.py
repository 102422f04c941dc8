"""The claim / push / read-back core: as a model, seed by seed; and the model against the code."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from random import Random

import pytest

from hub.db import Database
from hub.secrets import Keyring
from hub.seller import create_seller
from tests.simulation.model import RULES, Rules
from tests.simulation.model_code import Pair
from tests.simulation.model_play import Broken, play

SEEDS = 20_000


def first_broken(seeds: range, rules: Rules = RULES) -> str:
    """The first seed that does not end well, and what was wrong with it."""
    for seed in seeds:
        try:
            play(seed, rules)
        except Broken as broken:
            return f"seed {seed}: {broken}"
    return ""


def test_every_seed_ends_with_the_channel_showing_the_last_offer() -> None:
    assert first_broken(range(SEEDS)) == ""


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_a_million_seeds_end_with_the_channel_showing_the_last_offer() -> None:
    parts = [range(start, start + SEEDS) for start in range(0, 1_000_000, SEEDS)]

    with ProcessPoolExecutor() as pool:
        assert [said for said in pool.map(first_broken, parts) if said] == []


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (RULES._replace(read_back=False), "wrong number"),
        (RULES._replace(token=False), "two workers hold one lease"),
        (RULES._replace(second_look=False), "wrong number"),
        (RULES._replace(wait=1), "wrong number"),
        (RULES._replace(never_backwards=False), "went back"),
        (RULES._replace(wake=False), "nobody will be woken"),
    ],
    ids=[
        "no read-back", "answers without a lease", "no second look",
        "a look before late writes are over", "an old version over a newer", "no ring",
    ],
)  # fmt: skip
def test_each_safeguard_taken_away_is_missed(rules: Rules, said: str) -> None:
    assert said in first_broken(range(SEEDS), rules)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_a_channel_whose_sale_was_made_up_for_is_missed_when_not_told() -> None:
    """A sale and a return of as many units between two derivations: one seed in 50,000."""
    assert "wrong number" in first_broken(range(500_000), RULES._replace(fallen=False))


def model_agrees(database: Database, keyring: Keyring, seed: int, steps: int) -> None:
    """300 listings live through one sequence of events, each in its own way."""
    seller = create_seller(database, "Moira's Models")
    with database.transaction(seller) as tx:
        pair = Pair(tx, keyring, Random(seed), 300)
        for number in range(steps):
            event = pair.step()
            assert pair.in_the_hub() == pair.in_the_model(), f"step {number}: {event}"


@pytest.mark.parametrize("seed", range(2))
def test_the_model_does_what_the_hub_does(
    shared_database: Database, keyring: Keyring, seed: int
) -> None:
    model_agrees(shared_database, keyring, seed, 80)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_the_model_does_what_the_hub_does_for_long(
    shared_database: Database, keyring: Keyring
) -> None:
    for seed in range(1_000, 1_100):
        model_agrees(shared_database, keyring, seed, 200)
