"""The contract suite: what every channel must pass, built in or from a plug-in.

::

    class TestMyChannel(ContractSuite):
        @pytest.fixture
        def rig(self) -> Iterator[Rig]:
            with Rig(CHANNEL, MySimulator()) as rig:
                yield rig

pytest is imported only here; install it to run the suite.
"""

from connectors.testing.declaration import DeclarationContract
from connectors.testing.fulfilment import FulfilmentContract
from connectors.testing.hints import EventContract, HintedOrderContract
from connectors.testing.hostile import HostileContract
from connectors.testing.listings import ListingContract
from connectors.testing.orders import OrderContract
from connectors.testing.rig import Rig
from connectors.testing.stock import StockContract
from connectors.testing.webhooks import WebhookContract
from connectors.testing.writes import WriteContract

__all__ = ["ContractSuite", "Rig"]


class ContractSuite(
    DeclarationContract,
    ListingContract,
    OrderContract,
    HintedOrderContract,
    EventContract,
    StockContract,
    WebhookContract,
    HostileContract,
    WriteContract,
    FulfilmentContract,
):
    """Subclass it, name the class ``Test…``, and give it a ``rig`` fixture."""
