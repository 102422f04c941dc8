"""A real Vendure shop: its owner's admin API and its buyers' shop API."""

from __future__ import annotations

from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import Any, Self

from tests.e2e import node
from tests.e2e.running import GraphQL, Running, free_port

LOGIN = """mutation($name: String!, $password: String!) {
  login(username: $name, password: $password) {
    __typename ... on ErrorResult { errorCode message } } }"""
PRODUCT = """mutation($input: CreateProductInput!) { createProduct(input: $input) { id } }"""
VARIANT = """mutation($input: [CreateProductVariantInput!]!) {
  createProductVariants(input: $input) { id } }"""
STOCK = """query($sku: String!) { productVariants(options: {filter: {sku: {eq: $sku}}}) {
  items { id stockLevels { stockOnHand stockAllocated } } } }"""
ORDER = """query($code: String!) { orders(options: {filter: {code: {eq: $code}}}) {
  items { id code state totalWithTax orderPlacedAt
    payments { state refunds { total state } }
    fulfillments { state trackingCode method }
    lines { quantity orderPlacedQuantity } } } }"""


def step(call: str, variables: str = "") -> str:
    """One step of a buyer's, which Vendure refuses inside its answer."""
    return f"mutation{variables} {{ {call} {{ __typename ... on ErrorResult {{ errorCode }} }} }}"


ADD = step(
    "addItemToOrder(productVariantId: $variant, quantity: $units)",
    "($variant: ID!, $units: Int!)",
)
CUSTOMER = step(
    'setCustomerForOrder(input: {firstName: "Ann", lastName: "Buyer",'
    ' emailAddress: "ann@example.com"})'
)
ADDRESS = step(
    'setOrderShippingAddress(input: {fullName: "Ann Buyer", streetLine1: "1 High St",'
    ' city: "York", postalCode: "YO1", countryCode: "GB"})'
)
METHOD = step("setOrderShippingMethod(shippingMethodId: $way)", "($way: [ID!]!)")
ARRANGE = step('transitionOrderToState(state: "ArrangingPayment")')
WAYS = "{ eligibleShippingMethods { id } }"
PAY = """mutation { addPaymentToOrder(input: {method: "dummy", metadata: {}}) {
  ... on Order { code state } ... on ErrorResult { errorCode message } } }"""


class VendureShop:
    """Lives in memory while its ``with`` block lasts."""

    channel = "vendure"

    def __init__(self, home: Path) -> None:
        self.home = home
        self.password = token_hex(12)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.admin = GraphQL(f"{self.url}/admin-api")

    def __enter__(self) -> Self:
        place = node.installed("vendure")
        said = {
            "PORT": str(self.port),
            "PASSWORD": self.password,
            "VENDURE_DISABLE_TELEMETRY": "true",
        }
        log = self.home / "vendure.log"
        self._server = Running([node.node(), "start.js"], place, said, log)
        self._server.wait(lambda: "READY" in log.read_text())
        self.admin.run(LOGIN, name="superadmin", password=self.password)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.stop()

    def credentials(self) -> dict[str, str]:
        return {"url": self.url, "username": "superadmin", "password": self.password}

    def settings(self) -> dict[str, str]:
        return {}

    def offer(self, sku: str, price: int, quantity: int) -> None:
        """A product with one variant; ``price`` in minor units without tax."""
        words = {"languageCode": "en", "name": sku, "slug": sku.lower(), "description": ""}
        product = self.admin.run(PRODUCT, input={"translations": [words]})["id"]
        variant = {
            "productId": product,
            "sku": sku,
            "price": price,
            "stockOnHand": quantity,
            "trackInventory": "TRUE",
            "translations": [{"languageCode": "en", "name": sku}],
        }
        self.admin.run(VARIANT, input=[variant])

    def free(self, sku: str) -> int:
        """Units free to sell, as the shop's own API tells."""
        levels = self._variant(sku)["stockLevels"]
        return sum(one["stockOnHand"] - one["stockAllocated"] for one in levels)

    def buy(self, sku: str, units: int) -> str:
        """As a guest; answers the order's number."""
        buyer = GraphQL(f"{self.url}/shop-api")
        variant = self._variant(sku)["id"]
        buyer.run(ADD, variant=variant, units=units)
        buyer.run(CUSTOMER)
        buyer.run(ADDRESS)
        ways = buyer.run(WAYS)
        buyer.run(METHOD, way=[ways[0]["id"]])
        buyer.run(ARRANGE)
        return str(buyer.run(PAY)["code"])

    def shipped(self, number: str) -> list[str]:
        """The tracking numbers of what has left."""
        sent = self._order(number)["fulfillments"]
        return [one["trackingCode"] for one in sent if one["state"] in ("Shipped", "Delivered")]

    def cancelled(self, number: str) -> bool:
        return bool(self._order(number)["state"] == "Cancelled")

    def refunded(self, number: str) -> int:
        """Minor units given back."""
        payments = self._order(number)["payments"]
        return sum(back["total"] for paid in payments for back in paid["refunds"])

    def _variant(self, sku: str) -> Any:
        (found,) = self.admin.run(STOCK, sku=sku)["items"]
        return found

    def _order(self, number: str) -> Any:
        (found,) = self.admin.run(ORDER, code=number)["items"]
        return found
