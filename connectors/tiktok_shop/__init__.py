"""TikTok Shop, through its Open API (202309 and later); carries Tokopedia in Indonesia."""

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
from connectors.tiktok_shop.operations import API_VERSION, ORDERS_PAGE
from connectors.tiktok_shop.webhooks import KEY, SECRET, TOPICS, verify

CHANNEL = Channel(
    name="tiktok_shop",
    title="TikTok Shop",
    kind=ChannelKind.SOCIAL,
    connector="connectors.tiktok_shop.connector:TikTokShopConnector",
    simulator="connectors.tiktok_shop.simulator:TikTokShopSimulator",
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
            Capability.REFUND_LIST,
            Capability.RETURN_LIST,
            Capability.PAYOUTS,
        }
    ),
    credentials=(
        Field(KEY, "App key", "Of your app in Partner Center", secret=True),
        Field(SECRET, "App secret", "Signs requests and webhooks", secret=True),
        Field("access_token", "Access token", "Lives for seven days; renewed here", secret=True),
        Field("refresh_token", "Refresh token", "Replaced at each renewal", secret=True),
        Field(
            "access_token_expires",
            "End of the access token",
            "access_token_expire_in as TikTok told it; empty: found out when it is refused",
            required=False,
        ),
        Field("shop_cipher", "Shop cipher", "Empty: found out at first use", required=False),
    ),
    settings=(
        Field(
            "shop_id",
            "Shop",
            "Which of the authorised shops, for sellers with several; empty: the only one",
            required=False,
        ),
        Field(
            "warehouse_id",
            "Warehouse",
            "Where the stock kept here lies; empty: the first that a SKU has. A SKU's other "
            "warehouses are set to 0",
            required=False,
        ),
        Field(
            "zero_stock",
            "Where nothing is left",
            "write: 0 is written. deactivate: a product of one SKU is taken off sale, and put on "
            "sale again with the next stock, also if you took it off yourself. TikTok documents "
            "stock from 1 on and does not say whether it takes 0",
            required=False,
            default="write",
        ),
        Field(
            "handover",
            "How TikTok's carrier gets a parcel",
            "DROP_OFF: you bring it. PICKUP: it is fetched. Only for orders that TikTok's own "
            "carrier ships",
            required=False,
            default="DROP_OFF",
        ),
    ),
    stock=StockWrite(
        mode=StockMode.ABSOLUTE,
        meaning=StockMeaning.SELLABLE,
        # A call per product inside: few enough for one lease, many enough for products of sizes.
        batch=20,
        compare_and_set=False,
        idempotent=False,
        atomic=False,
        per_location=True,
        largest=99_999,
        late_apply=timedelta(seconds=30),
    ),
    orders=OrderRead(
        page=ORDERS_PAGE,
        fetch=ORDERS_PAGE,
        overlap=timedelta(minutes=10),
        horizon=timedelta(days=60),
    ),
    fulfilment=Fulfilment(partial=True, tracking=True, corrects=True, cancels_lines=True),
    webhooks=Webhooks(verify=verify, secrets=(KEY, SECRET), topics=TOPICS),
    # For each app, shop and path.
    limits=(Limit("requests", rate=50, burst=50),),
    hosts=("auth.tiktok-shops.com", "open-api.tiktokglobalshop.com"),
    api_version=API_VERSION,
    documentation="https://partner.tiktokshop.com/docv2/page/tts-api-concepts-overview",
    how_to_connect=(
        "In Partner Center create an app with the scopes for shop authorisation, products, orders, "
        "fulfilment, returns and refunds, finance, logistics and webhooks, and let the seller "
        "authorise it (services.us.tiktokshop.com for shops in the United States, "
        "services.tiktokshop.com for all others, path "
        "/open/authorize?service_id=…). Exchange the code within 30 minutes at "
        "auth.tiktok-shops.com/api/v2/token/get and copy both tokens, the app key and the app "
        "secret. Webhook addresses are set by the hub; they must be https, without a port."
    ),
    gaps=(
        "Money is not given back from here: TikTok Shop takes a seller's refund only as an "
        "after-sale request for an order on its way or delivered, which it then decides itself. "
        "Refunds made there are read.",
        "A payout is a day's statement that was paid; where TikTok Shop pays several small ones "
        "together, or in another currency, the bank shows their sum. Fees are told by order, not "
        "by their finer kinds.",
        "Single units are cancelled in the United States and the United Kingdom only; elsewhere "
        "TikTok Shop refuses, and whole orders can be cancelled.",
        "In Brazil, Mexico and South-East Asia an order is split by SKU only: a parcel with some "
        "of several units of one SKU is refused.",
        "A tracking number can be corrected once or a few times, and within some hours, as "
        "TikTok Shop's rules for the market have it.",
        "Where TikTok's own carrier ships, its number counts and ours is not taken; in the United "
        "States and the United Kingdom the label must be made in Seller Center first.",
        "The carrier must be one that TikTok Shop lists for the order.",
        "What a buyer asks to have cancelled or to send back is answered in Seller Center.",
        "Stock is written without comparing; a sale at that moment is found by the read-back.",
        "A bundle the platform makes is sold as a SKU of its own: link it to a bundle in the hub.",
        "Backorder quantities and campaign stock are left as they are.",
        "Orders of development shops are not marked as tests by TikTok: they count as real.",
        "Catalogues of more than 10,000 products are not listed: the platform's search ends there.",
        "The platform's warning that an authorisation will end is not passed on.",
        "Barcodes and names of variants are not in the product list, and not read one by one.",
    ),
)
