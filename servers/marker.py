"""The version that wrote a data directory, noted inside it.

A server that opens the data of another may refuse, or start empty without a word (Redis 6.2 does
that with Valkey's files), so we compare before it is started.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from servers.errors import WrongVersion

NAME = "storefront-hub.json"


@dataclass(frozen=True, slots=True)
class Release:
    server: str
    version: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.server} {'.'.join(map(str, self.version))}"


def text(release: Release) -> str:
    version = ".".join(map(str, release.version))
    return json.dumps({"server": release.server, "version": version}) + "\n"


def read(data: Path) -> Release | None:
    try:
        found = json.loads((data / NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Release(found["server"], tuple(int(part) for part in found["version"].split(".")))


def check(
    data: Path, present: Release, may_open: Callable[[Release, Release], bool], remedy: str
) -> None:
    """Raise WrongVersion unless the program at hand may open what is there, if anything is."""
    found = read(data)
    if found is not None and not may_open(found, present):
        raise WrongVersion(data, str(found), str(present), remedy.format(found=found, data=data))
