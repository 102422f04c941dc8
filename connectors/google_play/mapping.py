"""Google Play's resources → records. Pure: no clock, no network, nothing kept.

Words and fields: https://developers.google.com/android-publisher/api-ref/rest/v3/orders and
…/monetization.onetimeproducts. A listing is one purchase option of a one-time product.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from connectors.fields import Unreadable
from connectors.google_play.fields import Resource
from connectors.records import (
    Buyer,
    ChannelOrder,
    Listing,
    ListingState,
    OrderLine,
    OrderStatus,
    Subscription,
)

T = TypeVar("T")

PROCESSED = "PROCESSED"
PARTLY_REFUNDED = "PARTIALLY_REFUNDED"
REFUNDED = "REFUNDED"

#: Order.state → where it stands. A word that is not here holds the order.
STATES = {
    "PENDING": OrderStatus.UNPAID,
    PROCESSED: OrderStatus.CONFIRMED,
    "CANCELED": OrderStatus.CANCELLED,
    # The money is about to go back: nothing should be handed out meanwhile.
    "PENDING_REFUND": OrderStatus.HELD,
    # A refund is an amount, not a state: what is left of the order is still to be delivered.
    PARTLY_REFUNDED: OrderStatus.CONFIRMED,
    # Google Play knows no other way to call off a paid order: the buyer owes nothing, and may keep
    # nothing. What was handed out by then the hub shows to a person.
    REFUNDED: OrderStatus.CANCELLED,
}

ACTIVE = "ACTIVE"
#: OneTimeProductPurchaseOption.state → is it ours to switch? Switched off is a number (0), not a
#: state; a draft has never been on sale, and the hub is not the one to publish it.
OPTION_STATES = {
    ACTIVE: ListingState.ACTIVE,
    "INACTIVE": ListingState.ACTIVE,
    "INACTIVE_PUBLISHED": ListingState.ACTIVE,
    "DRAFT": ListingState.PAUSED,
}
WITHDRAWN = "NO_LONGER_AVAILABLE"


def listing_key(product: str, option: str) -> str:
    """What a line of an order says of what was sold, and so the key of the listing."""
    return f"{product}/{option}"


def order(data: object, purchase: Mapping[str, Any] | None = None) -> ChannelOrder:
    """One order, with the purchase behind it where that can still be read. Raises Unreadable."""
    found, bought = Resource(data), Resource(purchase or {}, "purchase")
    currency = found.currency("total")
    state = found.words("state")
    status = STATES.get(state, OrderStatus.HELD)
    called_off = status is OrderStatus.CANCELLED
    left = _left(bought) if state == PARTLY_REFUNDED else {}
    lines = _lines(found, currency, left, called_off=called_off)
    history = found.part_or_empty("orderHistory")
    ended = history.part_or_empty("refundEvent" if state == REFUNDED else "cancellationEvent")
    last = found.optional_time("lastEventTime") or found.time("createTime")
    return ChannelOrder(
        external_id=found.text("orderId"),
        number=found.text("orderId"),
        status=status,
        channel_status=state,
        currency=currency,
        total=found.money("total", currency),
        placed_at=found.time("createTime"),
        updated_at=last,
        lines=lines,
        tax=found.money("tax", currency),
        discount=sum(line.discount for line in lines),
        tax_included=found.part_or_empty("orderDetails").truth("taxInclusive", otherwise=False),
        buyer=_buyer(found, bought),
        cancelled_at=(ended.optional_time("eventTime") or last) if called_off else None,
        test=bought.has("testPurchaseContext") or bought.has("testPurchase"),
        raw={"order": found.data, "purchase": bought.data},
    )


def listings(data: object, currency: str) -> list[Listing]:
    """The purchase options of one product."""
    product = Resource(data)
    key = product.text("productId")
    titles = product.parts_if_any("listings")
    title = next((one.words("title") for one in titles if one.words("title")), key)
    return [
        Listing(
            external_id=listing_key(key, option.text("purchaseOptionId")),
            sku=key,
            title=title,
            quantity=shown(option),
            state=_state(option),
            parent_key=key,
            price=_price(option, currency),
            currency=currency,
            handles={"product_id": key, "purchase_option_id": option.text("purchaseOptionId")},
        )
        for option in product.parts_if_any("purchaseOptions")
    ]


def options(data: object) -> dict[str, int]:
    """Of one product: the key of each purchase option → 1 for on sale, 0 for switched off."""
    product = Resource(data)
    key = product.text("productId")
    return {
        listing_key(key, option.text("purchaseOptionId")): shown(option)
        for option in product.parts_if_any("purchaseOptions")
    }


def shown(option: Resource) -> int:
    return 1 if option.text("state") == ACTIVE else 0


def subscription(data: object) -> Subscription:
    """Of Pub/Sub: where it pushes to. One that is pulled pushes nowhere."""
    found = Resource(data)
    endpoint = found.part_or_empty("pushConfig").words("pushEndpoint")
    return Subscription(found.text("name"), found.words("topic"), endpoint)


def _lines(
    found: Resource, currency: str, left: Mapping[str, int], *, called_off: bool
) -> tuple[OrderLine, ...]:
    """Google's line items have no ids: what was sold names a line, and its turn where it was sold
    twice."""
    inclusive = found.part_or_empty("orderDetails").truth("taxInclusive", otherwise=False)
    met: Counter[str] = Counter()
    lines = []
    for item in found.parts_if_any("lineItems"):
        line = _line(item, currency, inclusive=inclusive)
        key = line.external_id
        met[key] += 1
        name = key if met[key] == 1 else f"{key}#{met[key]}"
        off = line.quantity - min(left.get(key, line.quantity), line.quantity)
        off = line.quantity if called_off else off
        lines.append(replace(line, external_id=name, cancelled=off))
    if not lines:
        raise Unreadable("lineItems", "an order without lines")
    return tuple(lines)


def _line(item: Resource, currency: str, *, inclusive: bool) -> OrderLine:
    """``listingPrice`` is of one unit, before what the seller takes off and, where prices are told
    without it, before tax."""
    bought = item.part_or_empty("oneTimePurchaseDetails")
    plan = item.part_or_empty("subscriptionDetails").words("basePlanId")
    product = item.text("productId")
    option = bought.words("purchaseOptionId")
    quantity = bought.units("quantity", otherwise=1) or 1
    total, tax = item.money("total", currency), item.money("tax", currency)
    unit_price = item.money("listingPrice", currency) if item.has("listingPrice") else None
    if unit_price is None:
        unit_price = (total if inclusive else max(total - tax, 0)) // quantity
    full = unit_price * quantity + (0 if inclusive else tax)
    return OrderLine(
        external_id=listing_key(product, option or plan) if option or plan else product,
        listing_key=listing_key(product, option) if option else "",
        sku=product,
        title=item.words("productTitle") or product,
        quantity=quantity,
        unit_price=unit_price,
        total=total,
        tax=tax,
        discount=max(full - total, 0),
    )


def _left(bought: Resource) -> dict[str, int]:
    """Units of each line that were not refunded one by one."""
    found: dict[str, int] = {}
    for item in bought.parts_if_any("productLineItem"):
        offer = item.part_or_empty("productOfferDetails")
        if offer.has("refundableQuantity"):
            option = offer.words("purchaseOptionId")
            product = item.text("productId")
            key = listing_key(product, option) if option else product
            found[key] = offer.units("refundableQuantity", otherwise=0)
    return found


def _buyer(found: Resource, bought: Resource) -> Buyer:
    """Google tells the country, and whom the app itself said it was selling to."""
    address = found.part_or_empty("buyerAddress")
    parts = {
        "country": address.words("buyerCountry"),
        "region": address.words("buyerState"),
        "postcode": address.words("buyerPostcode"),
    }
    account = bought.words("obfuscatedExternalAccountId")
    return Buyer(
        external_id=account, address={name: value for name, value in parts.items() if value}
    )


def _state(option: Resource) -> ListingState:
    regions = option.parts_if_any("regionalPricingAndAvailabilityConfigs")
    if regions and all(one.words("availability") == WITHDRAWN for one in regions):
        return ListingState.ENDED
    return OPTION_STATES.get(option.text("state"), ListingState.PAUSED)


def _price(option: Resource, currency: str) -> int | None:
    """What it costs at home. Several countries share a currency and differ in price; the one whose
    code the currency begins with is its own (GBP: GB)."""
    regions = option.parts_if_any("regionalPricingAndAvailabilityConfigs")
    priced = [
        one for one in regions if one.part_or_empty("price").words("currencyCode") == currency
    ]
    at_home = [one for one in priced if one.words("regionCode") == currency[:2]]
    for one in (*at_home, *priced):
        return one.money("price", currency)
    return None
