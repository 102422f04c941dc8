"""Vendure, a web shop on the seller's own server, through its Admin GraphQL API."""

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
)
from connectors.vendure.queries import API_VERSION, ORDERS_PAGE, STOCK_PAGE

CHANNEL = Channel(
    name="vendure",
    title="Vendure",
    kind=ChannelKind.WEB_SHOP,
    connector="connectors.vendure.connector:VendureConnector",
    simulator="connectors.vendure.simulator:VendureSimulator",
    capabilities=frozenset(
        {
            Capability.LISTINGS,
            Capability.ORDER_LIST,
            Capability.ORDER_FETCH,
            Capability.STOCK_READ,
            Capability.STOCK_PUSH,
            Capability.SHIP,
            Capability.CANCEL,
            Capability.REFUND,
            Capability.REFUND_LIST,
        }
    ),
    credentials=(
        Field("url", "Address of the shop's server", "https://shop.example.com"),
        Field(
            "api_key",
            "API key",
            "From Vendure 3.7 on; empty: a name and a password are used",
            secret=True,
            required=False,
        ),
        Field("username", "Administrator's name", "Where there is no API key", required=False),
        Field("password", "Password", "Of that administrator", secret=True, required=False),
        Field(
            "session_token",
            "Session token",
            "Empty: found out at first use, and renewed here",
            secret=True,
            required=False,
        ),
    ),
    settings=(
        Field(
            "channel_token",
            "Channel token",
            "Which of the server's channels, by its token; empty: the default channel",
            required=False,
        ),
        Field(
            "location_id",
            "Stock location",
            "The id of the location whose stock is kept here; empty: the first one",
            required=False,
        ),
        Field(
            "recheck_days",
            "Days to look back",
            "For how many days after it was placed a delivered order is looked at for refunds",
            required=False,
            default="30",
        ),
    ),
    stock=StockWrite(
        mode=StockMode.ABSOLUTE,
        meaning=StockMeaning.ON_HAND,
        batch=STOCK_PAGE,
        # Not Vendure's, but it holds: see connectors/vendure/stock.py.
        compare_and_set=True,
        idempotent=False,
        # All or nothing at Vendure; the connector halves a refused batch, so not towards us.
        atomic=False,
        per_location=False,
        late_apply=timedelta(seconds=30),
    ),
    orders=OrderRead(
        page=ORDERS_PAGE,
        fetch=ORDERS_PAGE,
        overlap=timedelta(minutes=10),
        # Vendure answers for its whole history; this is what a new account begins with.
        horizon=timedelta(days=60),
    ),
    fulfilment=Fulfilment(partial=True, tracking=True, corrects=False, cancels_lines=True),
    # Vendure has none of its own; this is what a small server takes beside its buyers.
    limits=(Limit("requests", rate=10, burst=40),),
    hosts=(),
    api_version=API_VERSION,
    documentation="https://docs.vendure.io/reference/graphql-api/admin/queries",
    how_to_connect=(
        "In Vendure's dashboard open Settings → Roles and create a role with the permissions "
        "ReadOrder, UpdateOrder, ReadCatalog, ReadProduct, UpdateProduct and ReadStockLocation, "
        "for the channel to be connected. From Vendure 3.7 on open Settings → API keys, create a "
        "key with that role and copy it; the server's authOptions.tokenMethod must contain "
        "'api-key'. Before 3.7 open Settings → Administrators, create one with that role, and "
        "enter its e-mail address and password; authOptions.tokenMethod must contain 'bearer'. "
        "The address is that of the server, before /admin-api. Several channels on one server: "
        "connect each as an account of its own, with its token from Settings → Channels."
    ),
    gaps=(
        "Vendure sends no webhooks of its own: new orders are found when it is next asked.",
        "A refund of an order that was delivered or cancelled, and placed more than 30 days ago "
        "(a setting), is not found.",
        "The number and carrier of a parcel that was told cannot be corrected at Vendure; nor can "
        "a link to follow it be told.",
        "Two parcels of the same units, by the same carrier and without a number, are taken for "
        "one.",
        "A refund larger than what is left of any one payment must be made at Vendure, payment by "
        "payment.",
        "Where Vendure cannot pay back by itself (payments made by hand), a refund is recorded "
        "there as settled, and the money must be sent by hand.",
        "When the rest of a part-shipped line is cancelled, Vendure puts as many units back on its "
        "shelf as were sent of it; the next push sets its number right.",
        "Only parcels sent with Vendure's manual fulfilment are made; a shop's own handlers are "
        "not asked.",
        "Vendure's out-of-stock threshold is left to Vendure: it sells so many units fewer than "
        "are shown here as free, or more where the threshold is below zero.",
        "One account feeds one stock location; what other locations hold is sold beside it.",
        "Variants whose stock Vendure does not track are refused, not offered.",
        "Orders over several sellers of a marketplace come as the orders of each seller.",
    ),
)
