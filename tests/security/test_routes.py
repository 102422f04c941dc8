"""Every route: who may use it, and that another seller's rows are as if they were not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text
from werkzeug.routing import Rule

from hub.api.blueprints import PUBLIC, role_of
from hub.auth import ROLES, revoke_tokens
from hub.channels import requests
from hub.channels.telling import Abilities
from hub.conflicts.record import Finding, open_conflicts, payload_binding
from hub.db import Database, Transaction
from hub.inventory import keys
from hub.inventory.products import NewProduct, add_products
from hub.purchasing import inspecting, invoicing, suppliers
from hub.purchasing.invoicing import NewInvoice
from hub.purchasing.matching import Billed
from hub.purchasing.returning import Back
from hub.sales import shipments
from hub.secrets import Keyring
from hub.seller import create_seller
from tests.builders import World, line, order, world
from tests.buying import TODAY, Buyer, card
from tests.web import SHOP, Web

NO_ROW = 9_000_000_000_000_000

#: (method, path) → the body that does something, or what makes it of the rows there are; a path
#: with an id has its row's kind in it.
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/api/v1/accounts"): {"channel": "memory", "name": "new", "credentials": SHOP},
    ("PATCH", "/api/v1/accounts/{account_id}"): {"mode": "paused"},
    ("PUT", "/api/v1/accounts/{account_id}/credentials"): {"credentials": SHOP},
    ("POST", "/api/v1/accounts/{account_id}/requests"): {"kind": "test"},
    ("PUT", "/api/v1/accounts/{account_id}/rule"): {"buffer": 1},
    ("PATCH", "/api/v1/listings/{listing_id}"): {"paused": True},
    ("POST", "/api/v1/stock/adjustments"): {
        "key": "k",
        "reason": "r",
        "lines": [{"sku": "tent", "location": "MAIN", "change": 1}],
    },
    ("POST", "/api/v1/products"): {"items": [{"sku": "new"}]},
    ("POST", "/api/v1/locations"): {"code": "NEW"},
    ("POST", "/api/v1/conflicts/{conflict_id}/assign"): {"assignee": "me"},
    ("POST", "/api/v1/conflicts/{conflict_id}/dismiss"): {"reason": "r"},
    ("POST", "/api/v1/conflicts/{conflict_id}/reopen"): {"reason": "r"},
    ("POST", "/api/v1/conflicts/{conflict_id}/preview"): {"verb": "dismiss"},
    ("POST", "/api/v1/conflicts/{conflict_id}/resolve"): {"verb": "dismiss", "reason": "r"},
    ("POST", "/api/v1/conflicts/bulk"): {"ids": [NO_ROW], "verb": "dismiss", "reason": "r"},
    ("PATCH", "/api/v1/products/{product_id}"): {"keyed": True},
    ("POST", "/api/v1/products/{product_id}/keys"): {"location": "MAIN", "keys": ["K-1"]},
    ("POST", "/api/v1/products/{product_id}/keys/withdrawals"): {"keys": ["K-1"]},
    ("POST", "/api/v1/orders/{order_id}/shipments"): {"carrier": "DHL"},
    ("PATCH", "/api/v1/shipments/{shipment_id}"): {"carrier": "UPS"},
    ("POST", "/api/v1/orders/{order_id}/cancellations"): {"reason": "sold out"},
    ("POST", "/api/v1/orders/{order_id}/refunds"): {"amount": 1, "reason": "it came late"},
    ("POST", "/api/v1/suppliers"): {"code": "NEW", "name": "New", "currency": "EUR"},
    ("PUT", "/api/v1/suppliers/{supplier_id}"): {"code": "B", "name": "B", "currency": "EUR"},
    ("POST", "/api/v1/suppliers/{supplier_id}/prices"): {
        "items": [
            {
                "sku": "tent",
                "valid_from": "2026-01-01",
                "tiers": [{"from_quantity": 1, "unit_price": 5}],
            }
        ]
    },
    ("POST", "/api/v1/purchasing/choices"): {
        "needs": [{"sku": "tent", "quantity": 1, "by": "2027-01-01"}]
    },
    ("PUT", "/api/v1/purchasing/settings"): {"approval_limit": 100_000},
    ("POST", "/api/v1/purchase-orders"): lambda rows: {
        "supplier_id": rows["supplier_id"],
        "location": "MAIN",
        "lines": [{"sku": "tent", "quantity": 1, "unit_price": 5}],
    },
    ("PATCH", "/api/v1/purchase-orders/{purchase_order_id}"): {"note": "soon", "reason": "r"},
    ("POST", "/api/v1/purchase-orders/{purchase_order_id}/steps"): {"step": "ship"},
    ("POST", "/api/v1/purchase-orders/{purchase_order_id}/messages"): {
        "direction": "in",
        "medium": "phone",
        "body": "It is on its way",
    },
    ("POST", "/api/v1/purchase-orders/{purchase_order_id}/receipts"): lambda rows: {
        "key": "k",
        "lines": [{"line_id": rows["purchase_line_id"], "quantity": 1, "verdict": "reject"}],
    },
    ("POST", "/api/v1/receipts/{receipt_id}/judgements"): lambda rows: {
        "key": "k",
        "lines": [{"receipt_line_id": rows["receipt_line_id"], "rejected": 1}],
    },
    ("POST", "/api/v1/purchase-orders/{purchase_order_id}/returns"): {"key": "k"},
    ("PATCH", "/api/v1/supplier-returns/{supplier_return_id}"): {"credited": 500},
    ("POST", "/api/v1/purchase-orders/{purchase_order_id}/invoices"): lambda rows: {
        "number": "R-2",
        "invoiced_on": "2026-01-01",
        "total": 5,
        "lines": [{"line_id": rows["purchase_line_id"], "quantity": 1, "unit_price": 5}],
    },
    ("PATCH", "/api/v1/supplier-invoices/{supplier_invoice_id}"): {"reason": "freight"},
}
STRICTER = {
    ("POST", "/api/v1/accounts"): "owner",
    ("PUT", "/api/v1/accounts/{account_id}/credentials"): "owner",
    ("GET", "/api/v1/orders/{order_id}/keys"): "support",
    ("PUT", "/api/v1/purchasing/settings"): "owner",
    ("PATCH", "/api/v1/supplier-invoices/{supplier_invoice_id}"): "owner",
    ("GET", "/api/v1/conflicts/{conflict_id}/payload"): "owner",
}
#: The installation's own, and one row a seller.
NO_LISTS = {"/api/v1/channels", "/api/v1/purchasing/settings"}
OPEN = {"/api/v1/openapi.json", "/healthz", "/metrics", "/readyz", "/webhooks/{path}"}


def path_of(rule: Rule) -> str:
    parts = (f"{{{name}}}" if dynamic else name for dynamic, name in rule._trace)
    return "".join(parts).lstrip("|")


def routes(web: Web) -> Iterator[tuple[str, str, str]]:
    """(method, path, role) of every route there is."""
    for rule in web.app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield method, path_of(rule), role_of(web.app, rule.endpoint, method)


@pytest.fixture
def web(database: Database, keyring: Keyring) -> Web:
    return Web(database, keyring)


@pytest.fixture
def mine(database: Database, keyring: Keyring, seller: int) -> dict[str, Any]:
    return rows_of(database, keyring, seller, "tent")


@pytest.fixture
def theirs(database: Database, keyring: Keyring, other_seller: int) -> dict[str, Any]:
    return rows_of(database, keyring, other_seller, "boat")


def rows_of(database: Database, keyring: Keyring, seller: int, sku: str) -> dict[str, Any]:
    """One row of everything; parameter of a path → its value."""
    shop = world(database, seller, keyring, {sku: 5})
    shop.take(order("1", line("1", f"v-{sku}", 7)))
    shop.derive()
    bought = of_a_purchase(shop, sku)
    with database.transaction(seller) as tx:
        payload = keyring.encrypt(b"{}", payload_binding(seller, "subject"))
        open_conflicts(tx, [Finding("test", "subject", "odd", payload=payload)])
        asked = requests.ask(tx, shop.account_id, "test")
        return {
            "account_id": shop.account_id,
            "request_id": asked,
            "listing_id": tx.execute(text("SELECT id FROM listing")).scalar_one(),
            "order_id": tx.execute(text("SELECT id FROM sales_order")).scalar_one(),
            "conflict_id": tx.execute(
                text("SELECT id FROM conflict WHERE kind = 'test'")
            ).scalar_one(),
            "product_id": keyed(tx, shop, f"{sku}-key"),
            "shipment_id": sent(tx, shop),
            "sku": sku,
            **bought,
        }


def of_a_purchase(shop: World, sku: str) -> dict[str, int]:
    """An order of which some is looked at and some went back, a bill for more, and an order that is
    on its way."""
    made = shop.database.command(shop.seller_id, lambda tx: suppliers.create(tx, card()))
    buys = Buyer(shop, made.id)
    number = buys.order({sku: 10})
    came = buys.counted(number, sku, 5, defects=2, verdict="inspect")
    receipt = buys.receive(number, came).receipt_id
    sent = buys.send_back(number, Back(came.line_id, 1))
    bill = NewInvoice("R-1", TODAY, 9_999, [Billed(came.line_id, 10, 500)])
    [line] = buys.run(lambda tx: inspecting.lines(tx, receipt))
    awaited = buys.order({sku: 10})
    return {
        "supplier_id": made.id,
        "purchase_order_id": awaited,
        "purchase_line_id": buys.lines(awaited)[sku].id,
        "receipt_id": receipt,
        "receipt_line_id": line.id,
        "supplier_return_id": sent.id,
        "supplier_invoice_id": buys.run(
            lambda tx: invoicing.record(tx, "token:1", number, bill)
        ).id,
    }


def sent(tx: Transaction, shop: World) -> int:
    """A parcel with one unit of the order; others are left to be sent, or to be cancelled."""
    order_id, line_id = tx.execute(text("SELECT order_id, id FROM order_line")).one()
    leaving = shipments.Leaving("DHL", lines={line_id: 1})
    return shipments.ship(tx, order_id, leaving, Abilities()).id


def keyed(tx: Transaction, shop: World, sku: str) -> int:
    """A product sold by keys, with one in its pool."""
    number = add_products(tx, [NewProduct(sku)])[sku]
    keys.make_keyed(tx, shop.keyring, number)
    keys.add_keys(tx, shop.keyring, number, shop.location_id, ["K-1"])
    return number


def expected(method: str, path: str) -> str:
    if path in OPEN:
        return PUBLIC
    return STRICTER.get((method, path), "viewer" if method == "GET" else "support")


def test_every_blueprint_declares_a_role(web: Web) -> None:
    for blueprint in web.app.blueprints.values():
        assert getattr(blueprint, "role", None) in {*ROLES, PUBLIC}, blueprint.name


def test_every_route_has_the_role_it_should(web: Web) -> None:
    found = {(method, path): role for method, path, role in routes(web)}

    assert found == {key: expected(*key) for key in found}


def test_every_route_is_on_the_page_and_every_answer_told(web: Web) -> None:
    spec = web.client.get("/api/v1/openapi.json").get_json()

    told = {
        (method.upper(), path)
        for path, operations in spec["paths"].items()
        for method in operations
        if method != "parameters"
    }
    assert told == {(m, p) for m, p, _ in routes(web)} - {("GET", "/api/v1/openapi.json")}
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            if method == "parameters":
                continue
            role = expected(method.upper(), path)
            assert (operation["security"] == []) == (role == PUBLIC)
            statuses = set(operation["responses"])
            assert {"404", "503", "default"} <= statuses
            if role != PUBLIC:
                assert {"401", "403"} <= statuses
            if "requestBody" in operation:
                assert {"400", "413", "415", "422"} <= statuses
    errors = spec["components"]["responses"].values()
    assert all(list(one["content"]) == ["application/problem+json"] for one in errors)


def test_every_reference_of_the_specification_leads_somewhere(web: Web) -> None:
    spec = web.client.get("/api/v1/openapi.json").get_json()
    seen = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            seen.extend([node["$ref"]] if isinstance(node.get("$ref"), str) else [])
            node = list(node.values())
        for inner in node if isinstance(node, list) else []:
            walk(inner)

    walk(spec)
    for reference in seen:
        place: Any = spec
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
    assert spec["openapi"] == "3.1.0"
    assert seen


def call(web: Web, seller: int, role: str, method: str, path: str, values: dict[str, Any]) -> Any:
    address, options = prepared(web, seller, method, path, values)
    return web.ask(method, address, seller, role, **options)


def prepared(
    web: Web, seller: int, method: str, path: str, values: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    """The address and the rest of a call that does something."""
    body = BODIES.get((method, path))
    if callable(body):
        body = body(values)
    options: dict[str, Any] = {} if body is None else {"json": body}
    if path == "/api/v1/purchasing/settings":
        options["match"] = 0
    elif method in {"PATCH", "PUT"} or "{conflict_id}" in path or path.endswith("/steps"):
        tables = ("listing", "product", "account", "conflict", "shipment")
        tables += ("supplier", "purchase_order", "supplier_return", "supplier_invoice")
        with web.database.transaction(seller) as tx:
            table = next(t for t in tables if f"{{{t}_id}}" in path)
            query = text(f"SELECT version FROM {table} WHERE id = :id")
            number = values[f"{table}_id"]
            match = tx.execute(query, {"id": number}).scalar() or 1
        options["match"] = 0 if path.endswith("/rule") else match
    return path.removeprefix("/api/v1").format(**values), options


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_what_it_should_and_nothing_else(
    web: Web, seller: int, mine: dict[str, Any], role: str
) -> None:
    for method, path, needed in routes(web):
        if needed == PUBLIC:
            continue

        answer = call(web, seller, role, method, path, mine)

        if ROLES.index(role) < ROLES.index(needed):
            assert answer.status_code == 403, (method, path)
        else:
            assert 200 <= answer.status_code < 300, (method, path, answer.get_json())


@pytest.mark.parametrize("role", ROLES)
def test_anothers_rows_answer_like_rows_that_are_not_there(
    web: Web, seller: int, mine: dict[str, Any], theirs: dict[str, Any], role: str
) -> None:
    nothing = {name: "none" if name == "sku" else NO_ROW for name in theirs}
    for method, path, needed in routes(web):
        if "{" not in path or needed == PUBLIC:
            continue

        foreign = call(web, seller, role, method, path, theirs)
        unknown = call(web, seller, role, method, path, nothing)

        may = ROLES.index(role) >= ROLES.index(needed)
        assert foreign.status_code == unknown.status_code == (404 if may else 403), (method, path)
        assert said(foreign, theirs) == said(unknown, nothing), (method, path)


def said(answer: Any, values: dict[str, Any]) -> dict[str, Any]:
    """The answer without its request id and the ids that were asked for."""
    told = {name: value for name, value in answer.get_json().items() if name != "request_id"}
    for value in values.values():
        told["detail"] = told["detail"].replace(str(value), "…")
    return told


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/listings", "account_id={account_id}"),
        ("/reconciliation", "account_id={account_id}"),
        ("/orders", "account_id={account_id}"),
        ("/conflicts", "account_id={account_id}"),
        ("/accounts/{mine}/rule", "listing_id={listing_id}"),
    ],
)
def test_anothers_ids_in_a_query_find_nothing(
    web: Web, seller: int, mine: dict[str, Any], theirs: dict[str, Any], path: str, query: str
) -> None:
    answers = []
    for values in (theirs, dict.fromkeys(theirs, NO_ROW)):
        asked = f"{path}?{query}".format(mine=mine["account_id"], **values)
        answer = web.ask("GET", asked, seller)
        told = answer.get_json()
        told.pop("request_id", None)
        answers.append((answer.status_code, str(told).replace(str(values["account_id"]), "…")
                        .replace(str(values["listing_id"]), "…")))  # fmt: skip

    assert answers[0] == answers[1]


def test_anothers_ids_in_a_body_find_nothing(
    web: Web, seller: int, mine: dict[str, Any], theirs: dict[str, Any]
) -> None:
    listing = f"/listings/{mine['listing_id']}"
    version = web.ask("GET", listing, seller).get_json()["version"]
    for product in (theirs["product_id"], NO_ROW):
        answer = web.ask("PATCH", listing, seller, match=version, json={"product_id": product})
        assert answer.status_code == 404
    line = {"sku": theirs["sku"], "location": "MAIN", "change": 1}
    answer = web.ask(
        "POST", "/stock/adjustments", seller, json={"key": "k", "reason": "r", "lines": [line]}
    )
    assert answer.status_code == 422


def test_lists_hold_nothing_of_another_seller(
    web: Web, database: Database, mine: dict[str, Any], theirs: dict[str, Any]
) -> None:
    empty = create_seller(database, "Cara's Outdoor Shop")
    for method, path, role in routes(web):
        if method != "GET" or "{" in path or role == PUBLIC or path in NO_LISTS:
            continue

        answer = web.ask("GET", path.removeprefix("/api/v1"), empty)

        assert answer.get_json()["items"] == [], path


def test_a_revoked_token_opens_nothing_at_once(web: Web, seller: int) -> None:
    before = web.ask("GET", "/orders", seller)
    with web.database.transaction(seller) as tx:
        revoke_tokens(tx, "owner")

    assert (before.status_code, web.ask("GET", "/orders", seller).status_code) == (200, 401)
