"""What was there before we asked for something, noted on the order before we ask.

Saleor has no idempotency keys. A note in the order's private metadata, under our key, names the
fulfilments or payments back that it had; when we come again, the one that is new is ours.
"""

from __future__ import annotations

import json
from collections.abc import Collection

from connectors.saleor.client import Client
from connectors.saleor.queries import NOTE

PREFIX = "storefront-hub"


def name(kind: str, key: str) -> str:
    return f"{PREFIX}.{kind}.{key}"


def write(client: Client, order: str, note: str, before: Collection[str]) -> None:
    entry = {"key": note, "value": json.dumps(sorted(before))}
    client.change(NOTE, "updatePrivateMetadata", {"id": order, "input": [entry]})


def read(text: str) -> frozenset[str] | None:
    """None where there is no note, or none of ours."""
    try:
        found = json.loads(text) if text else None
    except ValueError:
        return None
    if not isinstance(found, list):
        return None
    return frozenset(one for one in found if isinstance(one, str))
