"""The Vendure channel keeps the contract, against its simulator."""

from collections.abc import Iterator

import pytest

from connectors.testing import ContractSuite, Rig
from connectors.vendure import CHANNEL
from connectors.vendure.simulator import VendureSimulator


class TestVendure(ContractSuite):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        with Rig(CHANNEL, VendureSimulator()) as rig:
            yield rig
