"""The simulated shop's packages: which unit lies in which, what was sent, and under which number.

The shop counts units of a line; TikTok names each. Which of them a parcel or a cancellation took
is kept here; what happens in the shop itself takes the first open ones, or takes off the last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from connectors.postsale import Parcel, ParcelLine
from connectors.records import OrderStatus
from connectors.simulators import shop as trade
from connectors.simulators.shop import Sale, SaleLine, Shop
from connectors.tiktok_shop import storefront as words
from connectors.tiktok_shop.gate import Refused

#: Carriers of the only delivery option, by id.
CARRIERS = {
    "7117858858072016686": "DHL",
    "7117858858072016687": "DHL eCommerce",
    "7117858858072016688": "Royal Mail",
    "7117858858072016689": "UPS",
}
GONE_ALREADY = {OrderStatus.SHIPPED, OrderStatus.DELIVERED, OrderStatus.SIGNED}
READY = {OrderStatus.CONFIRMED, OrderStatus.PART_SHIPPED}


class Unit(NamedTuple):
    """``sent``: gone, in the package ``package``; ``parcel`` is the shop's, where it was told."""

    key: str
    line: SaleLine
    package: str
    sent: bool
    gone: bool
    parcel: Parcel | None

    @property
    def open(self) -> bool:
        return not self.sent and not self.gone


class Dispatch:
    """``packs``: packages are there from the start, as in South-East Asia; otherwise they are made
    when they are sent, as for sellers in the United States and the United Kingdom. ``platform``:
    TikTok's own carrier ships. ``corrections`` of a number are taken of each package."""

    def __init__(self, shop: Shop, *, packs: bool, platform: bool) -> None:
        self.shop = shop
        self.packs = packs
        self.platform = platform
        self.corrections = 1
        #: How each package came to TikTok's carrier.
        self.handed_over: list[str] = []
        self._gone: set[str] = set()
        self._sent: dict[str, str] = {}
        self._packed: dict[str, str] = {}
        self._owners: dict[str, str] = {}
        self._packages: dict[str, str] = {}
        self._collected: set[str] = set()
        self._corrected: Counter[str] = Counter()
        self._splits = 0

    # -- what there is -------------------------------------------------------------------------

    def order(self, sale: Sale) -> dict[str, Any]:
        units = [self._shown(one, sale) for one in self.units(sale)]
        found = words.order(sale, self.shop.currency, units)
        told = {one.get("display_status") for one in units} - {"CANCELLED"}
        if sale.status is OrderStatus.SHIPPED and told == {"AWAITING_COLLECTION"}:
            found["status"] = "AWAITING_COLLECTION"
        packages = dict.fromkeys(one["package_id"] for one in units if "package_id" in one)
        found["packages"] = [{"id": one} for one in packages]
        return found | {"shipping_type": "TIKTOK" if self.platform else "SELLER"}

    def units(self, sale: Sale) -> list[Unit]:
        return [unit for line in sale.lines for unit in self._units(line, sale)]

    def collect(self, order_key: str) -> None:
        """The carrier has fetched what was told as sent."""
        self._collected.add(order_key)
        sale = self.shop.order(order_key)
        if sale is not None:
            self.shop.set_status(order_key, sale.status)

    # -- what is done with it ------------------------------------------------------------------

    def providers(self, option: str) -> dict[str, Any]:
        if option != words.DELIVERY:
            raise Refused(21008116, "No Subscription without specified delivery option.")
        if self.platform:
            raise Refused(21008117, "The delivery option is fulfilled by TikTok.")
        found = [{"id": key, "name": name} for key, name in CARRIERS.items()]
        return {"shipping_providers": found}

    def mark(self, order_key: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if self.packs:
            raise Refused(21008106, "This interface cannot be used in this region.")
        with self.shop.lock:
            sale = self._sale(order_key)
            named = [one["order_line_id"] for one in body.get("order_line_list", ())]
            units = self._named(sale, named) if named else self._open(sale)
            (shipment,) = body["shipping_info_list"]
            parcel = self._send(sale, units, shipment)
        return {
            "order_id": order_key,
            "order_line_item_ids": [one.key for one in units],
            "package_id": parcel.external_id,
        }

    def ship(self, package: str, body: Mapping[str, Any]) -> dict[str, Any]:
        with self.shop.lock:
            sale, inside = self._package(package)
            if not any(one.open for one in inside):
                raise Refused(21011040, "Package has already been shipped.")
            shipment = body.get("self_shipment")
            if self.platform:
                shipment = {"tracking_number": f"TT{package}", "shipping_provider_id": ""}
                self.handed_over.append(body.get("handover_method", ""))
            elif shipment is None:
                raise Refused(21011022, "Invalid tracking number or provider ID.")
            parcel = self._send(sale, [one for one in inside if one.open], shipment)
            self._packages[parcel.external_id] = package
        return {}

    def split(self, order_key: str, body: Mapping[str, Any]) -> dict[str, Any]:
        with self.shop.lock:
            sale = self._sale(order_key)
            groups = body["splittable_groups"]
            named = [key for one in groups for key in one["order_line_item_ids"]]
            if not self.packs or len(set(named)) < len(named):
                raise Refused(21011035, "split order not allowed")
            if any(not one.open for one in self._named(sale, named)):
                raise Refused(21011005, "Invalid parameters.")
            made = []
            for group in groups:
                self._splits += 1
                package = f"12{sale.key}{self._splits}"
                self._owners[package] = sale.key
                self._packed |= dict.fromkeys(group["order_line_item_ids"], package)
                made.append({"splittable_group_id": group["id"], "id": package})
        return {"packages": made}

    def correct(self, package: str, body: Mapping[str, Any]) -> dict[str, Any]:
        with self.shop.lock:
            sale, inside = self._package(package)
            if self.platform:
                raise Refused(21011004, "This package is not shipped by the seller.")
            parcel = inside[0].parcel
            if parcel is None:
                raise Refused(21011043, "The package has not been shipped yet.")
            if self._corrected[package] >= self.corrections:
                raise Refused(21011051, "The tracking number can only be updated once.")
            (shipment,) = body["shipping_info_list"]
            carrier, number = self._carrier(shipment), shipment["tracking_number"]
            self.shop.correct_parcel(sale.key, parcel.external_id, carrier, number)
            self._corrected[package] += 1
        return {}

    def take_off(self, sale: Sale, units: Iterable[Unit]) -> None:
        taken = list(units)
        counts = Counter(one.line.key for one in taken)
        self._gone |= {one.key for one in taken}
        self.shop.take_off(sale.key, counts)

    # -- how -----------------------------------------------------------------------------------

    def _units(self, line: SaleLine, sale: Sale) -> list[Unit]:
        keys = [words.unit_key(line.key, number) for number in range(line.quantity)]
        gone = [key for key in keys if key in self._gone][: line.cancelled]
        left = line.quantity - line.cancelled
        told = [key for key in keys if key in self._sent]
        free = [key for key in keys if key not in gone and key not in told]
        off = line.cancelled - len(gone)
        gone += free[len(free) - off :] if off else []
        free = [key for key in free if key not in gone]
        sent = {*told, *free[: max(_gone_out(line, sale, left) - len(told), 0)]}
        return [self._unit(key, line, sale, sent=key in sent, gone=key in gone) for key in keys]

    def _unit(self, key: str, line: SaleLine, sale: Sale, *, sent: bool, gone: bool) -> Unit:
        parcels = {one.external_id: one for one in sale.parcels}
        parcel = parcels.get(self._sent.get(key, ""))
        if sent and parcel is None:
            others = [one for one in sale.parcels if one.external_id not in self._sent.values()]
            parcel = others[0] if others else None
        package = self._packed.get(key, words.package_key(sale)) if self.packs or sent else ""
        if parcel is not None and not self.packs:
            package = parcel.external_id
        return Unit(key, line, package, sent, gone, parcel)

    def _shown(self, unit: Unit, sale: Sale) -> dict[str, Any]:
        _, word, status = words.WORDS[sale.status]
        if unit.gone:
            word, status = "CANCELLED", "CANCELLED"
        elif not unit.sent and sale.status is OrderStatus.PART_SHIPPED:
            word, status = "AWAITING_SHIPMENT", "TO_FULFILL"
        elif unit.sent and sale.status not in (OrderStatus.DELIVERED, OrderStatus.SIGNED):
            waits = unit.key in self._sent and sale.key not in self._collected
            word = "AWAITING_COLLECTION" if waits else "IN_TRANSIT"
            status = "PROCESSING" if waits else "FULFILLING"
        found = {**words.unit(unit.key, unit.line, self.shop.currency), "display_status": word}
        if unit.package and not unit.gone:
            found |= {"package_id": unit.package, "package_status": status}
        if unit.parcel is not None:
            names = {name: key for key, name in CARRIERS.items()}
            found["tracking_number"] = unit.parcel.tracking_number
            found["shipping_provider_name"] = unit.parcel.carrier
            found["shipping_provider_id"] = names.get(unit.parcel.carrier, "")
        return found

    def _send(self, sale: Sale, units: Sequence[Unit], shipment: Mapping[str, str]) -> Parcel:
        if not units or any(one.sent for one in units):
            raise Refused(21011006, "These orders are already shipped.")
        if sale.status not in READY or any(one.gone for one in units):
            raise Refused(21011003, "fulfill_unit action not allowed")
        number = shipment["tracking_number"]
        used = {one.tracking_number for each in self.shop.orders for one in each.parcels}
        if number in used:
            raise Refused(21011025, "Duplicate tracking number.")
        counts = Counter(one.line.key for one in units)
        parcel = Parcel(
            order_key=sale.key,
            parcel_key="",
            carrier="" if self.platform else self._carrier(shipment),
            tracking_number=number,
            shipped_at=self.shop.now(),
            lines=tuple(ParcelLine(key, count) for key, count in counts.items()),
        )
        try:
            made = self.shop.ship(sale.key, parcel)
        except trade.Refused as error:
            raise Refused(21011003, "fulfill_unit action not allowed") from error
        self._sent |= dict.fromkeys((one.key for one in units), made.external_id)
        return made

    def _carrier(self, shipment: Mapping[str, str]) -> str:
        if shipment["shipping_provider_id"] not in CARRIERS or not shipment["tracking_number"]:
            raise Refused(21011022, "Invalid tracking number or provider ID.")
        return CARRIERS[shipment["shipping_provider_id"]]

    def _sale(self, order_key: str) -> Sale:
        sale = self.shop.order(order_key)
        if sale is None:
            raise Refused(21001001, "Invalid parameters.")
        return sale

    def _open(self, sale: Sale) -> list[Unit]:
        return [one for one in self.units(sale) if one.open]

    def _named(self, sale: Sale, keys: Sequence[str]) -> list[Unit]:
        known = {one.key: one for one in self.units(sale)}
        if set(keys) - known.keys():
            raise Refused(21011029, "order does not belong to fulfill unit")
        return [known[key] for key in keys]

    def _package(self, package: str) -> tuple[Sale, list[Unit]]:
        sale = self.shop.order(self._owners.get(package, package[2:]))
        found = [sale] if sale is not None else list(self.shop.orders)
        for one in found:
            inside = [unit for unit in self.units(one) if unit.package == package]
            if inside:
                return one, inside
        raise Refused(21011028, "The package does not belong to the current shop.")


def _gone_out(line: SaleLine, sale: Sale, left: int) -> int:
    """How many units of a line have left the house."""
    if sale.status in GONE_ALREADY:
        return left
    if sale.status is OrderStatus.PART_SHIPPED and not sale.parcels:
        return left // 2
    return line.shipped
