"""A real Oscar shop: django-oscar-api as its owner and its buyers call it."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import Any, Self

import requests

from tests.e2e.node import INSTALL_SECONDS, SHOPS, cache
from tests.e2e.running import Running, free_port

SOURCE = SHOPS / "oscar"
ADDRESS = {
    "title": "Ms",
    "first_name": "Ann",
    "last_name": "Buyer",
    "line1": "1 High St",
    "line4": "York",
    "postcode": "YO1 7HH",
    "phone_number": "+441904000000",
}


def installed() -> Path:
    """A Python that has Oscar: made once for one ``requirements.txt``."""
    wanted = SOURCE / "requirements.txt"
    place = cache() / f"oscar-{hashlib.sha256(wanted.read_bytes()).hexdigest()[:12]}"
    cache().mkdir(parents=True, exist_ok=True)
    with place.with_suffix(".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # one at a time installs, others wait
        if not place.is_dir():
            unfinished = place.with_suffix(".new")
            shutil.rmtree(unfinished, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", unfinished], check=True)
            pip = [unfinished / "bin" / "python", "-m", "pip", "install", "--quiet"]
            subprocess.run([*pip, "-r", wanted], check=True, timeout=INSTALL_SECONDS)
            unfinished.rename(place)
    return place / "bin" / "python"


class OscarShop:
    """Lives in a file of its own while its ``with`` block lasts."""

    channel = "oscar"

    def __init__(self, home: Path) -> None:
        self.home = home
        self.password = token_hex(12)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.api = f"{self.url}/api"

    def __enter__(self) -> Self:
        said = {
            "PORT": str(self.port),
            "PASSWORD": self.password,
            "DATABASE": str(self.home / "oscar.sqlite"),
        }
        start = [str(installed()), "oscar_start.py"]
        self._server = Running(start, SOURCE, said, self.home / "oscar.log")
        self._server.wait(self._answers)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.stop()

    def credentials(self) -> dict[str, str]:
        return {"url": self.url, "username": "owner", "password": self.password}

    def settings(self) -> dict[str, str]:
        return {}

    def offer(self, sku: str, price: int, quantity: int) -> None:
        """A product with one stock record; ``price`` in minor units."""
        record = {
            "partner": f"{self.api}/admin/partners/1/",
            "partner_sku": sku,
            "price_currency": "GBP",
            "price": f"{price // 100}.{price % 100:02}",
            "num_in_stock": quantity,
        }
        product = {
            "product_class": "goods",
            "structure": "standalone",
            "title": sku,
            "slug": sku.lower(),
            "upc": sku,
            "categories": ["All"],
            "stockrecords": [record],
        }
        self._owner("POST", "/admin/products/", product)

    def free(self, sku: str) -> int:
        """Units free to sell, as the shop's own API tells."""
        (record,) = self._product(sku)["stockrecords"]
        return int(record["num_in_stock"] - (record["num_allocated"] or 0))

    def buy(self, sku: str, units: int) -> str:
        """As a guest; answers the order's number."""
        product = f"{self.api}/products/{self._product(sku)['id']}/"
        with requests.Session() as guest:  # a basket belongs to a cookie
            wanted = {"url": product, "quantity": units}
            basket = self._ask(guest, "POST", "/basket/add-product/", wanted)
            address = {**ADDRESS, "country": f"{self.api}/countries/GB/"}
            bought = {
                "basket": basket["url"],
                "guest_email": "ann@example.com",
                "shipping_address": address,
            }
            return str(self._ask(guest, "POST", "/checkout/", bought)["number"])

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.api}/", timeout=20).ok
        except requests.RequestException:  # the first answer takes long, on a busy machine
            return False

    def _product(self, sku: str) -> Any:
        (found,) = [one for one in self._owner("GET", "/admin/products/") if one["upc"] == sku]
        return found

    def _owner(self, method: str, path: str, body: object = None) -> Any:
        with requests.Session() as owner:
            owner.auth = ("owner", self.password)
            return self._ask(owner, method, path, body)

    def _ask(self, caller: requests.Session, method: str, path: str, body: object) -> Any:
        answer = caller.request(method, self.api + path, json=body, timeout=30)
        assert answer.ok, f"{answer.status_code} {answer.text[:1000]}"
        return answer.json()
