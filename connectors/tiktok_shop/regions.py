"""Which currency a shop sells in: TikTok tells a shop's region, and prices by market.

https://partner.tiktokshop.com/docv2/page/search-products lists the currencies with their markets.
"""

from __future__ import annotations

from connectors.fields import Unreadable
from connectors.tiktok_shop.fields import Record

CURRENCIES = {
    "BR": "BRL",
    "DE": "EUR",
    "ES": "EUR",
    "FR": "EUR",
    "GB": "GBP",
    "ID": "IDR",
    "IE": "EUR",
    "IT": "EUR",
    "JP": "JPY",
    "MX": "MXN",
    "MY": "MYR",
    "PH": "PHP",
    "SG": "SGD",
    "TH": "THB",
    "US": "USD",
    "VN": "VND",
}


def currency(shop: Record) -> str:
    region = shop.text("region")
    if region not in CURRENCIES:
        raise Unreadable(shop.at("region"), f"{region!r} is no market we know")
    return CURRENCIES[region]
