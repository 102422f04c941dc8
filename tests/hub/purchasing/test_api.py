"""Buying over HTTP: what the routes add to the decisions below them."""

from __future__ import annotations

from typing import Any

import pytest

from hub.db import Database
from hub.secrets import Keyring
from tests.builders import stocked
from tests.web import Speaker, Web


@pytest.fixture
def owner(database: Database, keyring: Keyring, seller: int) -> Speaker:
    with database.transaction(seller) as tx:
        stocked(tx, {"TENT": 0, "LAMP": 0})
    return Speaker(Web(database, keyring), seller)


def supplier(owner: Speaker, **changes: Any) -> int:
    body = {"code": "ACME", "name": "Acme", "currency": "EUR", **changes}
    answer = owner.post("/suppliers", body)
    assert answer.status_code == 201, answer.get_json()
    return int(answer.get_json()["id"])


def drafted(owner: Speaker, **changes: Any) -> dict[str, Any]:
    body = {
        "supplier_id": supplier(owner),
        "location": "MAIN",
        "lines": [{"sku": "tent", "quantity": 10, "unit_price": 500}],
        **changes,
    }
    answer = owner.post("/purchase-orders", body)
    assert answer.status_code == 201, answer.get_json()
    told: dict[str, Any] = answer.get_json()
    return told


def ordered(owner: Speaker, **changes: Any) -> int:
    number = drafted(owner, **changes)["id"]
    for version, step in enumerate(("approve", "send", "confirm"), 1):
        answer = owner.post(f"/purchase-orders/{number}/steps", {"step": step}, match=version)
        assert answer.status_code == 200, answer.get_json()
    return int(number)


def line_of(owner: Speaker, number: int) -> int:
    found = owner.get(f"/purchase-orders/{number}/lines").get_json()["items"]
    return int(found[0]["id"])


def test_an_order_goes_from_draft_to_goods_on_sale(owner: Speaker) -> None:
    number = ordered(owner)
    line = line_of(owner, number)
    body = {"key": "k", "lines": [{"line_id": line, "quantity": 6, "defects": 1}]}

    first = owner.post(f"/purchase-orders/{number}/receipts", body)
    again = owner.post(f"/purchase-orders/{number}/receipts", body)

    assert (first.status_code, first.get_json()["new"], again.get_json()["new"]) == (
        200,
        True,
        False,
    )
    told = owner.get(f"/purchase-orders/{number}").get_json()
    assert (told["state"], told["received"], told["rejected"]) == ("part_received", 6, 1)
    [stood] = owner.get(f"/purchase-orders/{number}/lines").get_json()["items"]
    assert (stood["sku"], stood["accepted"], stood["open"]) == ("TENT", 5, 4)
    [level, aside] = owner.get("/stock/tent").get_json()["levels"]
    assert (level["quantity"], aside["state"], aside["quantity"]) == (5, "supplier_return", 1)
    kept = owner.get(f"/purchase-orders/{number}/history").get_json()["items"]
    assert [one["what"] for one in kept] == ["approve", "send", "confirm", "receive"]


def test_every_change_carries_the_version_it_was_made_of(owner: Speaker) -> None:
    made = drafted(owner)
    path = f"/purchase-orders/{made['id']}"

    answers = [
        owner.post(f"{path}/steps", {"step": "approve"}),
        owner.post(f"{path}/steps", {"step": "approve"}, match=7),
        owner.patch(path, {"note": "x", "reason": "r"}, match=7),
        owner.post(f"{path}/steps", {"step": "approve"}, match=1),
    ]

    assert [one.status_code for one in answers] == [428, 412, 412, 200]
    assert answers[-1].headers["ETag"] == '"2"'


def test_support_may_not_approve_above_the_limit_nor_set_it(owner: Speaker) -> None:
    support = Speaker(owner.web, owner.seller_id, "support")
    limit = {"approval_limit": 4_999}

    refused = support.put("/purchasing/settings", limit, match=0)
    set_ = owner.put("/purchasing/settings", limit, match=0)
    path = f"/purchase-orders/{drafted(owner)['id']}/steps"
    dear = support.post(path, {"step": "approve"}, match=1)

    assert (refused.status_code, set_.status_code, dear.status_code) == (403, 200, 403)
    assert "4999" in dear.get_json()["detail"]
    assert owner.post(path, {"step": "approve"}, match=1).status_code == 200


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"location": "NOWHERE"}, "location"),
        ({"lines": [{"sku": "boat", "quantity": 1, "unit_price": 1}]}, "lines[0].sku"),
        ({"lines": [{"sku": "tent", "quantity": 1}]}, "lines[0].unit_price"),
        ({"lines": [{"sku": "tent", "quantity": 0}]}, "lines[0].quantity"),
        ({"currency": "XXX"}, "currency"),
        ({"state": "received"}, "state"),
    ],
)
def test_what_is_wrong_with_an_order_is_named(
    owner: Speaker, changes: dict[str, Any], field: str
) -> None:
    body = {
        "supplier_id": supplier(owner),
        "location": "MAIN",
        "lines": [{"sku": "tent", "quantity": 1, "unit_price": 1}],
        **changes,
    }

    answer = owner.post("/purchase-orders", body)

    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == [field]


def test_a_fact_of_tomorrow_is_none(owner: Speaker) -> None:
    path = f"/purchase-orders/{drafted(owner)['id']}/steps"

    answer = owner.post(path, {"step": "approve", "at": "2999-01-01T00:00:00Z"}, match=1)

    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["at"])


def test_lists_are_read_page_by_page(owner: Speaker) -> None:
    lines = [{"sku": sku, "quantity": 1, "unit_price": 1} for sku in ("tent", "lamp", "tent")]
    number = drafted(owner, lines=lines)["id"]

    first = owner.get(f"/purchase-orders/{number}/lines?limit=2").get_json()
    rest = owner.get(f"/purchase-orders/{number}/lines?after={first['next']}").get_json()

    assert [one["position"] for one in first["items"] + rest["items"]] == [1, 2, 3]
    assert rest["next"] is None


def test_an_order_is_read_as_csv(owner: Speaker) -> None:
    number = drafted(owner, number="P-1")["id"]

    answer = owner.get(f"/purchase-orders/{number}/csv")

    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.get_data(as_text=True).splitlines()[1] == "P-1,1,TENT,,,10,5.00,EUR,50.00,"


def test_what_is_needed_finds_its_suppliers_with_reasons(owner: Speaker) -> None:
    price = {
        "sku": "tent",
        "valid_from": "2020-01-01",
        "minimum": 20,
        "tiers": [{"from_quantity": 1, "unit_price": 500}],
    }
    number = supplier(owner)
    owner.post(f"/suppliers/{number}/prices", {"items": [price]})

    answer = owner.post(
        "/purchasing/choices", {"needs": [{"sku": "tent", "quantity": 7, "by": "2999-01-01"}]}
    )

    [need] = answer.get_json()["items"]
    [choice] = need["choices"]
    assert (choice["quantity"], choice["cost"], choice["in_time"]) == (20, 10_000, True)
    assert "7 is raised to the minimum of 20" in choice["reasons"]


def test_a_scorecard_tells_how_it_was_reckoned(owner: Speaker) -> None:
    number = supplier(owner)

    told = owner.get(f"/suppliers/{number}/scorecard").get_json()

    assert told["orders"] == 0
    assert {one["name"]: one["how"] for one in told["measures"]}["fill_rate"] == (
        "no units of orders that are complete"
    )
    answer = owner.get(
        f"/suppliers/{number}/scorecard?since=2026-02-01T00:00:00Z&until=2026-01-01T00:00:00Z"
    )
    assert answer.status_code == 422


def test_what_is_billed_too_dear_waits_for_an_owner(owner: Speaker) -> None:
    number = ordered(owner)
    line = line_of(owner, number)
    body = {"key": "k", "lines": [{"line_id": line, "quantity": 10}]}
    owner.post(f"/purchase-orders/{number}/receipts", body)
    bill = {
        "number": "R-1",
        "invoiced_on": "2026-01-01",
        "total": 6_000,
        "lines": [{"line_id": line, "quantity": 10, "unit_price": 600}],
    }

    made = owner.post(f"/purchase-orders/{number}/invoices", bill)

    told = made.get_json()
    assert (made.status_code, told["state"], len(told["reasons"])) == (201, "mismatch", 1)
    [open_one] = owner.get("/conflicts?kind=invoice_mismatch").get_json()["items"]
    assert "600 a unit is billed" in open_one["summary"]
    path = f"/supplier-invoices/{told['id']}"
    accepted = owner.patch(path, {"reason": "steel"}, match=told["version"])
    assert accepted.get_json()["state"] == "accepted"
