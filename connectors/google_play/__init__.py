"""Google Play, through the Android Publisher API and real-time developer notifications."""

from datetime import timedelta

from connectors.base import (
    Capability,
    Channel,
    ChannelKind,
    Field,
    Fulfilment,
    Limit,
    OrderRead,
    StockMode,
    StockWrite,
    Webhooks,
)
from connectors.google_play.client import HOSTS
from connectors.google_play.orders import HORIZON
from connectors.google_play.stock import SWITCH_PAGE
from connectors.google_play.webhooks import AUDIENCE, EMAIL, KEYS, PACKAGE, TOPICS, verify

CHANNEL = Channel(
    name="google_play",
    title="Google Play",
    kind=ChannelKind.APP_STORE,
    connector="connectors.google_play.connector:GooglePlayConnector",
    simulator="connectors.google_play.simulator:GooglePlaySimulator",
    capabilities=frozenset(
        {
            Capability.LISTINGS,
            Capability.ORDER_FETCH,
            Capability.EVENT_LIST,
            Capability.STOCK_READ,
            Capability.STOCK_PUSH,
            Capability.WEBHOOKS,
            Capability.SUBSCRIBE,
            Capability.WEBHOOK_KEYS,
            Capability.SHIP,
        }
    ),
    credentials=(
        Field(PACKAGE, "Package name", "com.example.game"),
        Field(
            "service_account",
            "Service account key",
            "The whole JSON file that Google Cloud gives out",
            secret=True,
        ),
        Field(
            AUDIENCE,
            "Push audience",
            "The audience of the push subscription: any long text of your own",
            secret=True,
        ),
        Field(
            EMAIL,
            "Push service account",
            "The e-mail address of the service account that the push subscription signs as",
            secret=True,
        ),
        Field(
            KEYS,
            "Google's signing keys",
            "Leave it empty: fetched when needed",
            secret=True,
            required=False,
        ),
    ),
    settings=(
        Field(
            "currency",
            "Currency",
            "Your default currency; products are listed at their price in it",
            default="USD",
        ),
        Field(
            "topic",
            "Notification topic",
            "projects/…/topics/…, as in the Play Console; empty: the push subscription is made by "
            "hand",
            required=False,
        ),
    ),
    stock=StockWrite(
        mode=StockMode.AVAILABILITY,
        batch=SWITCH_PAGE,
        # All or nothing at Google; the connector finds the refused item, so not towards us.
        atomic=False,
        late_apply=timedelta(seconds=60),
    ),
    orders=OrderRead(page=50, fetch=50, overlap=timedelta(minutes=10), horizon=HORIZON),
    webhooks=Webhooks(
        verify=verify, secrets=(AUDIENCE, EMAIL, KEYS), topics=TOPICS, covers_body=False
    ),
    # A purchase is acknowledged, whole; nothing of it travels.
    fulfilment=Fulfilment(partial=False, tracking=False, corrects=False),
    # 3,000 a minute for each kind of resource; ours are all counted as one.
    limits=(Limit("queries", rate=50, burst=500),),
    hosts=HOSTS,
    api_version="v3",
    documentation="https://developers.google.com/android-publisher",
    how_to_connect=(
        "In Google Cloud create a project with the Google Play Android Developer API and Pub/Sub, "
        "a service account with a JSON key and the role Pub/Sub Editor, and a topic on which "
        "google-play-developer-notifications@system.gserviceaccount.com may publish. In the Play "
        "Console invite the service account with the rights to view financial data, to manage "
        "orders and to manage the store presence, and name the topic under Monetisation setup. "
        "A push subscription with authentication by a service account then brings every sale; the "
        "hub makes it by itself where it knows the topic."
    ),
    gaps=(
        "Google Play keeps no list of orders: a sale whose notification is lost for good is not "
        "found. What was cancelled, refunded or charged back is, for 30 days.",
        "Stock is on or off: several buyers may buy the last key before the product is off.",
        "A product that was switched off by hand is switched on again while there are keys; pause "
        "its listing here instead.",
        "Subscriptions and paid apps are not listed; their orders come in and wait for a link to a "
        "product. A token of an ended subscription is forgotten by Google after 60 days.",
        "The hub does not acknowledge purchases by itself yet: until it does, the app must, within "
        "three days, or Google gives the money back.",
        "Refunds are not made from here, and those of single units are known by their number only.",
        "The signature of a push says who sent it, not what: whatever it names is read again.",
    ),
)
