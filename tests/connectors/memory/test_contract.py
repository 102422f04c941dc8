"""The reference channel keeps the contract."""

from collections.abc import Iterator

import pytest

from connectors.memory import CHANNEL
from connectors.memory.simulator import MemorySimulator
from connectors.testing import ContractSuite, Rig


class TestMemory(ContractSuite):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        with Rig(CHANNEL, MemorySimulator()) as rig:
            yield rig
