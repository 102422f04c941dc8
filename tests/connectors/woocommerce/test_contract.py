"""The WooCommerce channel keeps the contract, against its simulator."""

from collections.abc import Iterator

import pytest

from connectors.testing import ContractSuite, Rig
from connectors.woocommerce import CHANNEL
from connectors.woocommerce.simulator import WooCommerceSimulator


class TestWooCommerce(ContractSuite):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        with Rig(CHANNEL, WooCommerceSimulator()) as rig:
            yield rig
