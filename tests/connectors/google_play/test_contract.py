"""The Google Play channel keeps the contract, against its simulator."""

from collections.abc import Iterator

import pytest

from connectors.google_play import CHANNEL
from connectors.google_play.simulator import GooglePlaySimulator
from connectors.testing import ContractSuite, Rig


class TestGooglePlay(ContractSuite):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        with Rig(CHANNEL, GooglePlaySimulator(), timeout=0.6) as rig:
            yield rig
