"""What a reviewer would have to remember: the shape of the code, checked."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from connectors import catalog
from hub import migrating
from hub.cli import main
from hub.config import Settings
from sync import jobs, lanes, queues, worker
from sync.lanes import LANES

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("hub", "connectors", "sync", "servers")
LONGEST_FILE = 400
LONGEST_FUNCTION = 50
VAGUE = {"utils", "util", "helpers", "helper", "common", "core", "manager", "service", "misc"}


def sources() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def channel_folders() -> list[str]:
    return [name for name in catalog.CHANNELS if (ROOT / "connectors" / name).is_dir()]


def test_no_file_is_too_long() -> None:
    lengths = {named(path): len(path.read_text().splitlines()) for path in sources()}

    assert {name: count for name, count in lengths.items() if count > LONGEST_FILE} == {}


def test_no_function_is_too_long() -> None:
    long = []
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > LONGEST_FUNCTION:
                    long.append(f"{named(path)}:{node.name} {length}")

    assert long == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [named(path) for path in sources() if path.stem in VAGUE] == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        named(path)
        for path in sources()
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]

    assert silent == []


def test_channels_know_nothing_of_each_other() -> None:
    guilty = []
    for name in channel_folders():
        others = {f"connectors.{other}" for other in channel_folders() if other != name}
        for path in (ROOT / "connectors" / name).rglob("*.py"):
            for wanted in imports(path):
                if any(wanted == other or wanted.startswith(other + ".") for other in others):
                    guilty.append(f"{named(path)} imports {wanted}")

    assert guilty == []


def test_mappings_are_pure() -> None:
    impure = {"requests", "connectors.http", "socket", "flask", "time"}
    guilty = [
        f"{named(path)} imports {wanted}"
        for path in (ROOT / "connectors").rglob("mapping.py")
        for wanted in imports(path)
        if wanted.split(".")[0] in impure or wanted in impure
    ]

    assert guilty == []


@pytest.mark.parametrize("channel", channel_folders())
def test_every_channel_has_the_four_files_tests_and_a_docs_row(channel: str) -> None:
    folder = ROOT / "connectors" / channel
    wanted = ("__init__.py", "client.py", "mapping.py", "connector.py", "simulator.py")

    assert [name for name in wanted if not (folder / name).exists()] == []
    assert (ROOT / "tests" / "connectors" / channel / "test_contract.py").exists()
    assert f"`{channel}`" in (ROOT / "docs" / "channels.md").read_text()


def test_the_catalogue_is_sorted_and_lists_every_folder() -> None:
    declared = {
        path.parent.name
        for path in (ROOT / "connectors").glob("*/__init__.py")
        if re.search(r"^CHANNEL\b", path.read_text(), re.MULTILINE)
    }

    assert list(catalog.CHANNELS) == sorted(catalog.CHANNELS)
    assert declared == set(catalog.CHANNELS)


def test_every_queue_is_consumed_and_every_topic_has_a_handler() -> None:
    reached = {*queues.LANE_OF.values(), *map(lanes.NEXT.get, queues.LANE_OF.values())}
    assert reached == set(LANES)
    assert set(worker.staff(Settings(home=ROOT))) == set(LANES)
    assert set(jobs.HANDLERS) == set(queues.LANE_OF)


def test_the_procfile_names_commands_that_exist() -> None:
    for line in (ROOT / "Procfile").read_text().splitlines():
        _, _, command = line.partition(": hub ")
        assert command in main.commands


def test_migrations_are_one_line_with_one_head() -> None:
    script = ScriptDirectory.from_config(migrating.configuration())

    assert len(script.get_heads()) == 1
    assert all(not revision.is_branch_point for revision in script.walk_revisions())


def test_the_commands_in_the_readme_exist() -> None:
    text = (ROOT / "README.md").read_text()
    targets = set(re.findall(r"^([a-z0-9]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    used_targets = set(re.findall(r"\bmake ([a-z0-9]+)", _code(text)))
    used = re.findall(r"(?:^|`|bin/)hub (?:--seller \S+ )?([a-z-]+)", _code(text), re.MULTILINE)
    used_commands = set(used)

    assert used_targets <= targets
    assert used_commands <= set(main.commands)


def _code(text: str) -> str:
    return "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))


def test_import_contracts_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )

    assert done.returncode == 0, done.stdout
