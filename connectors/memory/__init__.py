"""The reference channel: a shop in this process. What a new channel is copied from."""

from datetime import timedelta

from connectors.base import (
    Capability,
    Channel,
    ChannelKind,
    Field,
    Fulfilment,
    OrderRead,
    StockWrite,
    Webhooks,
)
from connectors.memory.webhooks import SECRET, TOPICS, verify

PAGE = 50

CHANNEL = Channel(
    name="memory",
    title="In-memory shop (for tests and rehearsal)",
    kind=ChannelKind.WEB_SHOP,
    connector="connectors.memory.connector:MemoryConnector",
    simulator="connectors.memory.simulator:MemorySimulator",
    capabilities=frozenset(
        {
            Capability.LISTINGS,
            Capability.ORDER_LIST,
            Capability.ORDER_FETCH,
            Capability.STOCK_READ,
            Capability.STOCK_PUSH,
            Capability.WEBHOOKS,
            Capability.SUBSCRIBE,
            Capability.SHIP,
            Capability.CANCEL,
            Capability.REFUND,
            Capability.REFUND_LIST,
        }
    ),
    credentials=(
        Field("shop", "Shop", "The name of a shop started in the same process"),
        Field("token", "Token", secret=True),
        Field(SECRET, "Webhook secret", "Signs the webhooks", secret=True),
    ),
    stock=StockWrite(
        batch=PAGE, compare_and_set=True, idempotent=True, late_apply=timedelta(seconds=10)
    ),
    fulfilment=Fulfilment(cancels_lines=True),
    orders=OrderRead(page=PAGE, fetch=PAGE, overlap=timedelta(minutes=5)),
    webhooks=Webhooks(verify=verify, secrets=(SECRET,), topics=TOPICS),
    how_to_connect="Start a MemorySimulator in the process and use its credentials.",
    gaps=("It lives and ends with its process.",),
)
