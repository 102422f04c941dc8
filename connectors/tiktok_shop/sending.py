"""Parcels told to TikTok Shop, each once: the order's packages are read before anything is said.

There are three ways, and the order says which. Units that have no package yet (sellers in the
United States and the United Kingdom) are marked as shipped by line item, which makes the package.
Units in a package are sent with it; where the parcel holds only some of them, the package is split
first. Where TikTok's own carrier ships, no number is taken: the package is handed over.

https://partner.tiktokshop.com/docv2/page/mark-package-as-shipped, ship-package, split-orders and
update-package-shipping-info
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.errors import RejectedError, UnknownOutcome
from connectors.fields import Unreadable
from connectors.postsale import Parcel
from connectors.tiktok_shop import answers, providers, units
from connectors.tiktok_shop.client import Client
from connectors.tiktok_shop.fields import Record
from connectors.tiktok_shop.operations import CORRECT, MARK_SHIPPED, SHIP_PACKAGE, SPLIT
from connectors.tiktok_shop.units import Standing, Unit

#: The groups of a split: what goes now, and what stays.
GOES, STAYS = "1", "2"


def ship(client: Client, parcel: Parcel, handover: str) -> str:
    """Answers TikTok's id of the package. ``handover`` is how TikTok's carrier gets it."""
    order = units.of(client, parcel.order_key)
    if parcel.external_id:
        return _correct(client, order, parcel)
    wanted = order.named(parcel.lines)
    told = _told(order, wanted, parcel)
    if told is not None:
        return told
    _check(order, wanted, parcel)
    try:
        if order.platform:
            return _hand_over(client, order, wanted, handover)
        return _send(client, order, wanted, parcel)
    except RejectedError:
        # Somebody may have been quicker: an earlier try of ours, of which we heard nothing.
        order = units.of(client, parcel.order_key)
        told = _told(order, order.named(parcel.lines), parcel)
        if told is None:
            raise
        return told


def _told(order: Standing, wanted: Sequence[Unit], parcel: Parcel) -> str | None:
    """The package that these units went in under this number, None where they did not."""
    packages = {one.package for one in wanted if one.told}
    numbers = {_plain(one.number) for one in wanted}
    if len(packages) != 1 or not all(one.told for one in wanted):
        return None
    same = order.platform or numbers == {_plain(parcel.tracking_number)}
    return packages.pop() if same else None


def _check(order: Standing, wanted: Sequence[Unit], parcel: Parcel) -> None:
    """Raises RejectedError for what TikTok would refuse, in our words."""
    if order.by_channel:
        raise RejectedError("TikTok sends this order itself", code="fulfilled_by_channel")
    if not wanted:
        raise RejectedError("the parcel is empty", code="empty_parcel", field="lines")
    closed = [one for one in wanted if not one.open]
    if closed:
        why = "is cancelled" if closed[0].gone else "was sent before, under another number"
        said = f"line item {closed[0].key} {why}"
        raise RejectedError(said, code="nothing_open", field="lines")
    if not order.platform and not parcel.tracking_number:
        said = "TikTok Shop wants a tracking number"
        raise RejectedError(said, code="no_tracking_number", field="tracking_number")


def _send(client: Client, order: Standing, wanted: Sequence[Unit], parcel: Parcel) -> str:
    shipment = _shipment(client, order, parcel)
    if all(not one.package for one in wanted):
        body = {
            "order_line_list": [{"order_line_id": one.key} for one in wanted],
            "shipping_info_list": [shipment],
        }
        data = client.run(MARK_SHIPPED, body=body, order_id=order.key)
        return _id(data, "package_id") or _package_now(client, order, wanted)
    package = _package(client, order, wanted)
    client.run(SHIP_PACKAGE, body={"self_shipment": shipment}, package_id=package)
    return package


def _hand_over(client: Client, order: Standing, wanted: Sequence[Unit], handover: str) -> str:
    if any(not one.package for one in wanted):
        said = "TikTok makes the label of this order: print it in Seller Center first"
        raise RejectedError(said, code="label_first")
    package = _package(client, order, wanted)
    client.run(SHIP_PACKAGE, body={"handover_method": handover}, package_id=package)
    return package


def _correct(client: Client, order: Standing, parcel: Parcel) -> str:
    """Another number or carrier. TikTok takes few corrections, so one that stands is not told."""
    inside = order.packed_in(parcel.external_id)
    if not inside:
        said = f"the order has no package {parcel.external_id}"
        raise RejectedError(said, code="unknown_parcel")
    if order.platform:
        said = "TikTok's own carrier has this package, under TikTok's own number"
        raise RejectedError(said, code="platform_shipping")
    shipment = _shipment(client, order, parcel)
    stands = all(
        _plain(one.number) == _plain(parcel.tracking_number)
        and one.provider in ("", shipment["shipping_provider_id"])
        for one in inside
    )
    if not stands:
        body = {"shipping_info_list": [shipment]}
        client.run(CORRECT, body=body, package_id=parcel.external_id)
    return parcel.external_id


def _shipment(client: Client, order: Standing, parcel: Parcel) -> dict[str, str]:
    provider = providers.find(client, order.delivery_option, parcel.carrier)
    return {"tracking_number": parcel.tracking_number, "shipping_provider_id": provider}


def _package(client: Client, order: Standing, wanted: Sequence[Unit]) -> str:
    """The package that holds these units and no other of the order: split off where needed."""
    packages = {one.package for one in wanted}
    if len(packages) > 1:
        said = "TikTok Shop has these units in several packages: send a parcel for each"
        raise RejectedError(said, code="several_packages", field="lines")
    package = packages.pop()
    stay = [one for one in order.packed_in(package) if one.open and one not in wanted]
    if not stay:
        return package
    groups = [
        {"id": name, "order_line_item_ids": [one.key for one in some]}
        for name, some in ((GOES, wanted), (STAYS, stay))
    ]
    data = client.run(SPLIT, body={"splittable_groups": groups}, order_id=order.key)
    return _split_off(data) or _package_now(client, order, wanted)


def _split_off(data: Mapping[str, Any]) -> str:
    for one in answers.listed(data, "packages"):
        made = one if isinstance(one, Mapping) else {}
        if made.get("splittable_group_id") == GOES:
            return _id(made, "id")
    return ""


def _package_now(client: Client, order: Standing, wanted: Sequence[Unit]) -> str:
    """Read again, where an answer did not say."""
    keys = {one.key for one in wanted}
    now = units.of(client, order.key).units
    packages = {one.package for one in now if one.key in keys}
    if len(packages) != 1 or "" in packages:
        raise UnknownOutcome("TikTok Shop does not say which package it made")
    return packages.pop()


def _id(data: Mapping[str, Any], name: str) -> str:
    """Of an answer to a write, which must not be told as undone because of it."""
    try:
        return Record(data).key(name) if data.get(name) else ""
    except Unreadable:
        return ""


def _plain(number: str) -> str:
    return number.replace(" ", "").casefold()
