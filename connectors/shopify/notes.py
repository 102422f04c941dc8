"""Our key inside a note that people read, which is where Shopify keeps it for us. Pure."""

from __future__ import annotations

import re
from uuid import UUID, uuid5

#: A name space of our own for Shopify's idempotency keys, which must look random.
NAMESPACE = UUID("6b1d6a2e-3c0b-4f5a-8a70-51a1ce0f9d37")
KEY = re.compile(r"\s*\[[^\[\]]+\]$")


def marked(text: str, key: str) -> str:
    return f"{text.strip()} [{key}]".strip()


def carries(note: str, key: str) -> bool:
    return note.endswith(f"[{key}]")


def plain(note: str) -> str:
    """The note without a key at its end."""
    return KEY.sub("", note)


def once(key: str) -> str:
    return str(uuid5(NAMESPACE, key))
