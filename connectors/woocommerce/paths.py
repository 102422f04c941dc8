"""The routes and sizes of the WooCommerce REST API that we use.

https://woocommerce.github.io/woocommerce-rest-api-docs/
"""

from datetime import timedelta

API_VERSION = "v3"
ROOT = f"/wp-json/wc/{API_VERSION}"

CURRENCY = "/data/currencies/current"
ORDERS = "/orders"
PRODUCTS = "/products"
WEBHOOKS = "/webhooks"

#: Of an order list; the API gives at most 100, and slow servers thank for less.
ORDERS_PAGE = 50
#: The largest page, and the most items of one batch.
LARGEST = 100

#: The list is the shop's own table, without an index that lags; a save takes seconds at most.
OVERLAP = timedelta(minutes=5)


def order(key: str) -> str:
    return f"{ORDERS}/{key}"


def notes(key: str) -> str:
    return f"{ORDERS}/{key}/notes"


def refunds(key: str) -> str:
    return f"{ORDERS}/{key}/refunds"


def products(parent: str) -> str:
    """Simple products, or the variations of one product: each has a route of its own."""
    return f"{PRODUCTS}/{parent}/variations" if parent else PRODUCTS


def webhook(key: str) -> str:
    return f"{WEBHOOKS}/{key}"
