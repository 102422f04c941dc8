from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from connectors import catalog
from hub.channels import accounts
from hub.channels.door import signing
from hub.conflicts.record import Finding, open_conflicts
from hub.db import Database
from hub.documentation import api_markdown, channels_markdown
from hub.secrets import Keyring
from tests.builders import World, line, order, world
from tests.web import LOOPBACK, PUBLIC_URL, SHOP, Speaker, as_owner, connect

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def owner(database: Database, keyring: Keyring, seller: int) -> Speaker:
    return as_owner(database, keyring, seller)


@pytest.fixture
def shop(database: Database, keyring: Keyring, seller: int) -> World:
    made = world(database, seller, keyring, {"tent": 7, "stove": 3, "lamp": 0})
    made.derive()
    return made


def audited(shop: World | None, database: Database, seller: int) -> list[tuple[Any, ...]]:
    with database.transaction(seller) as tx:
        found = tx.execute(text("SELECT action, actor, request_id FROM audit ORDER BY id"))
        return [tuple(row) for row in found]


class TestAccounts:
    def test_a_new_account_starts_in_shadow_and_is_tested_and_read(
        self, owner: Speaker, database: Database, seller: int
    ) -> None:
        told = connect(owner)

        assert told["mode"] == "shadow"
        assert told["webhook_url"].startswith(f"{PUBLIC_URL}/webhooks/")
        assert {flow["flow"] for flow in told["flows"]} >= {"pull", "push", "inbox"}
        with database.transaction(seller) as tx:
            asked = tx.execute(text("SELECT kind FROM request ORDER BY id")).scalars().all()
        assert asked == ["test", "listings"]

    def test_no_answer_holds_a_secret(self, owner: Speaker, database: Database) -> None:
        number = connect(owner)["id"]

        answers = [
            owner.get("/accounts"),
            owner.get(f"/accounts/{number}"),
            owner.patch(f"/accounts/{number}", {"mode": "paused"}, match=1),
            owner.post(
                "/accounts", {"channel": "memory", "name": "x", "credentials": SHOP | {"a": "b"}}
            ),
            owner.post(
                "/accounts", {"channel": "memory", "name": "Anna's shop", "credentials": SHOP}
            ),
        ]

        for answer in answers:
            said = answer.get_data(as_text=True)
            assert SHOP["token"] not in said
            assert SHOP["webhook_secret"] not in said

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"credentials": {"shop": "s", "token": "t"}}, "credentials.webhook_secret"),
            ({"credentials": {**SHOP, "other": "x"}}, "credentials.other"),
            ({"settings": {"other": "x"}}, "settings.other"),
            ({"credentials": {**SHOP, "token": 5}}, "credentials.token.value"),
            ({"name": ""}, "name"),
            ({"name": "x" * 201}, "name"),
            ({"mode": "live"}, "mode"),
            ({"seller_id": 1}, "seller_id"),
            ({"base_url": "http://169.254.169.254/"}, "base_url"),
            ({"base_url": f"http://user@{LOOPBACK}"}, "base_url"),
            ({"base_url": f"ftp://{LOOPBACK}"}, "base_url"),
            ({"base_url": f"http://{LOOPBACK}?x=1"}, "base_url"),
            ({"base_url": "http://[::1"}, "base_url"),
        ],
    )
    def test_what_does_not_fit_the_declaration_is_named(
        self, owner: Speaker, changes: dict[str, Any], field: str
    ) -> None:
        body = {"channel": "memory", "name": "shop", "credentials": SHOP, **changes}

        answer = owner.post("/accounts", body)

        assert answer.status_code == 422
        assert list(answer.get_json()["errors"]) == [field]

    def test_a_simulator_of_this_installation_may_be_named(self, owner: Speaker) -> None:
        told = connect(owner, base_url=f"http://{LOOPBACK}")

        assert told["base_url"] == f"http://{LOOPBACK}"

    def test_an_unknown_channel_is_not_found(self, owner: Speaker) -> None:
        answer = owner.post("/accounts", {"channel": "no", "name": "x", "credentials": {}})

        assert answer.status_code == 404

    def test_a_name_is_given_once(self, owner: Speaker) -> None:
        connect(owner)

        answer = owner.post(
            "/accounts", {"channel": "memory", "name": "Anna's shop", "credentials": SHOP}
        )

        assert (answer.status_code, answer.get_json()["code"]) == (409, "conflict")

    def test_only_an_owner_turns_an_account_live(self, owner: Speaker) -> None:
        number = connect(owner)["id"]
        support = Speaker(owner.web, owner.seller_id, "support")

        refused = support.patch(f"/accounts/{number}", {"mode": "live"}, match=1)
        paused = support.patch(f"/accounts/{number}", {"mode": "paused"}, match=1)
        live = owner.patch(f"/accounts/{number}", {"mode": "live"}, match=2)

        assert [a.status_code for a in (refused, paused, live)] == [403, 200, 200]
        assert live.headers["ETag"] == '"3"'
        assert live.get_json()["mode"] == "live"

    def test_a_command_leaves_its_line_in_the_audit(
        self, owner: Speaker, database: Database, seller: int
    ) -> None:
        number = connect(owner)["id"]
        owner.patch(
            f"/accounts/{number}", {"mode": "live"}, match=1, headers={"X-Request-Id": "abc-1"}
        )

        lines = audited(None, database, seller)

        assert [one[0] for one in lines] == ["account.connect", "account.mode"]
        assert lines[1][1].startswith("token:")
        assert lines[1][2] == "abc-1"

    def test_a_new_webhook_secret_is_kept_beside_the_old_one(
        self, owner: Speaker, database: Database, seller: int, keyring: Keyring
    ) -> None:
        number = connect(owner)["id"]

        answer = owner.put(
            f"/accounts/{number}/credentials",
            {"credentials": {"webhook_secret": "whs-the-second"}},
            match=1,
        )

        assert answer.status_code == 200
        with database.transaction(seller) as tx:
            kept = signing(accounts.credentials(tx, keyring, number))
        assert kept["webhook_secret"] == ["whs-the-second", SHOP["webhook_secret"]]
        assert kept["token"] == [SHOP["token"]]


class TestVersions:
    @pytest.fixture
    def update(self, owner: Speaker, shop: World, which: str) -> Callable[..., Any]:
        listing = shop.ask("SELECT id FROM listing ORDER BY id LIMIT 1")[0][0]
        calls: dict[str, tuple[Callable[..., Any], str, dict[str, Any]]] = {
            "account": (owner.patch, f"/accounts/{shop.account_id}", {"mode": "paused"}),
            "listing": (owner.patch, f"/listings/{listing}", {"paused": True}),
            "rule": (owner.put, f"/accounts/{shop.account_id}/rule", {"buffer": 1}),
            "credentials": (
                owner.put,
                f"/accounts/{shop.account_id}/credentials",
                {"credentials": SHOP},
            ),
        }
        call, path, body = calls[which]
        return lambda **options: call(path, body, **options)

    @pytest.mark.parametrize("which", ["account", "listing", "rule", "credentials"])
    def test_an_update_names_the_version_it_has_read(self, update: Callable[..., Any]) -> None:
        missing = update()
        stale = update(match=99)
        nonsense = update(headers={"If-Match": "*"})

        assert [a.status_code for a in (missing, stale, nonsense)] == [428, 412, 412]
        assert missing.get_json()["code"] == "version_needed"
        assert stale.get_json()["code"] == "stale_version"

    def test_the_etag_that_was_read_is_the_one_to_send(self, owner: Speaker, shop: World) -> None:
        path = f"/accounts/{shop.account_id}/rule"
        read = owner.get(path)

        first = owner.put(path, {"safety_stock": 2}, headers={"If-Match": read.headers["ETag"]})
        again = owner.put(path, {"safety_stock": 3}, headers={"If-Match": read.headers["ETag"]})

        assert (first.status_code, again.status_code) == (200, 412)
        assert owner.get(path).get_json()["safety_stock"] == 2


class TestListings:
    def test_a_rule_changes_the_offer_and_says_why(self, owner: Speaker, shop: World) -> None:
        owner.put(f"/accounts/{shop.account_id}/rule", {"safety_stock": 2}, match=0)
        shop.derive()

        listed = owner.get("/listings").get_json()["items"]
        tent = next(one for one in listed if one["sku"] == "tent")
        detail = owner.get(f"/listings/{tent['id']}").get_json()

        assert tent["offer"] == 5
        assert [one["quantity"] for one in detail["history"]] == [5, 7]
        assert detail["history"][0]["derivation"]["rule"]["safety_stock"] == 2

    def test_a_rule_of_one_listing_belongs_to_its_account(
        self, owner: Speaker, shop: World
    ) -> None:
        other = connect(owner, "second")["id"]
        listing = owner.get("/listings").get_json()["items"][0]["id"]

        answer = owner.put(f"/accounts/{other}/rule", {"listing_id": listing}, match=0)

        assert answer.status_code == 404

    def test_a_listing_is_paused_and_resumed(self, owner: Speaker, shop: World) -> None:
        listing = owner.get("/listings").get_json()["items"][0]["id"]

        paused = owner.patch(f"/listings/{listing}", {"paused": True}, match=2)
        resumed = owner.patch(f"/listings/{listing}", {"paused": False}, match=3)

        assert paused.get_json()["paused"] is True
        assert resumed.get_json()["paused"] is False

    @pytest.mark.parametrize(
        "body", [{}, {"paused": "true"}, {"paused": 1}, {"paused": None}, {"product_id": "7"},
                 {"product_id": 1.0}, {"product_id": True}, {"product_id": 2**63},
                 {"paused": True, "product_id": 7}]
    )  # fmt: skip
    def test_a_body_says_one_thing_in_its_own_type(
        self, owner: Speaker, shop: World, body: dict[str, Any]
    ) -> None:
        listing = owner.get("/listings").get_json()["items"][0]["id"]

        answer = owner.patch(f"/listings/{listing}", body, match=2)

        assert answer.status_code == 422

    def test_a_listing_is_linked_to_a_product(self, owner: Speaker, shop: World) -> None:
        listing = owner.get("/listings").get_json()["items"][0]

        answer = owner.patch(
            f"/listings/{listing['id']}",
            {"product_id": shop.products["stove"]},
            match=listing["version"],
        )

        assert answer.get_json()["product_id"] == shop.products["stove"]

    def test_reconciliation_shows_both_sides(self, owner: Speaker, shop: World) -> None:
        answer = owner.get(f"/reconciliation?account_id={shop.account_id}&different=true")

        tent = next(one for one in answer.get_json()["items"] if one["sku"] == "tent")
        assert (tent["offer"], tent["channel_now"], tent["explanation"]) == (7, None, "not_sent")


class TestStock:
    def test_an_adjustment_counts_once(self, owner: Speaker, shop: World) -> None:
        body = {
            "key": "count-1",
            "reason": "stocktake",
            "lines": [{"sku": "TENT", "location": "MAIN", "change": -2}],
        }

        first = owner.post("/stock/adjustments", body)
        again = owner.post("/stock/adjustments", body)

        assert [a.get_json()["posted"] for a in (first, again)] == [True, False]
        assert shop.level("tent") == 5
        actions = [one[0] for one in audited(shop, shop.database, shop.seller_id)]
        assert actions == ["stock.adjust"]

    def test_a_key_stands_for_one_adjustment(self, owner: Speaker, shop: World) -> None:
        def body(change: int) -> dict[str, Any]:
            lines = [{"sku": "tent", "location": "MAIN", "change": change}]
            return {"key": "count-1", "reason": "stocktake", "lines": lines}

        owner.post("/stock/adjustments", body(-2))
        answer = owner.post("/stock/adjustments", body(-3))

        assert (answer.status_code, answer.get_json()["code"]) == (409, "key_reused")
        assert shop.level("tent") == 5

    @pytest.mark.parametrize(
        ("changes", "status", "field"),
        [
            ({"sku": "boat"}, 422, "lines[0].sku"),
            ({"sku": ""}, 422, "lines[0].sku"),
            ({"location": "MOON"}, 422, "lines[0].location"),
            ({"change": 0}, 422, "change"),
            ({"change": 1.5}, 422, "lines[0].change"),
            ({"change": "1"}, 422, "lines[0].change"),
            ({"change": 10**12}, 422, "lines[0].change"),
            ({"change": -8}, 409, None),
        ],
    )
    def test_what_cannot_be_adjusted_is_named_and_nothing_is_written(
        self, owner: Speaker, shop: World, changes: dict[str, Any], status: int, field: str | None
    ) -> None:
        line = {"sku": "tent", "location": "MAIN", "change": 1, **changes}

        answer = owner.post("/stock/adjustments", {"key": "k", "reason": "r", "lines": [line]})

        assert answer.status_code == status
        if field:
            assert list(answer.get_json()["errors"]) == [field]
        assert shop.level("tent") == 7

    def test_stock_now_and_then(self, owner: Speaker, shop: World) -> None:
        now = owner.get("/stock/tent").get_json()
        then = owner.get("/stock/tent?as_of=2020-01-01T00:00:00Z").get_json()

        assert now["levels"] == [{"location": "MAIN", "quantity": 7, "state": "available"}]
        assert then["levels"] == []

    def test_a_moment_needs_its_zone(self, owner: Speaker, shop: World) -> None:
        answer = owner.get("/stock/tent?as_of=2020-01-01T00:00:00")

        assert list(answer.get_json()["errors"]) == ["as_of"]

    def test_a_sku_with_a_slash_has_a_page(self, owner: Speaker) -> None:
        owner.post("/products", {"items": [{"sku": "A/B", "name": "odd"}]})

        assert owner.get("/stock/A%2FB").get_json()["sku"] == "A/B"
        assert owner.get("/stock/C").status_code == 404

    def test_products_are_created_once(self, owner: Speaker) -> None:
        items = [{"sku": "b"}, {"sku": "a", "name": "first", "barcode": "40063813"}]

        made = owner.post("/products", {"items": items}).get_json()["items"]
        again = owner.post("/products", {"items": [{"sku": "A", "name": "second"}]}).get_json()

        assert [one["sku"] for one in made] == ["a", "b"]
        assert again["items"][0]["name"] == "first"

    def test_a_location_is_created_and_listed(self, owner: Speaker) -> None:
        owner.post("/locations", {"code": "EAST"})

        assert [one["code"] for one in owner.get("/locations").get_json()["items"]] == ["EAST"]


class TestOrdersAndConflicts:
    def test_an_order_is_shown_without_its_buyer(self, owner: Speaker, shop: World) -> None:
        shop.take(order("1", line("1", "v-tent", 2)))

        listed = owner.get("/orders?status=confirmed").get_json()["items"]
        detail = owner.get(f"/orders/{listed[0]['id']}")

        assert detail.get_json()["lines"][0]["allocated"] == 2
        assert "berta" not in detail.get_data(as_text=True).casefold()

    def test_a_conflict_shows_evidence_and_no_payload(
        self, owner: Speaker, database: Database, seller: int
    ) -> None:
        finding = Finding("poison_record", "order:1", "odd", {"field": "total"}, payload=b"sealed")
        with database.transaction(seller) as tx:
            open_conflicts(tx, [finding])

        listed = owner.get("/conflicts?state=open").get_json()["items"]

        assert listed[0]["evidence"] == {"field": "total"}
        assert "payload" not in listed[0]
        shown = owner.get(f"/conflicts/{listed[0]['id']}").get_json()
        assert {name: shown[name] for name in listed[0]} == listed[0]
        assert "payload" not in shown


class TestPages:
    @pytest.mark.parametrize("path", ["/orders", "/listings", "/reconciliation", "/stock",
                                      "/products", "/accounts", "/conflicts"])  # fmt: skip
    def test_walking_shows_everything_once(
        self, owner: Speaker, shop: World, path: str, database: Database, seller: int
    ) -> None:
        shop.take(*(order(str(n), line("1", "v-tent")) for n in range(5)))
        with database.transaction(seller) as tx:
            open_conflicts(tx, [Finding("test", f"s:{n}", "odd") for n in range(5)])
        for n in range(2):
            connect(owner, f"shop {n}")
        whole = owner.get(f"{path}?limit=200").get_json()

        seen, after, pages = [], "", 0
        while after is not None:
            told = owner.get(f"{path}?limit=2&after={after}").get_json()
            seen += told["items"]
            after = told["next"]
            pages += 1

        assert whole["next"] is None
        assert len(seen) >= 3
        assert pages == (len(seen) + 1) // 2
        keys = [one.get("id", one.get("product_id")) for one in seen]
        assert keys == [one.get("id", one.get("product_id")) for one in whole["items"]]

    @pytest.mark.parametrize(
        "query", ["after=nonsense", "after=W10", "after=%00", "after=" + "A" * 1001, "limit=0",
                  "limit=201", "limit=1.0", "limit=%EF%BC%91", "limit=1_0", "limit=", "limitt=5",
                  "account_id=-1", "account_id=9223372036854775808"]
    )  # fmt: skip
    def test_a_broken_query_names_its_field(self, owner: Speaker, query: str) -> None:
        answer = owner.get(f"/orders?{query}")

        assert answer.status_code == 422
        assert list(answer.get_json()["errors"]) == [query.split("=")[0]]

    def test_a_cursor_belongs_to_its_list(self, owner: Speaker, shop: World) -> None:
        cursor = owner.get("/products?limit=1").get_json()["next"]

        assert owner.get(f"/stock?after={cursor}").status_code == 422


class TestReferencePages:
    def test_the_pages_say_what_the_code_says(self, owner: Speaker) -> None:
        assert (DOCS / "api.md").read_text() == api_markdown(owner.web.app)
        assert (DOCS / "channels.md").read_text() == channels_markdown(catalog.channels())
