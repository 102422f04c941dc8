"""Shopify, through its Admin GraphQL API."""

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
from connectors.shopify.answers import level
from connectors.shopify.queries import API_VERSION, ORDERS_PAGE, STOCK_PAGE
from connectors.shopify.webhooks import SECRET, TOPICS, verify

CHANNEL = Channel(
    name="shopify",
    title="Shopify",
    kind=ChannelKind.WEB_SHOP,
    connector="connectors.shopify.connector:ShopifyConnector",
    simulator="connectors.shopify.simulator:ShopifySimulator",
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
            Capability.RETURN_LIST,
            Capability.PAYOUTS,
        }
    ),
    credentials=(
        Field("shop_domain", "Shop domain", "your-shop.myshopify.com"),
        Field(
            "access_token",
            "Admin API access token",
            "Begins with shpat_; empty for an app that gets one by its client id",
            secret=True,
            required=False,
        ),
        Field("client_secret", "API secret key", "Signs the webhooks", secret=True),
        Field(
            "client_id",
            "Client id",
            "Of an app whose tokens end: with the secret key, it gets new ones",
            required=False,
        ),
        Field(
            "refresh_token",
            "Refresh token",
            "Of an app whose tokens end after an hour; replaced at each use",
            secret=True,
            required=False,
        ),
    ),
    settings=(
        Field(
            "location_id",
            "Location",
            "The location whose stock is kept here; empty: the first active one",
            required=False,
        ),
        Field(
            "notify_buyers",
            "Tell buyers",
            "yes: Shopify writes to buyers when a parcel, a refund or a cancellation is told to it",
            required=False,
            default="no",
        ),
    ),
    stock=StockWrite(
        mode=StockMode.ABSOLUTE,
        meaning=StockMeaning.SELLABLE,
        batch=STOCK_PAGE,
        compare_and_set=True,
        idempotent=True,
        # All or nothing at Shopify; the connector sends the good ones again, so not towards us.
        atomic=False,
        per_location=False,
        late_apply=timedelta(seconds=30),
    ),
    orders=OrderRead(
        page=ORDERS_PAGE,
        fetch=ORDERS_PAGE,
        overlap=timedelta(minutes=10),
        horizon=timedelta(days=60),
    ),
    webhooks=Webhooks(verify=verify, secrets=(SECRET,), topics=TOPICS),
    # Nothing ties a cancelled unit to a line but an edit of the order, which asks the buyer to pay
    # or be paid anew.
    fulfilment=Fulfilment(partial=True, tracking=True, corrects=True, cancels_lines=False),
    # The standard plan; dearer ones restore 200 to 2,000 points a second. Each answer says so.
    limits=(Limit("points", rate=100, burst=2000),),
    meter=level,
    # The second is where files of bulk operations lie.
    hosts=("*.myshopify.com", "storage.googleapis.com"),
    api_version=API_VERSION,
    documentation="https://shopify.dev/docs/api/admin-graphql/2026-07",
    how_to_connect=(
        "In the Shopify admin open Settings → Apps → Develop apps, create an app, give it the "
        "Admin API scopes read_orders, write_orders, read_products, read_inventory, "
        "write_inventory, read_locations, read_fulfillments and read_/"
        "write_merchant_managed_fulfillment_orders, and where they are wanted read_returns, "
        "read_shopify_payments_payouts and read_all_orders (orders older than 60 days); install "
        "it, and copy the Admin API access token and the API secret key. For an app of the Dev "
        "Dashboard in a shop of your own, copy its client id and secret instead and leave the "
        "token empty; for a public app, enter the access and refresh tokens of its authorisation "
        "too. Buyers' names and addresses need access to protected customer data."
    ),
    gaps=(
        "One account feeds one location.",
        "Whole orders are cancelled, not units of a line; paid money is not given back by it.",
        "A refund gives the money and leaves units that were not sent on the order; in another "
        "currency than the shop's it is converted at the order's own rate.",
        "A parcel told is known again by its tracking number; without one, by its lines and time.",
        "Fulfilment orders of another company's warehouse are not filled.",
        "Payouts are those of Shopify Payments; other payment providers are not read.",
        "Returns that name no line of the order come without one.",
    ),
)
