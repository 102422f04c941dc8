"""Commands that join hub, channels and servers: worker, clock, doctor, demo, replay, simulate and
hold."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Any

import click

from hub import logs, tracing
from hub.config import settings
from hub.db import Database, create
from sync.lanes import LANES


def _stopping() -> Event:
    """Set by SIGTERM and Ctrl-C."""
    stop = Event()

    def handle(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    return stop


@click.command()
@click.option("--lane", type=click.Choice(LANES), help="one worker on this lane only")
def worker(lane: str | None) -> None:
    """Run the workers, and start again those that leave."""
    from sync import worker as workers

    found = settings()
    logs.configure(found.log_level)
    if found.tracing:
        tracing.begin("worker")
    if lane:
        workers.work(found, lane, Event())
    else:
        workers.Supervisor(workers.staff(found), found).run()


@click.command()
def clock() -> None:
    """Run the clock: hear rings, sweep, fire what is scheduled."""
    from sync.clock import Clock
    from sync.queues import Queues, connect

    found = settings()
    logs.configure(found.log_level)
    database = Database(create(found.database_url, pool=2, name="hub-clock"))
    queues = Queues(found, connect(found))
    Clock(found.database_url, database, queues, found.sweep_seconds, _stopping()).run()


@click.command()
def doctor() -> None:
    """Say what is running, where, and what is wrong; exit 1 if something is."""
    from sync.doctor import examine

    wrong = 0
    for finding in examine(settings()):
        wrong += not finding.good
        mark = click.style("ok  ", fg="green") if finding.good else click.style("BAD ", fg="red")
        click.echo(f"{mark} {finding.what}: {logs.scrub(finding.said)}")
    sys.exit(1 if wrong else 0)


@click.command()
@click.option("--once", is_flag=True, help="Stop when everything has converged; exit 0 if right.")
@click.option("--data", type=click.Path(exists=True, path_type=Path), help="CSV of order lines.")
@click.option("--limit", type=int, default=200, help="Most invoices to play from --data.")
def demo(once: bool, data: Path | None, limit: int) -> None:
    """Run the whole hub on this machine with two simulated shops."""
    from sync.demo import run

    sys.exit(run(once=once, data=data, limit=limit))


@click.command()
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option("--speed", type=float, default=0.0, help="Times real time; 0 = as fast as it goes.")
@click.option("--limit", type=int, default=0, help="Most invoices to play; 0 = all.")
def replay(file: Path, speed: float, limit: int) -> None:
    """Play real order lines through simulated shops as buyers, and recount."""
    from sync.demo import run_replay

    sys.exit(run_replay(file, speed=speed, limit=limit))


@click.command()
@click.argument("channel")
@click.option("--port", type=int, default=0)
@click.option("--variants", type=int, default=20)
def simulate(channel: str, port: int, variants: int) -> None:
    """Run one simulated shop to rehearse on; prints how to connect it."""
    from sync.simulating import simulate as run

    run(channel, port, variants, _stopping())


@click.command()
@click.pass_obj
def hold(desk: Any) -> None:
    """Put every live account into shadow, of all sellers or of --seller: first after a restore."""
    from sync.restoring import hold as put

    sellers = [desk.wanted] if desk.wanted is not None else desk.sellers()
    for one in put(desk.database, sellers):
        click.echo(f"seller {one.seller_id}: account {one.account_id} {one.name}: was live")


commands: list[Any] = [worker, clock, doctor, demo, replay, simulate, hold]
