"""Barrow, a market of small stalls. What it needs and can do; nothing here speaks to it."""

from datetime import timedelta

from connectors.base import (
    Capability,
    Channel,
    ChannelKind,
    Field,
    Limit,
    OrderRead,
    StockWrite,
)

PAGE = 50

CHANNEL = Channel(
    name="barrow",
    title="Barrow",
    kind=ChannelKind.MARKETPLACE,
    connector="barrow.connector:BarrowConnector",
    simulator="barrow.simulator:BarrowSimulator",
    capabilities=frozenset(
        {
            Capability.LISTINGS,
            Capability.ORDER_LIST,
            Capability.ORDER_FETCH,
            Capability.STOCK_READ,
            Capability.STOCK_PUSH,
        }
    ),
    credentials=(Field("token", "Stall token", "Under Stall → Machines", secret=True),),
    stock=StockWrite(batch=PAGE, compare_and_set=True, late_apply=timedelta(seconds=10)),
    orders=OrderRead(page=PAGE, fetch=PAGE, overlap=timedelta(minutes=5)),
    limits=(Limit("requests", rate=5, burst=20),),
    hosts=("api.barrow.example",),
    api_version="v1",
    documentation="https://api.barrow.example/docs",
    how_to_connect="In your stall open Machines, make a token that may set stock, and copy it.",
    gaps=("Barrow tells of nothing by itself: sales are found by asking.",),
)
