"""Two shops of different make, really installed, that share one SKU: the hub between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from hub import auth
from hub.config import Settings
from hub.seller import create_seller
from sync.premises import Premises
from tests.e2e.medusa import MedusaShop
from tests.e2e.seller import Seller, until
from tests.e2e.vendure import VendureShop
from tests.rig import Rig

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]

SKU, STOCK, PRICE = "MUG", 20, 1250
#: Seconds between two looks at a shop's orders: neither shop sends webhooks.
PULL = "1"


@dataclass
class Town:
    """A seller, two real shops and a running hub."""

    seller: Seller
    shops: dict[str, VendureShop | MedusaShop]

    def orders(self) -> list[dict[str, Any]]:
        found = self.seller.call("GET", "/orders?limit=100", 200).json()["items"]
        assert isinstance(found, list)
        return found

    def order(self, number: str) -> dict[str, Any]:
        """As the hub has it, once it has."""
        until(lambda: any(self._is(one, number) for one in self.orders()))
        return next(one for one in self.orders() if self._is(one, number))

    def allocated(self, order: dict[str, Any]) -> int:
        lines = self.seller.call("GET", f"/orders/{order['id']}", 200).json()["lines"]
        return sum(line["allocated"] for line in lines)

    def show(self, units: int) -> None:
        """Wait until both shops show so many units."""
        until(lambda: {shop.free(SKU) for shop in self.shops.values()} == {units})

    @staticmethod
    def _is(order: dict[str, Any], number: str) -> bool:
        return number in (order["external_id"], order["number"])


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, servers: Rig) -> Iterator[Town]:
    home = tmp_path_factory.mktemp("town")
    with ExitStack() as stack:
        vendure = stack.enter_context(VendureShop(home))
        medusa = stack.enter_context(MedusaShop(home, servers))
        shops: dict[str, VendureShop | MedusaShop] = {"vendure": vendure, "medusa": medusa}
        for shop in shops.values():
            shop.offer(SKU, PRICE, 3)
        premises = stack.enter_context(Premises(Settings(home=home / "hub"), fresh=True))
        addresses = ",".join(f"127.0.0.1:{shop.port}" for shop in shops.values())
        premises.configure(
            HUB_LOOPBACK=addresses, HUB_READBACK_SECONDS="0.5", HUB_PULL_SECONDS=PULL
        )
        url = premises.open_web()
        premises.start_processes()
        carrier = premises.carrier()
        number = create_seller(carrier.database, "Seller", "GBP")
        with carrier.database.transaction(number) as tx:
            seller = Seller(url, auth.issue_token(tx, "e2e", "owner").reveal())
        yield connected(Town(seller, shops))


def connected(town: Town) -> Town:
    """Both shops connected and live, with the hub's own stock."""
    seller = town.seller
    accounts = [seller.connect(name, name, shop) for name, shop in town.shops.items()]
    seller.call("POST", "/locations", 200, json={"code": "MAIN", "name": "Main"})
    for account in accounts:
        seller.ask(account, "test")
        assert seller.ask(account, "listings", create=True)["read"] == 1
    line = {"sku": SKU, "location": "MAIN", "change": STOCK}
    opening = {"key": "opening", "reason": "opening", "lines": [line]}
    seller.call("POST", "/stock/adjustments", 200, json=opening)
    for account in accounts:
        seller.go_live(account)
    return town


def test_one_sku_at_two_real_shops_from_sale_to_refund(town: Town) -> None:
    vendure, medusa = town.shops.values()
    town.show(STOCK)

    numbers = {"vendure": vendure.buy(SKU, 3), "medusa": medusa.buy(SKU, 2)}
    town.show(STOCK - 5)
    found = {name: town.order(number) for name, number in numbers.items()}
    assert [town.allocated(one) for one in found.values()] == [3, 2]
    assert len(town.orders()) == 2

    for name, order in found.items():
        parcel = {"carrier": "DHL", "tracking_number": f"JD01460000{order['id']}"}
        town.seller.call("POST", f"/orders/{order['id']}/shipments", 201, json=parcel)
        shop, number = town.shops[name], numbers[name]
        until(lambda s=shop, n=number, p=parcel: s.shipped(n) == [p["tracking_number"]])
    town.show(STOCK - 5)

    for name, order in found.items():
        money = {"amount": 250, "reason": "scratched"}
        town.seller.call("POST", f"/orders/{order['id']}/refunds", 202, json=money)
        shop, number = town.shops[name], numbers[name]
        until(lambda s=shop, n=number: s.refunded(n) == 250)

    called_off = {name: shop.buy(SKU, 1) for name, shop in town.shops.items()}
    town.show(STOCK - 7)
    for name, number in called_off.items():
        order = town.order(number)
        reason = {"reason": "the buyer asked"}
        town.seller.call("POST", f"/orders/{order['id']}/cancellations", 201, json=reason)
        shop = town.shops[name]
        until(lambda s=shop, n=number: s.cancelled(n))
    town.show(STOCK - 5)

    assert len(town.orders()) == 4
    assert [shop.refunded(numbers[name]) for name, shop in town.shops.items()] == [250, 250]
    different = "/reconciliation?different=true"
    until(lambda: town.seller.call("GET", different, 200).json()["items"] == [])
    levels = town.seller.call("GET", f"/stock/{SKU}", 200).json()["levels"]
    held = {one["state"]: one["quantity"] for one in levels if one["quantity"]}
    assert held == {"available": STOCK - 5}
