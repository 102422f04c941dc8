"""Barrow keeps the hub's contract."""

from collections.abc import Iterator

import pytest
from barrow import CHANNEL
from barrow.simulator import BarrowSimulator

from connectors.testing import ContractSuite, Rig


class TestBarrow(ContractSuite):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        with Rig(CHANNEL, BarrowSimulator()) as rig:
            yield rig
