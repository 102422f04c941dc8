"""The Medusa channel keeps the contract, against its simulator."""

from collections.abc import Iterator

import pytest

from connectors.medusa import CHANNEL
from connectors.medusa.simulator import MedusaSimulator
from connectors.testing import ContractSuite, Rig


class TestMedusa(ContractSuite):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        with Rig(CHANNEL, MedusaSimulator()) as rig:
            yield rig
