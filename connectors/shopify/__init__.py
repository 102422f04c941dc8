"""Shopify, through its Admin GraphQL API."""

from datetime import timedelta

from connectors.base import (
    Capability,
    Channel,
    ChannelKind,
    Field,
    Limit,
    OrderRead,
    StockMeaning,
    StockMode,
    StockWrite,
    Webhooks,
)
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
        }
    ),
    credentials=(
        Field("shop_domain", "Shop domain", "your-shop.myshopify.com"),
        Field("access_token", "Admin API access token", "Begins with shpat_", secret=True),
        Field("client_secret", "API secret key", "Signs the webhooks", secret=True),
    ),
    settings=(
        Field(
            "location_id",
            "Location",
            "The location whose stock is kept here; empty: the first active one",
            required=False,
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
    # The standard plan; dearer ones restore 200 to 2,000 points a second. Each answer says so.
    limits=(Limit("points", rate=100, burst=2000),),
    hosts=("*.myshopify.com",),
    api_version=API_VERSION,
    documentation="https://shopify.dev/docs/api/admin-graphql/2026-07",
    how_to_connect=(
        "In the Shopify admin open Settings → Apps → Develop apps, create an app, give it the "
        "Admin API scopes read_orders, read_products, read_inventory, write_inventory and "
        "read_locations (read_all_orders for orders older than 60 days), install it, and copy the "
        "Admin API access token and the API secret key. Buyers' names and addresses need access "
        "to protected customer data."
    ),
    gaps=(
        "Fulfilments and refunds are not told to Shopify, nor read line by line: a unit refunded "
        "after it was shipped shows as taken off the order.",
        "One account feeds one location.",
        "Long histories are paged; bulk operations are not used.",
        "Expiring offline tokens of public apps are not refreshed; use a custom app's token.",
    ),
)
