"""What is counted, who may read it, and that an alert speaks only of what there is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from werkzeug.test import TestResponse

from hub import metrics
from hub.api.edge import Installation
from hub.channels import accounts, clocks, inbox
from hub.db import Database
from hub.health.figures import Figures
from hub.heartbeat import beat
from hub.secrets import Keyring
from tests.builders import World, line, order, world
from tests.web import application

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "a-token-of-the-installation"
Labels = frozenset[tuple[str, str]]


def scrape(database: Database | None, keyring: Keyring, header: str, token: str) -> TestResponse:
    app = application(database, keyring)
    here: Installation = app.extensions["hub"]
    opened = replace(here.settings, metrics_token=token)
    app.extensions["hub"] = replace(here, settings=opened)
    return app.test_client().get("/metrics", headers={"Authorization": header} if header else {})


def samples(page: str) -> dict[tuple[str, Labels], float]:
    return {
        (one.name, frozenset(one.labels.items())): one.value
        for family in text_string_to_metric_families(page)
        for one in family.samples
    }


def figures(database: Database) -> dict[tuple[str, Labels], float]:
    return samples(metrics.page("", Figures(database)).decode())


def value(found: dict[tuple[str, Labels], float], name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


@pytest.fixture
def shop(database: Database, keyring: Keyring, seller: int) -> World:
    return world(database, seller, keyring, {"TENT": 5, "BOAT": 5})


class TestTheDoor:
    @pytest.mark.parametrize(
        ("header", "token", "status"),
        [
            (f"Bearer {TOKEN}", TOKEN, 200),
            ("Bearer another", TOKEN, 401),
            ("", TOKEN, 401),
            ("", "", 404),
            ("Bearer ", "", 404),
        ],
    )
    def test_only_the_bearer_of_the_token_reads_and_without_one_there_is_no_such_path(
        self, database: Database, keyring: Keyring, header: str, token: str, status: int
    ) -> None:
        assert scrape(database, keyring, header, token).status_code == status

    def test_a_database_that_is_away_is_a_figure_and_the_process_still_tells_its_own(
        self, keyring: Keyring
    ) -> None:
        answer = scrape(None, keyring, f"Bearer {TOKEN}", TOKEN)

        found = samples(answer.get_data(as_text=True))
        assert answer.status_code == 200
        assert value(found, "hub_database_answers") == 0
        assert not any(name == "hub_pushes_waiting" for name, _ in found)


class TestFigures:
    def test_an_installation_with_nothing_to_do_shows_zeros_not_nothing(
        self, database: Database
    ) -> None:
        found = figures(database)

        assert value(found, "hub_database_answers") == 1
        assert value(found, "hub_flows_due", flow="push") == 0
        assert value(found, "hub_conflicts_open", kind="oversold") == 0
        assert value(found, "hub_pushes_waiting") == value(found, "hub_webhooks_waiting") == 0
        assert value(found, "hub_processes", kind="worker", lane="live") == 0

    def test_offers_that_live_shops_have_not_been_told_are_counted_with_their_age(
        self, database: Database, shop: World
    ) -> None:
        shop.derive()
        with database.transaction(shop.seller_id) as tx:
            tx.execute(text("UPDATE flow SET next_at = now() - interval '90 s' WHERE flow='push'"))

        found = figures(database)

        assert value(found, "hub_pushes_waiting") == 2
        assert 0 < value(found, "hub_push_oldest_seconds") < 60
        assert value(found, "hub_flows_due", flow="push") == 1
        assert 90 <= value(found, "hub_flow_overdue_seconds", flow="push") < 150

    def test_what_a_shop_in_shadow_would_be_told_waits_for_nobody(
        self, database: Database, shop: World
    ) -> None:
        with database.transaction(shop.seller_id) as tx:
            accounts.set_mode(tx, shop.account_id, "shadow")
        shop.derive()

        assert value(figures(database), "hub_pushes_waiting") == 0

    def test_webhooks_conflicts_and_accounts_in_trouble_are_counted_across_sellers(
        self, database: Database, keyring: Keyring, shop: World, other_seller: int
    ) -> None:
        theirs = world(database, other_seller, keyring, {"TENT": 1})
        theirs.take(order("1", line("1", "v-TENT", 7)))
        for one in (shop, theirs):
            with database.transaction(one.seller_id) as tx:
                inbox.receive(tx, one.account_id, "e-1", "orders", [], b"{}")
        with database.transaction(other_seller) as tx:
            tx.execute(text("UPDATE flow SET health = 'failing' WHERE flow = 'pull'"))

        found = figures(database)

        assert value(found, "hub_webhooks_waiting") == 2
        assert value(found, "hub_conflicts_open", kind="oversold") == 1
        assert value(found, "hub_accounts", health="healthy") == 1
        assert value(found, "hub_accounts", health="failing") == 1

    def test_processes_that_have_been_silent_are_gone_and_the_clock_speaks_for_redis(
        self, database: Database
    ) -> None:
        beat(database, "worker", lane="live")
        with database.across_sellers() as connection:
            connection.execute(text("UPDATE heartbeat SET beat_at = now() - interval '50 s'"))
        beat(database, "clock", queues={"live": 3, "bulk": None})

        found = figures(database)

        assert value(found, "hub_processes", kind="worker", lane="live") == 0
        assert value(found, "hub_heartbeat_seconds", kind="worker", lane="live") >= 50
        assert value(found, "hub_processes", kind="clock", lane="") == 1
        assert value(found, "hub_redis_answers") == 0
        assert value(found, "hub_queue_jobs", lane="live") == 3

    def test_accounts_whose_webhooks_do_not_come_and_clocks_are_counted_across_sellers(
        self, database: Database, keyring: Keyring, shop: World, other_seller: int
    ) -> None:
        theirs = world(database, other_seller, keyring, {"TENT": 1})
        tallies = "INSERT INTO webhook_tally (seller_id, account_id, slot, hour, changes, lost)"
        for one, lost, ahead in ((shop, 2, 0.4), (theirs, 3, -45.0)):
            with database.transaction(one.seller_id) as tx:
                of = {"s": one.seller_id, "a": one.account_id, "lost": lost}
                now = "VALUES (:s, :a, 0, now(), 12, :lost)"
                before = "VALUES (:s, :a, 1, now() - interval '4 hours', 99, 99)"
                tx.execute(text(f"{tallies} {now}"), of)
                tx.execute(text(f"{tallies} {before}"), of)
                clocks.note(tx, one.account_id, ahead, "web-1")

        found = figures(database)

        assert value(found, "hub_order_changes") == 24
        assert value(found, "hub_webhooks_lost") == 5
        assert value(found, "hub_accounts_unheard") == 1
        assert value(found, "hub_channel_clock_skew_seconds") == 45

    def test_a_host_whose_clock_is_wrong_is_shown_by_how_much(self, database: Database) -> None:
        beat(database, "worker", lane="live")
        right = value(figures(database), "hub_host_clock_skew_seconds")
        beat(database, "clock", queues={}, now=lambda: time.time() - 90)

        wrong = value(figures(database), "hub_host_clock_skew_seconds")

        assert right < 1
        assert wrong == pytest.approx(90, abs=1)

    def test_no_label_names_a_seller_an_account_or_a_shop(
        self, database: Database, shop: World
    ) -> None:
        labels = {name for (_, labels) in figures(database) for name, _ in labels}

        allowed = {"channel", "flow", "health", "kind", "lane", "le", "method", "outcome"}
        assert labels <= allowed | {"route", "status", "topic"}


class TestCounters:
    def test_requests_are_counted_by_route_never_by_what_was_asked_for(
        self, database: Database, keyring: Keyring
    ) -> None:
        client = application(database, keyring).test_client()

        def counted(**labels: str) -> float:
            return metrics.REGISTRY.get_sample_value("hub_requests_total", labels) or 0.0

        hook = {"method": "POST", "route": "/webhooks/<string:path>", "status": "404"}
        none = {"method": "other", "route": "none", "status": "404"}
        before = counted(**hook), counted(**none)
        client.post("/webhooks/secret-path")
        client.open("/no/such", method="BREW")

        assert (counted(**hook), counted(**none)) == (before[0] + 1, before[1] + 1)

    def test_processes_that_share_a_folder_are_shown_as_one_also_after_they_left(
        self, tmp_path: Path
    ) -> None:
        code = "from hub import metrics; metrics.JOBS.labels('push', 'done').inc(2)"
        shared = {**os.environ, metrics.FOLDER_VARIABLE: str(tmp_path)}
        for _ in range(2):
            subprocess.run([sys.executable, "-c", code], env=shared, cwd=ROOT, check=True)

        found = samples(metrics.page(str(tmp_path)).decode())

        assert value(found, "hub_jobs_total", topic="push", outcome="done") == 4

    def test_what_processes_left_behind_is_cleared_away_and_those_alive_keep_theirs(
        self, tmp_path: Path
    ) -> None:
        gone = subprocess.Popen(["true"])
        gone.wait()
        left = tmp_path / "metrics" / f"web-{gone.pid}"
        kept = tmp_path / "metrics" / f"web-{os.getppid()}"
        for folder in (left, kept):
            folder.mkdir(parents=True)

        mine = metrics.open_folder(tmp_path, "web")

        assert (mine.is_dir(), kept.is_dir(), left.is_dir()) == (True, True, False)


class TestAlerts:
    RULES = (ROOT / "deploy" / "prometheus" / "hub.rules.yml").read_text()

    def test_every_metric_an_alert_names_exists(self, database: Database) -> None:
        page = metrics.page("", Figures(database)).decode()
        known = set(re.findall(r"^# TYPE (\S+)", page, re.MULTILINE))
        named = set(re.findall(r"\bhub_[a-z_]+", "\n".join(self._expressions())))

        found = {one for one in named if _family(one) in known or one in known}
        assert named
        assert named - found == set()

    def test_every_alert_is_explained_and_no_other(self) -> None:
        alerts = set(re.findall(r"- alert: (\w+)", self.RULES))
        page = (ROOT / "docs" / "operations.md").read_text()

        assert alerts
        assert set(re.findall(r"^\| `(Hub\w+)` \|", page, re.MULTILINE)) == alerts

    def _expressions(self) -> list[str]:
        return re.findall(r"^ +expr: (.+)$", self.RULES, re.MULTILINE)


def _family(name: str) -> str:
    return re.sub(r"_(bucket|count|sum)$", "", name)
