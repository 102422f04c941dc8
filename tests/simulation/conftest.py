"""A server with a template of the simulation's database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.rig import Rig
from tests.simulation import campaign
from tests.simulation.world import Bench


@pytest.fixture(scope="session")
def clocked_servers(servers: Rig) -> Rig:
    campaign.make_template(servers)
    return servers


@pytest.fixture
def bench(clocked_servers: Rig) -> Iterator[Bench]:
    with campaign.bench(clocked_servers, "simulation_bench") as made:
        yield made
