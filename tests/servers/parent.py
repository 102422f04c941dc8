"""Run as a process of its own: starts both servers, says their pids, and waits to be killed."""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path
from types import FrameType

import psycopg

from servers import process
from servers.postgres import Postgres
from servers.valkey import Valkey


def main(home: Path) -> None:
    postgres, valkey = Postgres(home), Valkey(home)
    postgres.start()
    valkey.start()
    with psycopg.connect(
        postgres.url("hub_owner", "postgres").replace("+psycopg", ""), autocommit=True
    ) as connection:
        connection.execute("CREATE DATABASE kept")

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        time.sleep(0.5)
        up = process.alive(postgres.pid) and process.alive(valkey.pid)
        print("still up" if up else "down", flush=True)

    signal.signal(signal.SIGINT, on_interrupt)
    print(json.dumps({"postgres": postgres.pid, "valkey": valkey.pid}), flush=True)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
