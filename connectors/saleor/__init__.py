"""Saleor 3, through the GraphQL API of the seller's own server or of Saleor Cloud."""

from datetime import timedelta

from connectors.base import (
    Capability,
    Channel,
    ChannelKind,
    Field,
    Fulfilment,
    Limit,
    OrderRead,
    StockMeaning,
    StockMode,
    StockWrite,
    Webhooks,
)
from connectors.saleor.queries import ORDERS_PAGE, STOCK_PAGE
from connectors.saleor.webhooks import KEYS, TOPICS, verify

CHANNEL = Channel(
    name="saleor",
    title="Saleor",
    kind=ChannelKind.WEB_SHOP,
    connector="connectors.saleor.connector:SaleorConnector",
    simulator="connectors.saleor.simulator:SaleorSimulator",
    capabilities=frozenset(
        {
            Capability.LISTINGS,
            Capability.ORDER_LIST,
            Capability.ORDER_FETCH,
            Capability.STOCK_READ,
            Capability.STOCK_PUSH,
            Capability.WEBHOOKS,
            Capability.SUBSCRIBE,
            Capability.WEBHOOK_KEYS,
            Capability.SHIP,
            Capability.CANCEL,
            Capability.REFUND,
            Capability.REFUND_LIST,
        }
    ),
    credentials=(
        Field("url", "API address", "https://your-shop.saleor.cloud, with or without /graphql/"),
        Field("token", "App token", "Shown once, when the app is made", secret=True),
        Field(
            KEYS,
            "Saleor's signing keys",
            "Leave it empty: fetched when needed",
            secret=True,
            required=False,
        ),
    ),
    settings=(
        Field(
            "channel",
            "Saleor channel",
            "The slug of the channel to sell through; empty: orders of all channels, prices of the "
            "first",
            required=False,
        ),
        Field(
            "warehouse",
            "Warehouse",
            "Id or slug of the warehouse whose stock is kept here; empty: the first one",
            required=False,
        ),
    ),
    stock=StockWrite(
        mode=StockMode.ABSOLUTE,
        # Saleor counts what is sold and not yet sent in, and says how much that is.
        meaning=StockMeaning.ON_HAND,
        batch=STOCK_PAGE,
        # Compared by us right before the write. A sale between the two changes the allocated part
        # alone, so what is written stays right; what does not, the answer shows: see stock.py.
        compare_and_set=True,
        idempotent=False,
        atomic=False,
        late_apply=timedelta(seconds=60),
    ),
    orders=OrderRead(
        page=ORDERS_PAGE,
        fetch=ORDERS_PAGE,
        overlap=timedelta(minutes=5),
        horizon=timedelta(days=3650),
    ),
    webhooks=Webhooks(verify=verify, secrets=(KEYS,), topics=TOPICS),
    fulfilment=Fulfilment(partial=True, tracking=True, corrects=True, cancels_lines=False),
    # Saleor itself has no limit by time; a modest pace spares the seller's server.
    limits=(Limit("requests", rate=5, burst=20),),
    api_version="3.23",
    documentation="https://docs.saleor.io/api-reference/",
    how_to_connect=(
        "In the Saleor Dashboard open Extensions (before 3.22: Apps), add a custom app (Create app "
        "locally) and give it the permissions MANAGE_PRODUCTS, MANAGE_ORDERS and HANDLE_PAYMENTS; "
        "MANAGE_APPS lets the hub keep its webhooks alive. Create the app, copy the token that is "
        "shown once, and enter it with the API address of the shop; it does not expire. Saleor "
        "must be 3.20 or later."
    ),
    gaps=(
        "One account feeds one warehouse, and parcels leave from it. A variant that is not stocked "
        "there is refused; assign the warehouse to it first.",
        "Variants whose inventory Saleor does not track are refused, not silently accepted.",
        "Variants on pre-order sell against Saleor's own threshold until their date; the stock "
        "pushed counts from then on, and Saleor refuses to send them before.",
        "Saleor cancels whole orders only, and none of which something was sent.",
        "Saleor keeps a parcel's number and not its carrier.",
        "Where the shop wants fulfilments approved, a parcel told from here waits for that.",
        "A refund is asked of the shop's payment app and needs one payment that covers it; a "
        "payment that was only marked as paid, or whose app takes no refunds, is refused. Orders "
        "of the old payment plugins are refunded through those.",
        "A refund counts as given once the payment app has taken it; that it failed or was "
        "reversed later is to be seen in Saleor only.",
        "Saleor keeps no barcodes.",
        "Units refunded after they were sent, and units refunded before, are told apart by the "
        "warehouse that Saleor shows beside the refund.",
        "Returns are not read.",
    ),
)
