"""The PrestaShop channel keeps the contract, against its simulator."""

from collections.abc import Iterator

import pytest

from connectors.prestashop import CHANNEL
from connectors.prestashop.simulator import PrestaShopSimulator
from connectors.testing import ContractSuite, Rig


class TestPrestaShop(ContractSuite):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        with Rig(CHANNEL, PrestaShopSimulator(), timeout=0.8) as rig:
            yield rig
