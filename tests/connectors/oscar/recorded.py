"""What a real shop answered (django-oscar 4.2.1, django-oscar-api 3.3.0), made anew at each call.

``changed`` replaces fields.
"""

from typing import Any

API = "http://127.0.0.1:18733/api"


def order(**changed: object) -> dict[str, Any]:
    recorded = {
        "number": "100003",
        "basket": f"{API}/baskets/3/",
        "url": f"{API}/admin/orders/1/",
        "lines": f"{API}/admin/orders/1/lines/",
        "owner": None,
        "billing_address": None,
        "currency": "GBP",
        "total_incl_tax": "25.00",
        "total_excl_tax": "25.00",
        "shipping_incl_tax": "0.00",
        "shipping_excl_tax": "0.00",
        "shipping_address": {
            "id": 1,
            "country": f"{API}/countries/GB/",
            "code": "",
            "title": "Ms",
            "first_name": "Ann",
            "last_name": "Buyer",
            "line1": "1 High St",
            "line2": "",
            "line3": "",
            "line4": "York",
            "state": "",
            "postcode": "YO1 7HH",
            "search_text": "Ann Buyer 1 High St York YO1 7HH United Kingdom",
            "phone_number": "+441904000000",
            "notes": "",
        },
        "shipping_method": "Free shipping",
        "shipping_code": "free-shipping",
        "status": "new",
        "email": "ann@example.com",
        "date_placed": "2026-11-24T23:14:34.501677Z",
        "offer_discounts": [],
        "voucher_discounts": [],
        "surcharges": [],
    }
    return {**recorded, **changed}


def line(**changed: object) -> dict[str, Any]:
    recorded = {
        "attributes": [],
        "url": f"{API}/admin/orderlines/1/",
        "product": f"{API}/products/1/",
        "stockrecord": f"{API}/products/1/stockrecords/1/",
        "quantity": 2,
        "price_currency": "GBP",
        "price_excl_tax": "25.00",
        "price_incl_tax": "25.00",
        "price_incl_tax_excl_discounts": "25.00",
        "price_excl_tax_excl_discounts": "25.00",
        "order": f"{API}/orders/1/",
    }
    return {**recorded, **changed}


def stockrecord(**changed: object) -> dict[str, Any]:
    recorded = {
        "url": f"{API}/admin/stockrecords/1/",
        "product": 1,
        "partner_sku": "MUG",
        "price_currency": "GBP",
        "price": "12.50",
        "num_in_stock": 7,
        "num_allocated": 2,
        "low_stock_threshold": 4,
        "date_created": "2026-11-24T23:14:27.746095Z",
        "date_updated": "2026-11-24T23:14:32.426972Z",
        "partner": f"{API}/admin/partners/1/",
    }
    return {**recorded, **changed}


def product(**changed: object) -> dict[str, Any]:
    recorded = {
        "id": 1,
        "categories": ["All"],
        "product_class": "goods",
        "url": f"{API}/admin/products/1/",
        "stockrecords": [stockrecord()],
        "children": [],
        "structure": "standalone",
        "is_public": True,
        "upc": "MUG",
        "title": "Mug",
        "slug": "mug",
        "description": "",
        "date_created": "2026-11-24T23:14:27.708434Z",
        "date_updated": "2026-11-24T23:14:27.716025Z",
        "code": None,
        "parent": None,
    }
    return {**recorded, **changed}
