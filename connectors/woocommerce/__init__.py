"""WooCommerce, through its REST API v3 on the seller's own server."""

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
from connectors.woocommerce.paths import API_VERSION, ORDERS_PAGE, OVERLAP
from connectors.woocommerce.webhooks import SECRET, TOPICS, challenge, verify

CHANNEL = Channel(
    name="woocommerce",
    title="WooCommerce",
    kind=ChannelKind.WEB_SHOP,
    connector="connectors.woocommerce.connector:WooCommerceConnector",
    simulator="connectors.woocommerce.simulator:WooCommerceSimulator",
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
        Field("url", "Shop address", "https://shop.example, as in Settings → General"),
        Field("consumer_key", "Consumer key", "Begins with ck_", secret=True),
        Field("consumer_secret", "Consumer secret", "Begins with cs_", secret=True),
        Field(
            SECRET,
            "Webhook secret",
            "Any long random text of your own; the hub gives it to the shop, which signs with it",
            secret=True,
        ),
    ),
    settings=(
        Field(
            "tracking_note",
            "Tracking numbers",
            "buyer: sent to the buyer as an order note. shop: a note that only the shop sees",
            required=False,
            default="buyer",
        ),
        Field(
            "refunds",
            "Refunds",
            "gateway: paid back through the payment gateway, refused where that cannot. record: "
            "only noted in the shop; you pay back yourself",
            required=False,
            default="gateway",
        ),
    ),
    stock=StockWrite(
        mode=StockMode.ABSOLUTE,
        # A sale takes its units off the shop's number when the order is paid or put on hold.
        meaning=StockMeaning.SELLABLE,
        # The API takes 100, but a call per variable product: few enough of those for one lease.
        batch=50,
        # No version, condition or compare exists. A difference can be sent (inventory_delta), but
        # is neither documented nor atomic: parallel ones lose units.
        compare_and_set=False,
        idempotent=False,
        atomic=False,
        per_location=False,
        late_apply=timedelta(seconds=60),
    ),
    orders=OrderRead(page=ORDERS_PAGE, fetch=ORDERS_PAGE, overlap=OVERLAP),
    fulfilment=Fulfilment(partial=True, tracking=True, corrects=True, cancels_lines=False),
    webhooks=Webhooks(
        verify=verify,
        secrets=(SECRET,),
        topics=TOPICS,
        challenge=challenge,
        redelivers=False,
        dated=False,
    ),
    # WooCommerce has none; the seller's server does. Modest, so that the shop stays quick.
    limits=(Limit("requests", rate=10, burst=20),),
    hosts=(),
    plain_http=True,
    api_version=API_VERSION,
    documentation="https://woocommerce.github.io/woocommerce-rest-api-docs/",
    how_to_connect=(
        "WooCommerce 5.8 or later. In the WordPress admin open Settings → Permalinks and choose "
        "anything but Plain. Open WooCommerce → Settings → Advanced → REST API → Add key, choose "
        "an administrator or shop manager as its user and Read/Write as its permissions, and copy "
        "the consumer key and secret, which are shown once. The address is the one under "
        "Settings → General → WordPress Address, exactly: https or http, with or without www. "
        "Over https the server must pass the Authorization header on; over http requests are "
        "signed. Products whose stock is to follow need Manage stock ticked, each variation or "
        "the product as a whole."
    ),
    gaps=(
        "Stock is written without comparing, as WooCommerce cannot: a sale at that moment is found "
        "by the read-back.",
        "Products without Manage stock are refused (stock_not_managed), not switched over.",
        "Variations whose stock their product keeps share one number: link them to one product in "
        "the hub, or tick Manage stock at each variation.",
        "WooCommerce tells what is left of an edited order, not what was ordered before.",
        "WooCommerce knows no parcels: carrier and number go into an order note and a field of "
        "ours, and the order is completed with the last unit. Tracking plug-ins are not fed.",
        "An order the shop completes itself counts as sent whole.",
        "Refunds are given as amounts, not split over lines and taxes in the shop's reports.",
        "Units refunded in the shop before the order is completed count as taken off the order.",
        "Orders from before the shop's address changed keep their ids; a second shop at the same "
        "address cannot be told from the first.",
        "Webhooks that fail are not sent again, and the shop switches a webhook off after some "
        "failures: orders are read on their own schedule too.",
        "Test orders are not marked by WooCommerce: they count as real.",
    ),
)
