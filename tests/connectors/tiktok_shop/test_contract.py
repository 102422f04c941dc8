"""The TikTok Shop channel keeps the contract, against its simulator."""

from collections.abc import Iterator

import pytest

from connectors.testing import ContractSuite, Rig
from connectors.tiktok_shop import CHANNEL
from connectors.tiktok_shop.simulator import TikTokShopSimulator


class TestTikTokShop(ContractSuite):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        with Rig(CHANNEL, TikTokShopSimulator(rate=10_000)) as rig:
            yield rig
