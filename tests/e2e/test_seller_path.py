"""A seller's way through the API of a running installation: real processes, two shops."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.simulators.server import Simulator
from hub import auth
from hub.config import Settings
from hub.seller import create_seller
from sync.premises import Premises
from sync.simulating import open_shop, stock_shop
from tests.e2e.seller import Seller, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@pytest.fixture
def shops() -> Iterator[dict[str, Simulator]]:
    opened = {name: open_shop("shopify", name) for name in ("North", "South")}
    for shop in opened.values():
        stock_shop(shop.shop, 5, quantity=3)
    yield opened
    for shop in opened.values():
        shop.stop()


def test_a_sale_at_one_shop_lowers_the_other(tmp_path: Path, shops: dict[str, Simulator]) -> None:
    with Premises(Settings(home=tmp_path), fresh=True) as premises:
        addresses = ",".join(shop.address for shop in shops.values())
        premises.configure(HUB_LOOPBACK=addresses, HUB_READBACK_SECONDS="0.5")
        url = premises.open_web()
        premises.start_processes()
        carrier = premises.carrier()
        number = create_seller(carrier.database, "Seller", "GBP")
        with carrier.database.transaction(number) as tx:
            seller = Seller(url, auth.issue_token(tx, "e2e", "owner").reveal())

        accounts = {name: seller.connect(name, "shopify", shop) for name, shop in shops.items()}
        for account in accounts.values():
            assert seller.ask(account, "listings", create=True)["read"] == 5
            seller.ask(account, "subscribe")
        seller.call("POST", "/locations", 200, json={"code": "MAIN", "name": "Main"})
        lines = [{"sku": f"HUB-00{n}", "location": "MAIN", "change": 10} for n in range(1, 6)]
        opening = {"key": "opening", "reason": "opening", "lines": lines}
        seller.call("POST", "/stock/adjustments", 200, json=opening)
        for account in accounts.values():
            seller.go_live(account)

        until(lambda: all(s.shop.quantity("HUB-001") == 10 for s in shops.values()))
        shops["North"].shop.buy([("HUB-001", 4)])
        until(lambda: shops["South"].shop.quantity("HUB-001") == 6)

        orders = seller.call("GET", "/orders", 200).json()["items"]
        assert len(orders) == 1
        until(
            lambda: seller.call("GET", "/reconciliation?different=true", 200).json()["items"] == []
        )
        stock = seller.call("GET", "/stock/HUB-001", 200).json()
        assert "allocated" in str(stock)
