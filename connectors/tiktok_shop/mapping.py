"""TikTok Shop's records → ours. Pure: no clock, no network, nothing kept.

Words and fields: https://partner.tiktokshop.com/docv2/page/get-order-list and search-products.
An order has one line item per unit, and so has the record: lines of quantity 1 under the platform's
own line item ids, which shipping and refunds will want.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from connectors.fields import MOST_UNITS, Unreadable
from connectors.records import (
    BadRecord,
    Buyer,
    ChannelLocation,
    ChannelOrder,
    Listing,
    ListingState,
    LocationQuantity,
    OrderLine,
    OrderStatus,
    Subscription,
)
from connectors.tiktok_shop.fields import Record

T = TypeVar("T")

#: ``status`` → where the order stands. CANCEL is how webhooks and old versions say CANCELLED.
STATUS = {
    "UNPAID": OrderStatus.UNPAID,
    "ON_HOLD": OrderStatus.HELD,
    "AWAITING_SHIPMENT": OrderStatus.CONFIRMED,
    "AWAITING_COLLECTION": OrderStatus.CONFIRMED,
    "PARTIALLY_SHIPPING": OrderStatus.PART_SHIPPED,
    "IN_TRANSIT": OrderStatus.SHIPPED,
    "DELIVERED": OrderStatus.DELIVERED,
    "COMPLETED": OrderStatus.SIGNED,
    "CANCELLED": OrderStatus.CANCELLED,
    "CANCEL": OrderStatus.CANCELLED,
}
#: A line item's ``display_status`` once it has left the house.
SENT = {"IN_TRANSIT", "DELIVERED", "COMPLETED"}
#: Told as sent, and not yet seen by the carrier. Where the seller ships (``shipping_type``), that
#: is the seller's word that the goods are gone; where TikTok does, they wait to be fetched.
ARRANGED = "AWAITING_COLLECTION"
BY_SELLER = "SELLER"
GONE = {"CANCELLED", "CANCEL"}

#: ``fulfillment_type`` → is it the platform that ships? "" is told by versions before there were
#: two.
BY_CHANNEL = {
    "": False,
    "FULFILLMENT_BY_SELLER": False,
    "FULFILLMENT_BY_TIKTOK": True,
    "FULFILLMENT_BY_DILAYANI_TOKOPEDIA": True,
}

PRODUCT_STATUS = {
    "ACTIVATE": ListingState.ACTIVE,
    "DRAFT": ListingState.PAUSED,
    "PENDING": ListingState.PAUSED,
    "FAILED": ListingState.PAUSED,
    "SELLER_DEACTIVATED": ListingState.PAUSED,
    "PLATFORM_DEACTIVATED": ListingState.PAUSED,
    "FREEZE": ListingState.PAUSED,
    "DELETED": ListingState.ENDED,
}
#: A product that was taken off sale through its own switch.
SWITCHED_OFF = "SELLER_DEACTIVATED"

_ADDRESS = {
    "name": "name",
    "line1": "address_line1",
    "line2": "address_line2",
    "line3": "address_line3",
    "full": "full_address",
    "city": "post_town",
    "postcode": "postal_code",
    "country": "region_code",
    "phone": "phone_number",
}


def status(word: str, fulfillment_type: str, *, cancel_asked: bool) -> OrderStatus:
    """A word that is not in the tables holds the order: nothing is shipped on a guess. So does a
    buyer who has asked to cancel, until that is decided."""
    found = STATUS.get(word, OrderStatus.HELD)
    waits = cancel_asked or fulfillment_type not in BY_CHANNEL
    return OrderStatus.HELD if waits and found is OrderStatus.CONFIRMED else found


def gone(unit: Record, whole: Record) -> bool:
    """Whether a unit was taken off its order."""
    word = unit_word(unit, whole)
    return word in GONE or unit.words("package_status") == "CANCELLED"


def sent(unit: Record, whole: Record) -> bool:
    """Whether a unit has left the house, as far as TikTok or the seller says."""
    word = unit_word(unit, whole)
    told = word == ARRANGED and whole.words("shipping_type") == BY_SELLER
    return (word in SENT or told) and not gone(unit, whole)


def unit_word(unit: Record, whole: Record) -> str:
    return unit.words("display_status") or whole.words("status")


def order(data: object) -> ChannelOrder:
    """One order with all its units. Raises Unreadable."""
    record = Record(data)
    word, shipper = record.text("status"), record.words("fulfillment_type")
    found = status(
        word, shipper, cancel_asked=record.truth("is_buyer_request_cancel", otherwise=False)
    )
    if word == ARRANGED and record.words("shipping_type") == BY_SELLER:
        found = OrderStatus.SHIPPED
    payment = record.part("payment")
    currency = payment.currency("currency")
    # What TikTok tells as tax is paid on top of the prices; elsewhere they have it in.
    tax = payment.optional_amount("tax", currency)
    changed = record.unix_time("update_time")
    lines = tuple(_line(one, currency, record) for one in record.parts_if_any("line_items"))
    if not lines:
        raise Unreadable("line_items", "an order without lines")
    cancelled = found is OrderStatus.CANCELLED
    return ChannelOrder(
        external_id=record.text("id"),
        number=record.text("id"),
        status=found,
        channel_status=word,
        currency=currency,
        total=payment.amount("total_amount", currency),
        placed_at=record.unix_time("create_time"),
        updated_at=changed,
        lines=lines,
        shipping=payment.optional_amount("shipping_fee", currency),
        tax=tax,
        discount=_discount(payment, currency),
        tax_included=tax == 0,
        buyer=_buyer(record),
        ship_by=record.optional_unix_time("rts_sla_time"),
        cancelled_at=(record.optional_unix_time("cancel_time") or changed) if cancelled else None,
        fulfilled_by_channel=BY_CHANNEL.get(shipper, False),
        raw=record.data,
    )


def listings(data: object, *, switched: bool) -> Iterator[Listing]:
    """The SKUs of one product. ``switched``: the hub takes a product of one SKU off sale where
    nothing is left, so one that is off shows 0 and is not paused."""
    product = Record(data)
    skus = product.parts_if_any("skus")
    word = product.words("status")
    off = switched and len(skus) == 1 and word == SWITCHED_OFF
    state = ListingState.ACTIVE if off else PRODUCT_STATUS.get(word, ListingState.PAUSED)
    for sku in skus:
        yield _listing(product, sku, state, off=off, only=len(skus) == 1)


def location(data: object) -> ChannelLocation | None:
    """None for a warehouse that only takes returns."""
    record = Record(data)
    if record.words("type") not in ("", "SALES_WAREHOUSE"):
        return None
    on = record.words("effect_status") in ("", "ENABLED")
    return ChannelLocation(record.text("id"), record.words("name"), on)


def subscription(data: object) -> Subscription:
    """One address per topic and shop: the topic is the subscription's name."""
    record = Record(data)
    topic = record.text("event_type")
    return Subscription(topic, topic, record.words("address"))


def each(
    items: Iterable[object], read: Callable[[object], T], key: str = "id"
) -> tuple[tuple[T, ...], tuple[BadRecord, ...]]:
    """What could be read, and what could not with the reason: a bad one stops no other. ``key``
    is the field that has a record's id."""
    good: list[T] = []
    bad: list[BadRecord] = []
    for item in items:
        try:
            good.append(read(item))
        except Unreadable as error:
            bad.append(BadRecord(_identity(item, key), error.field, error.reason, item))
    return tuple(good), tuple(bad)


def _identity(item: object, key: str) -> str:
    found = item.get(key) if isinstance(item, Mapping) else None
    return found if isinstance(found, str) else ""


def _line(unit: Record, currency: str, whole: Record) -> OrderLine:
    """One unit. What it was sold for is ``sale_price``; some versions leave out what it was before
    the discounts."""
    price = unit.amount("sale_price", currency)
    return OrderLine(
        external_id=unit.text("id"),
        listing_key=unit.words("sku_id"),
        sku=unit.words("seller_sku"),
        title=_title(unit),
        quantity=1,
        unit_price=unit.optional_amount("original_price", currency) or price,
        total=price,
        cancelled=int(gone(unit, whole)),
        shipped=int(sent(unit, whole)),
        tax=sum(
            one.optional_amount("tax_amount", currency) for one in unit.parts_if_any("item_tax")
        ),
        discount=_discount(unit, currency),
        channel_status=unit_word(unit, whole),
        location_key=whole.words("warehouse_id"),
    )


def _title(unit: Record) -> str:
    named = (unit.words("product_name"), unit.words("sku_name"))
    return " - ".join(name for name in named if name and name != "Default")


def _discount(record: Record, currency: str) -> int:
    """The seller's and the platform's: the buyer pays neither."""
    names = ("seller_discount", "platform_discount")
    return sum(record.optional_amount(name, currency) for name in names)


def _buyer(record: Record) -> Buyer:
    """No address while unpaid or on hold; name and telephone are masked where TikTok ships."""
    address = record.part_or_empty("recipient_address")
    parts = {ours: address.words(theirs).strip() for ours, theirs in _ADDRESS.items()}
    levels = {one.words("address_level"): one.words("address_name") for one in _districts(address)}
    parts["city"] = parts["city"] or levels.get("L3", "") or levels.get("L2", "")
    parts["region"] = levels.get("L1", "")
    return Buyer(
        external_id=record.words("user_id"),
        name=parts["name"],
        email=record.words("buyer_email"),
        phone=parts["phone"],
        address={name: value for name, value in parts.items() if value},
    )


def _districts(address: Record) -> list[Record]:
    return address.parts_if_any("district_info")


def _listing(
    product: Record, sku: Record, state: ListingState, *, off: bool, only: bool
) -> Listing:
    price, currency = _price(sku)
    shelves = tuple(
        LocationQuantity(one.text("warehouse_id"), one.units("quantity", least=-MOST_UNITS))
        for one in sku.parts_if_any("inventory")
    )
    dead = sku.part_or_empty("status_info").words("status") == "DEACTIVATED"
    return Listing(
        external_id=sku.text("id"),
        sku=sku.words("seller_sku"),
        title=product.text("title"),
        quantity=0 if off else sum(one.quantity for one in shelves),
        state=ListingState.PAUSED if dead and state is ListingState.ACTIVE else state,
        parent_key=product.text("id"),
        price=price,
        currency=currency,
        handles={
            "product_id": product.text("id"),
            "warehouses": ",".join(one.location_key for one in shelves),
            "only_sku": "yes" if only else "",
        },
        by_location=shelves,
        updated_at=product.optional_unix_time("update_time"),
    )


def _price(sku: Record) -> tuple[int | None, str]:
    """What the product page shows: ``sale_price`` for sellers across borders, for the others the
    price named after the tax it may be without."""
    price = sku.part_or_empty("price")
    if not price.data:
        return None, ""
    currency = price.currency("currency")
    for name in ("sale_price", "tax_exclusive_price"):
        if price.data.get(name):
            return price.amount(name, currency), currency
    return None, currency
