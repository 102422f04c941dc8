"""django-oscar with django-oscar-api, a web shop on the seller's own server: the smallest channel
over HTTP, and so the one to copy."""

from datetime import timedelta

from connectors.base import (
    Capability,
    Channel,
    ChannelKind,
    Field,
    Limit,
    OrderRead,
    StockMeaning,
    StockWrite,
)

#: Each order of a page takes a request or two of its own.
PAGE = 20

CHANNEL = Channel(
    name="oscar",
    title="django-oscar",
    kind=ChannelKind.WEB_SHOP,
    connector="connectors.oscar.connector:OscarConnector",
    simulator="connectors.oscar.simulator:OscarSimulator",
    capabilities=frozenset(
        {
            Capability.LISTINGS,
            Capability.ORDER_LIST,
            Capability.ORDER_FETCH,
            Capability.STOCK_READ,
            Capability.STOCK_PUSH,
        }
    ),
    credentials=(
        Field("url", "Address of the shop", "https://shop.example.com, before /api"),
        Field("username", "User", "A staff user of the shop"),
        Field("password", "Password", "Of that user", secret=True),
    ),
    settings=(
        Field("currency", "Currency", "OSCAR_DEFAULT_CURRENCY", required=False, default="GBP"),
        Field(
            "statuses",
            "Order statuses",
            "What the words of OSCAR_ORDER_STATUS_PIPELINE mean, such as: "
            "Paid=confirmed, On hold=held, Dispatched=shipped, Refused=cancelled",
            required=False,
        ),
    ),
    # Compared here, not by Oscar, but it holds: see connectors/oscar/stock.py.
    stock=StockWrite(meaning=StockMeaning.ON_HAND, batch=PAGE, compare_and_set=True),
    # Nothing says when an order changed. A new status is found for as long as the order is read
    # again: three days take in the weekend between a sale and the decision to cancel it.
    orders=OrderRead(page=PAGE, fetch=PAGE, overlap=timedelta(days=3)),
    # Oscar has no limit of its own, and checks a password at each call: a modest pace, but a page
    # of orders, some forty requests, must go through without a stop.
    limits=(Limit("requests", rate=10, burst=60),),
    api_version="3.3",
    documentation="https://django-oscar-api.readthedocs.io",
    how_to_connect=(
        "The shop needs django-oscar-api under /api/, OSCARAPI_BLOCK_ADMIN_API_ACCESS = False, and "
        "BasicAuthentication among DRF's DEFAULT_AUTHENTICATION_CLASSES. In the Django admin make "
        "a user with staff status and the permissions to view orders, lines, products, product "
        "classes and stock records, and to change stock records; enter its name and password."
    ),
    gaps=(
        "Nothing says when an order changed: what happens to it later than three days after it "
        "was placed, a cancellation too, is not found.",
        "Orders cannot be sent, cancelled or refunded through the API: do it in the dashboard.",
        "A status that is neither usual nor explained in the settings holds the order.",
        "A part-sent order does not say which units left, nor a cancelled one when.",
        "There are no webhooks: orders are found by looking, every few minutes.",
        "Oscar answers its whole list of orders, or of products, at once: from about ten thousand "
        "on that takes it too long.",
        "Oscar saves a stock record whole: an order placed in the very moment (milliseconds) of a "
        "write can be lost from its count of allocated units.",
        "Units stay allocated at Oscar when an order is cancelled, unless the shop's own event "
        "handler frees them. The hub offers them all the same.",
        "Products of a class that does not track stock are refused, not offered.",
        "What was sold and then deleted in Oscar comes without a SKU.",
    ),
)
