"""The webservice's rows → our records. Pure.

An order's money is in its own currency; ``*_tax_incl`` is what the buyer pays. What the shop
computes to six decimals is rounded to the currency's own.
https://devdocs.prestashop-project.org/8/webservice/resources/orders/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from connectors.fields import MOST_UNITS, Unreadable
from connectors.postsale import ParcelLine, Refund
from connectors.prestashop.fields import Row
from connectors.prestashop.localtime import NEVER, ShopClock
from connectors.prestashop.states import SENT, States
from connectors.records import (
    Buyer,
    ChannelOrder,
    Listing,
    ListingState,
    OrderLine,
    OrderStatus,
)

T = TypeVar("T")
Rows = Mapping[str, Row]

#: Handles of a listing. ``kept`` says who keeps its stock: the shop's own number, its warehouses
#: (which overwrite the number), or nobody.
PRODUCT, ATTRIBUTE, STOCK_ROW, KEPT = "product_id", "attribute_id", "stock_id", "kept"
BY_SHOP, BY_WAREHOUSES, BY_NOBODY = "shop", "warehouses", "nobody"


@dataclass(frozen=True, slots=True)
class Around:
    """What stands in other resources about the orders of a page, by id. ``details`` are by order
    line; ``sent_at`` is when an order was first said to be shipped, ``ended_at`` when it came to
    stand where it stands, by order; ``off`` are the units of a line refunded before it was sent."""

    clock: ShopClock
    states: States
    currencies: Mapping[str, str]
    details: Rows = field(default_factory=dict)
    customers: Rows = field(default_factory=dict)
    addresses: Rows = field(default_factory=dict)
    countries: Mapping[str, str] = field(default_factory=dict)
    provinces: Mapping[str, str] = field(default_factory=dict)
    sent_at: Mapping[str, datetime] = field(default_factory=dict)
    ended_at: Mapping[str, datetime] = field(default_factory=dict)
    off: Mapping[str, int] = field(default_factory=dict)


def moment(row: Row, name: str, clock: ShopClock) -> datetime:
    """A time that must be there, as aware UTC."""
    found = row.text(name)
    try:
        return clock.read(found)
    except (ValueError, OverflowError):
        raise Unreadable(row.at(name), f"{found[:40]!r} is not a time") from None


def optional_moment(row: Row, name: str, clock: ShopClock) -> datetime | None:
    told = row.words(name)
    return moment(row, name, clock) if told and not told.startswith(NEVER) else None


def key_of(product: str, attribute: str) -> str:
    """A listing's key: a product, or a combination of it."""
    return product if attribute in ("", "0") else f"{product}/{attribute}"


def currency_of(row: Row, currencies: Mapping[str, str]) -> str:
    key = row.link("id_currency")
    if key not in currencies:
        raise Unreadable(row.at("id_currency"), f"the shop lists no currency {key!r}")
    return Row({"id_currency": currencies[key]}).currency("id_currency")


# -- orders ----------------------------------------------------------------------------------------


def order(data: object, around: Around) -> ChannelOrder:
    """One order with all its lines. Raises Unreadable."""
    row = Row(data)
    key, currency = row.key("id"), currency_of(row, around.currencies)
    status = _status(row, around)
    lines = tuple(_line(one, currency, status, around) for one in _order_rows(row))
    if not lines:
        raise Unreadable("associations.order_rows", "an order without lines")
    changed = moment(row, "date_upd", around.clock)
    total = "total_paid_tax_incl" if row.words("total_paid_tax_incl") else "total_paid"
    paid = row.money(total, currency)
    untaxed = row.words("total_paid_tax_excl")
    tax = paid - row.money("total_paid_tax_excl", currency) if untaxed else 0
    cancelled = status is OrderStatus.CANCELLED
    return ChannelOrder(
        external_id=key,
        number=row.words("reference") or key,
        status=status,
        channel_status=around.states.name(row.link("current_state")),
        currency=currency,
        total=paid,
        placed_at=optional_moment(row, "date_add", around.clock) or changed,
        updated_at=changed,
        lines=lines,
        shipping=_of(row, "total_shipping", currency),
        tax=max(tax, 0),
        discount=_of(row, "total_discounts", currency),
        tax_included=True,
        buyer=_buyer(row, around),
        cancelled_at=around.ended_at.get(key, changed) if cancelled else None,
        raw=row.data,
    )


def _order_rows(row: Row) -> list[Row]:
    return row.part_or_empty("associations").parts_if_any("order_rows")


def _status(row: Row, around: Around) -> OrderStatus:
    """An order paid back in full has been sent, or never will be: its history tells."""
    state = row.link("current_state")
    if around.states.given_back(state) and row.key("id") in around.sent_at:
        return OrderStatus.SHIPPED
    return around.states.status(state)


def _line(row: Row, currency: str, status: OrderStatus, around: Around) -> OrderLine:
    key, product = row.key("id"), row.link("product_id")
    detail = around.details.get(key, Row({}))
    quantity = row.units("product_quantity")
    cancelled = min(_cancelled(key, quantity, detail, status, around), quantity)
    unit = row.money("unit_price_tax_incl", currency)
    told = bool(detail.words("total_price_tax_incl"))
    total = detail.money("total_price_tax_incl", currency) if told else quantity * unit
    untaxed = detail.words("total_price_tax_excl")
    tax = total - detail.money("total_price_tax_excl", currency) if untaxed else 0
    return OrderLine(
        external_id=key,
        listing_key=key_of(product, row.link("product_attribute_id")) if product else "",
        sku=row.words("product_reference"),
        title=row.words("product_name"),
        quantity=quantity,
        unit_price=unit,
        total=total,
        cancelled=cancelled,
        shipped=quantity - cancelled if status in SENT else 0,
        tax=max(tax, 0),
    )


def _cancelled(key: str, quantity: int, detail: Row, status: OrderStatus, around: Around) -> int:
    """Units refunded before the order was sent are not sent; the shop reckons so itself. Those
    refunded afterwards have left the house."""
    if status is OrderStatus.CANCELLED:
        return quantity
    if status in SENT:
        return around.off.get(key, 0)
    return detail.units("product_quantity_refunded", otherwise=0)


def _of(row: Row, name: str, currency: str) -> int:
    taxed = f"{name}_tax_incl"
    return row.optional_money(taxed if row.words(taxed) else name, currency)


def _buyer(row: Row, around: Around) -> Buyer:
    customer = around.customers.get(row.link("id_customer"), Row({}))
    place = around.addresses.get(row.link("id_address_delivery"), Row({}))
    address = {
        "name": _name(place),
        "company": place.words("company"),
        "line1": place.words("address1"),
        "line2": place.words("address2"),
        "city": place.words("city"),
        "postcode": place.words("postcode"),
        "region": around.provinces.get(place.link("id_state"), ""),
        "country": around.countries.get(place.link("id_country"), ""),
        "phone": place.words("phone_mobile") or place.words("phone"),
    }
    return Buyer(
        external_id=row.link("id_customer"),
        name=_name(customer) or address["name"],
        email=customer.words("email"),
        phone=address["phone"],
        address={name: value for name, value in address.items() if value},
    )


def _name(row: Row) -> str:
    return " ".join(filter(None, (row.words("firstname"), row.words("lastname"))))


# -- refunds ---------------------------------------------------------------------------------------


def refund(data: object, currencies: Mapping[str, str], clock: ShopClock) -> Refund:
    """A credit slip; ``currencies`` are by order. ``amount`` of a slip is before tax, so the sums
    with tax count where there are any. Raises Unreadable."""
    row = Row(data)
    order_key = row.key("id_order")
    if order_key not in currencies:
        raise Unreadable("id_order", f"the shop lists no order {order_key!r}")
    currency = currencies[order_key]
    postage = row.optional_money("total_shipping_tax_incl", currency)
    amount = row.optional_money("total_products_tax_incl", currency) + postage
    if not amount:
        postage = row.optional_money("shipping_cost_amount", currency)
        amount = row.optional_money("amount", currency) + postage
    details = row.part_or_empty("associations").parts_if_any("order_slip_details")
    return Refund(
        external_id=row.key("id"),
        order_key=order_key,
        amount=amount,
        currency=currency,
        refunded_at=moment(row, "date_add", clock),
        lines=tuple(
            ParcelLine(one.key("id_order_detail"), one.units("product_quantity"))
            for one in details
            if one.link("id_order_detail")
        ),
        shipping=postage,
        raw=row.data,
    )


# -- listings --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the shop counts of one combination, and in which row."""

    key: str
    quantity: int
    by_warehouses: bool = False


def shelf(row: Row) -> Shelf:
    """Raises Unreadable. Below 0 are units sold that are not there."""
    return Shelf(
        row.key("id"),
        row.units("quantity", least=-MOST_UNITS),
        row.flag("depends_on_stock"),
    )


def listing(
    product: Row,
    combination: Row | None,
    found: Shelf | None,
    *,
    values: Mapping[str, str],
    currency: str,
    clock: ShopClock,
    counted: bool,
) -> Listing:
    """A product without combinations, or one of its combinations; ``values`` are the words of
    option values by id. Raises Unreadable."""
    row = combination or Row({})
    parent, attribute = product.key("id"), row.key("id") if combination else "0"
    price = product.money("price", currency, least=None) if product.words("price") else 0
    extra = row.money("price", currency, least=None) if row.words("price") else 0
    on_sale = product.flag("active", otherwise=True)
    on_sale = on_sale and product.flag("available_for_order", otherwise=True)
    kept = BY_WAREHOUSES if found and found.by_warehouses else BY_SHOP
    handles = {PRODUCT: parent, ATTRIBUTE: attribute, KEPT: kept if counted else BY_NOBODY}
    return Listing(
        external_id=key_of(parent, attribute),
        sku=row.words("reference") or product.words("reference"),
        title=_title(product, row, values),
        quantity=found.quantity if found and counted else None,
        state=ListingState.ACTIVE if on_sale else ListingState.PAUSED,
        parent_key=parent,
        barcode=row.words("ean13") or ("" if combination else product.words("ean13")),
        price=max(price + extra, 0),
        currency=currency,
        handles={**handles, STOCK_ROW: found.key} if found else handles,
        updated_at=optional_moment(product, "date_upd", clock),
    )


def _title(product: Row, combination: Row, values: Mapping[str, str]) -> str:
    options = combination.part_or_empty("associations").parts_if_any("product_option_values")
    words = [values.get(one.link("id"), "") for one in options]
    chosen = ", ".join(one for one in words if one)
    return " - ".join(filter(None, (product.in_any_language("name"), chosen)))
