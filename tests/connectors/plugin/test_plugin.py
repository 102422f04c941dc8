"""A channel in a package of its own: installed beside the hub, with no line changed here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from connectors.catalog import GROUP

SOURCE = Path(__file__).with_name("barrow-channel")


def run(*command: str, at: Path, beside: Path) -> str:
    """What a command of this Python says, with the packages of a folder beside our own."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        capture_output=True,
        text=True,
        cwd=at,
        check=False,
        env={**os.environ, "PYTHONPATH": str(beside), "COLUMNS": "500"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as its author has it."""
    there = tmp_path_factory.mktemp("author") / SOURCE.name
    shutil.copytree(SOURCE, there, ignore=shutil.ignore_patterns("__pycache__"))
    return there


@pytest.fixture(scope="module")
def installed(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pip has put it: not into this environment, and without asking any index."""
    target = tmp_path_factory.mktemp("installed")
    offline = ("--no-index", "--no-deps", "--no-build-isolation", "--no-cache-dir")
    run("pip", "install", "-q", *offline, "--target", str(target), ".", at=package, beside=target)
    return target


def test_an_installed_channel_is_listed_with_what_it_can(installed: Path, tmp_path: Path) -> None:
    told = run("hub.cli", "channels", at=tmp_path, beside=installed)

    (row,) = [line for line in told.splitlines() if "barrow" in line]
    assert "Barrow" in row
    assert "stock_push" in row
    assert "token" in row
    assert "Shopify" in told


@pytest.mark.timeout(240)
def test_an_installed_channel_passes_the_contract_suite(installed: Path, package: Path) -> None:
    told = run(
        "pytest", "-q", "-p", "no:cacheprovider", ".", at=package / "tests", beside=installed
    )

    assert " passed" in told
    assert " failed" not in told


def test_a_package_cannot_take_a_built_in_name(installed: Path, tmp_path: Path) -> None:
    claim = tmp_path / "usurper-1.0.dist-info"
    claim.mkdir()
    (claim / "METADATA").write_text("Metadata-Version: 2.1\nName: usurper\nVersion: 1.0\n")
    (claim / "entry_points.txt").write_text(f"[{GROUP}]\nmemory = barrow:CHANNEL\n")
    shutil.copytree(installed / "barrow", tmp_path / "barrow")

    told = run("hub.cli", "channels", at=tmp_path, beside=tmp_path)

    assert "In-memory shop" in told
    assert "Barrow" not in told


def test_a_package_that_does_not_load_stops_no_other(installed: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken-1.0.dist-info"
    broken.mkdir()
    (broken / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (broken / "entry_points.txt").write_text(f"[{GROUP}]\nbroken = broken_channel:CHANNEL\n")
    (tmp_path / "broken_channel.py").write_text("raise RuntimeError('no licence')\n")

    told = run("hub.cli", "channels", at=tmp_path, beside=tmp_path)

    assert "Shopify" in told
    assert not [line for line in told.splitlines() if line.startswith("│ broken")]
