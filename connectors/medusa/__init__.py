"""Medusa 2, through its Admin REST API: shops that run on the seller's own server."""

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
from connectors.medusa.calls import API_VERSION, FETCH, ORDERS_PAGE, STOCK_BATCH

CHANNEL = Channel(
    name="medusa",
    title="Medusa",
    kind=ChannelKind.WEB_SHOP,
    connector="connectors.medusa.connector:MedusaConnector",
    simulator="connectors.medusa.simulator:MedusaSimulator",
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
        Field("url", "Address", "Of the Medusa server, such as https://api.example.com"),
        Field(
            "api_key",
            "Secret API key",
            "Begins with sk_; empty where you give e-mail and password instead",
            secret=True,
            required=False,
        ),
        Field("email", "E-mail", "Of an admin user, where there is no API key", required=False),
        Field("password", "Password", "Of that user", secret=True, required=False),
        Field(
            "token",
            "Session",
            "Leave empty: made from e-mail and password, and renewed, by the hub",
            secret=True,
            required=False,
        ),
    ),
    settings=(
        Field(
            "location_id",
            "Stock location",
            "The location whose stock is kept here (sloc_…); empty: the one made first",
            required=False,
        ),
    ),
    stock=StockWrite(
        mode=StockMode.ABSOLUTE,
        meaning=StockMeaning.ON_HAND,
        batch=STOCK_BATCH,
        # Compared here, not by Medusa: read, compared, written. A sale in between changes only the
        # reserved part, and the number written stays right; goods that were packed in between are
        # seen in the answer (see connectors.medusa.stock).
        compare_and_set=True,
        idempotent=False,
        # All or nothing at Medusa; the connector sends the good ones again, so not towards us.
        atomic=False,
        per_location=False,
        late_apply=timedelta(seconds=30),
    ),
    orders=OrderRead(
        page=ORDERS_PAGE,
        fetch=FETCH,
        overlap=timedelta(minutes=10),
        horizon=timedelta(days=3650),
    ),
    fulfilment=Fulfilment(partial=True, tracking=True, corrects=False, cancels_lines=False),
    # Medusa has no limits of its own: a modest pace for a small server.
    limits=(Limit("requests", rate=10, burst=20),),
    hosts=(),
    api_version=API_VERSION,
    documentation="https://docs.medusajs.com/api/admin",
    how_to_connect=(
        "In the Medusa admin open Settings → Secret API Keys, create a key, and copy it: it is "
        "shown once. Enter the server's address (https, as the admin's own requests go to, without "
        "/app) and the key. Instead of a key you may enter the e-mail and password of an admin "
        "user. With several stock locations, copy the id of the one whose stock the hub keeps from "
        "Settings → Locations & Shipping (sloc_… in the address bar)."
    ),
    gaps=(
        "Medusa sends no webhooks by itself: orders are found by looking, every few minutes.",
        "One account feeds one stock location; what lies at others is left as it is.",
        "Variants whose stock Medusa does not manage are refused, as are kits (several inventory "
        "items, or more than one unit of an item): keep their parts in the hub instead.",
        "Two variants that share an inventory item show one number: link only one of them.",
        "A tracking number that was told cannot be corrected through Medusa's API.",
        "Units of a line cannot be cancelled; Medusa's order edits are not used. An edit made in "
        "Medusa shows as the order's new quantities.",
        "Cancelling an order gives captured money back at Medusa in the same step (2.0 refuses to "
        "cancel a paid order).",
        "A refund is given from one payment: more than any single payment holds is refused.",
        "Refunds are told as amounts; Medusa does not say which units they are for.",
        "Claims, exchanges and returns are not read yet.",
        "Test orders cannot be told apart: they count as real.",
    ),
)
