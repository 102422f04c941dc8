"""Bulk operations of the simulated shop: orders as a file, made in the
background and served in pieces.

By itself a file is ready when it is asked for a second time. ``slow``: not until :meth:`finish`.
``fate`` is how operations end; ``busy``: another app's operation takes the place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from connectors.shopify import storefront as words
from connectors.simulators.shop import Sale, Shop

Variables = Mapping[str, Any]
Answer = dict[str, Any]
#: Bytes, status and headers.
File = tuple[bytes, int, dict[str, str]]

AT_ONCE = 5
FIRST = 71_000_000_001
RANGE = re.compile(r"bytes=(\d+)-(\d+)")


@dataclass(slots=True)
class Export:
    key: str
    query: str
    began: datetime
    sales: tuple[Sale, ...] = field(repr=False)
    secret: str = field(repr=False)
    status: str = "CREATED"
    body: bytes = field(default=b"", repr=False)


class Exports:
    """``base`` is where the shop's files are found; ``finished`` hears of an operation's end."""

    def __init__(
        self, shop: Shop, base: Callable[[], str], finished: Callable[[str], None]
    ) -> None:
        self.shop = shop
        self.slow = self.busy = self.lost = False
        self.fate = "COMPLETED"
        self.made: dict[str, Export] = {}
        self._base = base
        self._finished = finished

    def operations(self) -> dict[str, Callable[[Variables], Answer]]:
        return {
            "OrdersCount": self._count,
            "Export": self._export,
            "Exported": self._exported,
            "Exports": self._exports,
        }

    def finish(self) -> None:
        for one in self.made.values():
            if one.status in ("CREATED", "RUNNING"):
                self._end(one)

    def file(self, number: str, signature: str, asked: str) -> File:
        """A piece of a file, by its signed address and a Range. ``lost``: it is no longer there."""
        found = self.made.get(words.gid("BulkOperation", number))
        if found is None or self.lost or signature != found.secret:
            return b"AccessDenied", 403, {}
        told, total = RANGE.fullmatch(asked), len(found.body)
        if told is None:
            return found.body, 200, {}
        start, end = int(told.group(1)), min(int(told.group(2)) + 1, total)
        if start >= total:
            return b"", 416, {"Content-Range": f"bytes */{total}"}
        return found.body[start:end], 206, {"Content-Range": f"bytes {start}-{end - 1}/{total}"}

    def _count(self, given: Variables) -> Answer:
        count, limit = len(self._since(given["filter"])), given["limit"]
        precision = "AT_LEAST" if count > limit else "EXACT"
        return {"ordersCount": {"count": min(count, limit), "precision": precision}}

    def _export(self, given: Variables) -> Answer:
        at_work = [one for one in self.made.values() if one.status in ("CREATED", "RUNNING")]
        if self.busy or len(at_work) >= AT_ONCE:
            message = "A bulk query operation for this app and shop is already in progress"
            error = {"code": "OPERATION_IN_PROGRESS", "field": None, "message": message}
            return _answered(None, [error])
        key = words.gid("BulkOperation", str(FIRST + len(self.made)))
        found = self._since(given["query"])
        made = Export(key, given["query"], self.shop.now(), found, uuid4().hex)
        self.made[key] = made
        return _answered({"id": key, "status": made.status}, [])

    def _exported(self, given: Variables) -> Answer:
        found = self.made.get(given["id"])
        if found is None:
            return {"bulkOperation": None}
        if found.status == "CREATED" and self.slow:
            found.status = "RUNNING"
        elif found.status in ("CREATED", "RUNNING") and not self.slow:
            self._end(found)
        number = words.key(found.key, "BulkOperation")
        url = f"{self._base()}/bulk/{number}.jsonl?signature={found.secret}"
        shown = {
            "id": found.key,
            "status": found.status,
            "errorCode": "TIMEOUT" if found.status == "FAILED" else None,
            "createdAt": words.time(found.began),
            "fileSize": str(len(found.body)) if found.body else None,
            "url": url if found.body else None,
        }
        return {"bulkOperation": shown}

    def _exports(self, given: Variables) -> Answer:
        newest = reversed(list(self.made.values()))
        nodes = [
            {"id": one.key, "status": one.status, "createdAt": words.time(one.began),
             "query": one.query}
            for one in newest
        ]  # fmt: skip
        return {"bulkOperations": {"nodes": nodes[:10]}}

    def _end(self, export: Export) -> None:
        export.status = self.fate
        if self.fate == "COMPLETED":
            rows = [
                json.dumps(row, separators=(",", ":"))
                for sale in export.sales
                for row in words.exported(sale, self.shop.currency)
            ]
            export.body = "".join(f"{row}\n" for row in rows).encode()
        self._finished(export.key)

    def _since(self, search: str) -> tuple[Sale, ...]:
        """By id, as the list is sorted where nobody asks otherwise."""
        told = re.search(r"updated_at:>='([^']+)'", search)
        since = datetime.fromisoformat(told.group(1)) if told else datetime.min.replace(tzinfo=UTC)
        return tuple(one for one in self.shop.orders if one.updated_at >= since)


def _answered(operation: Answer | None, errors: list[Answer]) -> Answer:
    return {"bulkOperationRunQuery": {"bulkOperation": operation, "userErrors": errors}}
