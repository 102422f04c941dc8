"""The installation's settings, read from the environment here and nowhere else.

Production names everything. A checkout that is running its own servers leaves their addresses in
``<home>/run.json``, so that ``hub`` in another terminal finds them.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hub.errors import Misconfigured

CHECKOUT = Path(__file__).resolve().parent.parent


def default_home(environ: Mapping[str, str]) -> Path:
    """Where run file and keys are kept: HUB_HOME, the checkout, or the user's data folder."""
    if environ.get("HUB_HOME"):
        return Path(environ["HUB_HOME"]).resolve()
    if (CHECKOUT / "pyproject.toml").exists() and os.access(CHECKOUT, os.W_OK):
        return CHECKOUT / ".hub"
    base = environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "storefront-hub"


def normalised(url: str) -> str:
    """A PostgreSQL URL with the driver we use, whatever the user wrote before ``://``."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.split("+")[0] not in {"postgresql", "postgres"}:
        raise Misconfigured("DATABASE_URL must start with postgresql://")
    return f"postgresql+psycopg://{rest}"


@dataclass(frozen=True, slots=True)
class Settings:
    """``loopback`` holds the host:port pairs on this machine that connectors may call (simulators);
    empty in production. Times are seconds."""

    home: Path
    database_url: str = field(default="", repr=False)
    migration_database_url: str = field(default="", repr=False)
    redis_url: str = field(default="", repr=False)
    secret_keys: str = field(default="", repr=False)
    public_url: str = ""
    loopback: frozenset[str] = frozenset()
    bind: str = "127.0.0.1:8000"
    web_fd: int | None = None
    die_with_parent: bool = False
    web_processes: int = 2
    live_workers: int = 1
    long_workers: int = 1
    bulk_workers: int = 1
    sweep_seconds: float = 2.0
    pull_seconds: float = 60.0
    refund_seconds: float = 900.0
    readback_seconds: float | None = None
    log_level: str = "INFO"
    metrics_token: str = field(default="", repr=False)
    metrics_bind: str = ""
    metrics_folder: str = ""
    tracing: bool = False

    @property
    def queue_prefix(self) -> str:
        """Key prefix in Redis: one per database, so that installations may share a server."""
        return "hub-" + hashlib.sha256(self.database_url.encode()).hexdigest()[:12]


def _number(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value < 1e6:
        raise Misconfigured(f"{name} must be a number of seconds or processes, not {text!r}")
    return value


def _tracing(environ: Mapping[str, str]) -> bool:
    """Off, unless it is asked for or OpenTelemetry is told where to send its traces."""
    asked = environ.get("HUB_TRACING", "")
    told = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
    return asked == "1" or (not asked and any(environ.get(name) for name in told))


def running(home: Path) -> dict[str, str]:
    """The addresses left by the servers that run from this home; empty when none do."""
    try:
        found = json.loads((home / "run.json").read_text())
        os.kill(int(found["pid"]), 0)
    except PermissionError:
        return {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {name: str(value) for name, value in found.items() if value}


def settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment, then the run file, then defaults. Raises Misconfigured."""
    env = os.environ if environ is None else environ
    home = default_home(env)
    live = running(home) if not env.get("DATABASE_URL") else {}
    database = env.get("DATABASE_URL") or live.get("database_url", "")
    migration = env.get("MIGRATION_DATABASE_URL") or live.get("migration_database_url") or database
    readback = env.get("HUB_READBACK_SECONDS", "")
    return Settings(
        home=home,
        database_url=normalised(database) if database else "",
        migration_database_url=normalised(migration) if migration else "",
        redis_url=env.get("REDIS_URL") or live.get("redis_url", ""),
        secret_keys=env.get("HUB_SECRET_KEYS", ""),
        public_url=(env.get("HUB_PUBLIC_URL") or live.get("web_url", "")).rstrip("/"),
        loopback=frozenset(
            filter(None, (env.get("HUB_LOOPBACK") or live.get("loopback", "")).split(","))
        ),
        bind=env.get("HUB_BIND") or f"127.0.0.1:{env.get('PORT') or 8000}",
        web_fd=int(_number(env, "HUB_WEB_FD", 0)) or None,
        die_with_parent=env.get("HUB_DIE_WITH_PARENT") == "1",
        web_processes=int(_number(env, "HUB_WEB_PROCESSES", 2)),
        live_workers=int(_number(env, "HUB_LIVE_WORKERS", 1)),
        long_workers=int(_number(env, "HUB_LONG_WORKERS", 1)),
        bulk_workers=int(_number(env, "HUB_BULK_WORKERS", 1)),
        sweep_seconds=_number(env, "HUB_SWEEP_SECONDS", 2.0) or 2.0,
        pull_seconds=_number(env, "HUB_PULL_SECONDS", 60.0),
        refund_seconds=_number(env, "HUB_REFUND_SECONDS", 900.0),
        readback_seconds=_number(env, "HUB_READBACK_SECONDS", 0) if readback else None,
        log_level=env.get("HUB_LOG_LEVEL", "INFO").upper(),
        metrics_token=env.get("HUB_METRICS_TOKEN", ""),
        metrics_bind=env.get("HUB_METRICS_BIND", ""),
        metrics_folder=env.get("PROMETHEUS_MULTIPROC_DIR", ""),
        tracing=_tracing(env),
    )


def environment() -> dict[str, str]:
    """A copy of this process' environment, for starting another."""
    return dict(os.environ)
