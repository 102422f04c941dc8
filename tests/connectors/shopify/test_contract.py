"""The Shopify channel keeps the contract, against its simulator."""

from collections.abc import Iterator

import pytest

from connectors.shopify import CHANNEL
from connectors.shopify.simulator import ShopifySimulator
from connectors.testing import ContractSuite, Rig


class TestShopify(ContractSuite):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        with Rig(CHANNEL, ShopifySimulator(restore_rate=10_000)) as rig:
            yield rig
