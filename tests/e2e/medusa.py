"""A real Medusa shop on our PostgreSQL: its owner's admin API and its buyers' store API."""

from __future__ import annotations

import os
import subprocess
from contextlib import ExitStack
from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from tests.e2e import node
from tests.e2e.doorway import Doorway
from tests.e2e.running import Api, Running, free_port
from tests.rig import Rig

DATABASE = "medusa_e2e"
OWNER = "owner@example.com"
CLI = "node_modules/@medusajs/cli/cli.js"
SETUP_SECONDS = 180


class MedusaShop:
    """Set up from nothing while its ``with`` block lasts: region, place, delivery, payment."""

    channel = "medusa"

    def __init__(self, home: Path, rig: Rig) -> None:
        if rig.postgres is None:
            raise RuntimeError("Medusa wants the PostgreSQL that we start: unset TEST_DATABASE_URL")
        self.home = home
        self.rig = rig
        self.socket = rig.postgres.place.run / ".s.PGSQL.5432"
        self.password = token_hex(12)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._open = ExitStack()

    def __enter__(self) -> Self:
        place = node.installed("medusa")
        self.rig.create_database(DATABASE)
        self._open.callback(self.rig.drop_database, DATABASE)
        doorway = self._open.enter_context(Doorway(self.socket))
        said = {
            "DATABASE_URL": f"postgresql://hub_owner@127.0.0.1:{doorway.port}/{DATABASE}",
            "PASSWORD": self.password,
            "NODE_ENV": "production",
            "MEDUSA_DISABLE_TELEMETRY": "true",
        }
        log = self.home / "medusa.log"
        run = [node.node(), CLI]
        self._do([*run, "db:migrate"], place, said)
        self._do([*run, "user", "-e", OWNER, "-p", self.password], place, said)
        start = [*run, "start", "-p", str(self.port), "-H", "127.0.0.1"]
        server = Running(start, place, said, log)
        self._open.callback(server.stop)
        server.wait(lambda: Api(self.url).answers("/health"))
        self._furnish()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def credentials(self) -> dict[str, str]:
        return {"url": self.url, "api_key": self.secret_key}

    def settings(self) -> dict[str, str]:
        return {}

    def offer(self, sku: str, price: int, quantity: int) -> None:
        """A product with one variant; ``price`` in minor units."""
        variant = {
            "title": sku,
            "sku": sku,
            "manage_inventory": True,
            "options": {"Size": "One"},
            "prices": [{"currency_code": "gbp", "amount": price / 100}],
        }
        product = {
            "title": sku,
            "status": "published",
            "shipping_profile_id": self.profile,
            "options": [{"title": "Size", "values": ["One"]}],
            "variants": [variant],
            "sales_channels": [{"id": self.sales_channel}],
        }
        self.admin.post("/admin/products", product)
        level = {"location_id": self.location, "stocked_quantity": quantity}
        item = self._item(sku)["id"]
        self.admin.post(f"/admin/inventory-items/{item}/location-levels", level)

    def free(self, sku: str) -> int:
        """Units free to sell, as the shop's own API tells."""
        levels = self._item(sku)["location_levels"]
        return sum(one["stocked_quantity"] - one["reserved_quantity"] for one in levels)

    def buy(self, sku: str, units: int) -> str:
        """As a guest; answers the order's id."""
        store = Api(self.url, **{"x-publishable-api-key": self.publishable_key})
        (variant,) = self.admin.get("/admin/product-variants", sku=sku)["variants"]
        address = {
            "first_name": "Ann",
            "last_name": "Buyer",
            "address_1": "1 High St",
            "city": "York",
            "postal_code": "YO1",
            "country_code": "gb",
        }
        asked = {
            "region_id": self.region,
            "email": "ann@example.com",
            "items": [{"variant_id": variant["id"], "quantity": units}],
            "shipping_address": address,
            "billing_address": address,
        }
        cart = store.post("/store/carts", asked)["cart"]["id"]
        options = store.get("/store/shipping-options", cart_id=cart)["shipping_options"]
        store.post(f"/store/carts/{cart}/shipping-methods", {"option_id": options[0]["id"]})
        paying = store.post("/store/payment-collections", {"cart_id": cart})
        key = paying["payment_collection"]["id"]
        provider = {"provider_id": "pp_system_default"}
        store.post(f"/store/payment-collections/{key}/payment-sessions", provider)
        order = str(store.post(f"/store/carts/{cart}/complete", {})["order"]["id"])
        self._capture(order)
        return order

    def shipped(self, number: str) -> list[str]:
        """The tracking numbers of what has left."""
        sent = self._order(number)["fulfillments"]
        labels = [one["labels"] for one in sent if one["shipped_at"]]
        return [label["tracking_number"] for some in labels for label in some]

    def cancelled(self, number: str) -> bool:
        return bool(self._order(number)["canceled_at"])

    def refunded(self, number: str) -> int:
        """Minor units given back."""
        amounts = [
            refund["amount"]
            for collection in self._order(number)["payment_collections"]
            for payment in collection["payments"]
            for refund in payment["refunds"]
        ]
        return round(100 * sum(amounts))

    # -- how -----------------------------------------------------------------------------------

    def _do(self, command: list[str], place: Path, said: dict[str, str]) -> None:
        done = subprocess.run(
            command, cwd=place, env={**os.environ, **said}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=SETUP_SECONDS,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"Medusa is not set up: {(done.stdout + done.stderr)[-3000:]}")

    def _furnish(self) -> None:
        signing_in = {"email": OWNER, "password": self.password}
        token = Api(self.url).post("/auth/user/emailpass", signing_in)["token"]
        self.admin = Api(self.url, Authorization=f"Bearer {token}")
        make = self.admin.post
        region = {
            "name": "UK",
            "currency_code": "gbp",
            "countries": ["gb"],
            "payment_providers": ["pp_system_default"],
        }
        self.region = make("/admin/regions", region)["region"]["id"]
        channel = make("/admin/sales-channels", {"name": "Web"})["sales_channel"]
        self.sales_channel = channel["id"]
        self.location = make("/admin/stock-locations", {"name": "Main"})["stock_location"]["id"]
        profile = make("/admin/shipping-profiles", {"name": "Parcels", "type": "parcels"})
        self.profile = profile["shipping_profile"]["id"]
        self._deliver()
        keys = "/admin/api-keys"
        public = make(keys, {"title": "Store", "type": "publishable"})["api_key"]
        make(f"{keys}/{public['id']}/sales-channels", {"add": [self.sales_channel]})
        self.publishable_key = public["token"]
        self.secret_key = make(keys, {"title": "Hub", "type": "secret"})["api_key"]["token"]

    def _deliver(self) -> None:
        make, at = self.admin.post, f"/admin/stock-locations/{self.location}"
        make(f"{at}/sales-channels", {"add": [self.sales_channel]})
        make(f"{at}/fulfillment-providers", {"add": ["manual_manual"]})
        make(f"{at}/fulfillment-sets", {"name": "Delivery", "type": "shipping"})
        sets = self.admin.get(at, fields="*fulfillment_sets")["stock_location"]["fulfillment_sets"]
        zone = {"name": "UK", "geo_zones": [{"type": "country", "country_code": "gb"}]}
        path = f"/admin/fulfillment-sets/{sets[0]['id']}/service-zones"
        zones = make(path, zone)["fulfillment_set"]["service_zones"]
        option = {
            "name": "Standard",
            "price_type": "flat",
            "provider_id": "manual_manual",
            "service_zone_id": zones[0]["id"],
            "shipping_profile_id": self.profile,
            "type": {"label": "Standard", "description": "By post", "code": "standard"},
            "prices": [{"currency_code": "gbp", "amount": 5}],
            "rules": [
                {"attribute": "enabled_in_store", "value": "true", "operator": "eq"},
                {"attribute": "is_return", "value": "false", "operator": "eq"},
            ],
        }
        make("/admin/shipping-options", option)

    def _capture(self, order: str) -> None:
        for collection in self._order(order)["payment_collections"]:
            for payment in collection["payments"]:
                self.admin.post(f"/admin/payments/{payment['id']}/capture", {})

    def _item(self, sku: str) -> Any:
        fields = "*location_levels"
        (found,) = self.admin.get("/admin/inventory-items", sku=sku, fields=fields)[
            "inventory_items"
        ]
        return found

    def _order(self, number: str) -> Any:
        fields = "*fulfillments.labels,*payment_collections.payments.refunds,+canceled_at"
        return self.admin.get(f"/admin/orders/{quote(number)}", fields=fields)["order"]
