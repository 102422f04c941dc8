"""PrestaShop, through its webservice."""

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
from connectors.prestashop.orders import ORDERS_PAGE, OVERLAP

CHANNEL = Channel(
    name="prestashop",
    title="PrestaShop",
    kind=ChannelKind.WEB_SHOP,
    connector="connectors.prestashop.connector:PrestaShopConnector",
    simulator="connectors.prestashop.simulator:PrestaShopSimulator",
    capabilities=frozenset(
        {
            Capability.LISTINGS,
            Capability.ORDER_LIST,
            Capability.ORDER_FETCH,
            Capability.STOCK_READ,
            Capability.STOCK_PUSH,
            Capability.SHIP,
            Capability.CANCEL,
            Capability.REFUND_LIST,
        }
    ),
    credentials=(
        Field("url", "Shop address", "https://shop.example, with the folder if it lies in one"),
        Field("key", "Webservice key", "32 letters and digits", secret=True),
    ),
    settings=(
        Field(
            "id_shop",
            "Shop number",
            "For several shops in one PrestaShop: which one; empty: the default one",
            required=False,
        ),
        Field(
            "time_zone",
            "Time zone",
            "Of the shop, like Europe/Paris; empty: as the shop's configuration says",
            required=False,
        ),
        Field(
            "states",
            "What states mean",
            "Where the flags of a state do not say it: its number = unpaid, held, confirmed, "
            "shipped, delivered or cancelled, like 13=confirmed, 25=held",
            required=False,
        ),
        Field(
            "shipped_state",
            "State of shipped orders",
            "The number of the state set when a parcel leaves; empty: the shop's own",
            required=False,
        ),
        Field(
            "cancelled_state",
            "State of cancelled orders",
            "The number of the state set when an order is cancelled; empty: the shop's own",
            required=False,
        ),
        Field(
            "send_email",
            "E-mails to buyers",
            "yes: the shop sends the e-mail of a state that is set from here; empty: it does not",
            required=False,
        ),
    ),
    stock=StockWrite(
        mode=StockMode.ABSOLUTE,
        meaning=StockMeaning.SELLABLE,
        # A call each inside: few enough for one lease.
        batch=20,
        compare_and_set=False,
        idempotent=False,
        atomic=False,
        per_location=False,
        late_apply=timedelta(seconds=30),
    ),
    orders=OrderRead(
        page=ORDERS_PAGE,
        fetch=ORDERS_PAGE,
        overlap=OVERLAP,
        horizon=timedelta(days=3650),
    ),
    # A tracking number and a state belong to a whole order.
    fulfilment=Fulfilment(partial=False, tracking=True, corrects=True, cancels_lines=False),
    # The webservice has none; this is what a small server bears beside its buyers.
    limits=(Limit("requests", rate=5, burst=20),),
    hosts=(),
    documentation="https://devdocs.prestashop-project.org/8/webservice/",
    how_to_connect=(
        "In the back office open Advanced Parameters → Webservice, switch the webservice on, and "
        "add a key (Generate). Give it the right to view (GET) configurations, currencies, "
        "order_states, orders, order_details, order_histories, order_carriers, order_slip, "
        "customers, addresses, countries, states, products, combinations, product_option_values "
        "and stock_availables; to modify (PUT, and PATCH where there is such a column) "
        "stock_availables and order_carriers; and to add (POST) order_histories. Copy the key, and "
        "the shop's address, which must be https. If the server runs PHP as CGI, switch on the "
        "CGI mode on the same page."
    ),
    gaps=(
        "PrestaShop sends no webhooks: changes are found when it is asked, every few minutes.",
        "Stock is written without comparing; a sale at that moment is found by the read-back.",
        "Products whose stock depends on PrestaShop's warehouses cannot be written.",
        "A product that may be ordered when out of stock goes on selling below 0.",
        "A parcel is a whole order: the second part of an order cannot be told, nor lines "
        "cancelled.",
        "The carrier stays the one the buyer chose; only the tracking number is told, without an "
        "address to follow it at.",
        "Refunds are read from credit slips and not made: one made through the webservice moves "
        "no money.",
        "Units refunded in part do not always change the order's time: the refund is seen at "
        "once, the order with its next change.",
        "A unit taken off an order line in the back office leaves no trace: the line shows what "
        "is left.",
        "Listings show the price before tax, without special prices.",
        "If the key may not read the configuration, times are read as UTC unless the time zone is "
        "set, and the states of a new PrestaShop are assumed.",
        "Orders paid on delivery wait in a state without flags (number 13 in a new PrestaShop): "
        "say 13=confirmed under What states mean.",
        "An order in a state that the shop does not list is held until its meaning is set.",
        "Test orders are not marked: they count as real.",
        "A product that gets its first combination becomes other listings.",
    ),
)
