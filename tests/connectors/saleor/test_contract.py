"""The Saleor channel keeps the contract, against its simulator."""

from collections.abc import Iterator

import pytest

from connectors.saleor import CHANNEL
from connectors.saleor.simulator import SaleorSimulator
from connectors.testing import ContractSuite, Rig


class TestSaleor(ContractSuite):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        with Rig(CHANNEL, SaleorSimulator()) as rig:
            yield rig
