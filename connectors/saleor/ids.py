"""Saleor's global ids: base64 of ``Kind:key``. Pure.

What is sent as an id of another kind, or as none at all, fails the whole question; ids that cannot
be are found out here first.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from uuid import UUID


def gid(kind: str, key: str) -> str:
    return b64encode(f"{kind}:{key}".encode()).decode("ascii")


def key_of(text: str, kind: str) -> str:
    """The key inside an id of that kind, "" for anything else."""
    try:
        found, _, key = b64decode(text, validate=True).decode("utf-8").partition(":")
    except ValueError:
        return ""
    return key if found == kind and key.isprintable() and gid(kind, key) == text else ""


def is_order(text: str) -> bool:
    """Orders have had UUIDs since 3.5; the numbers of before are not looked up by."""
    try:
        return str(UUID(key_of(text, "Order"))) == key_of(text, "Order")
    except ValueError:
        return False


def is_variant(text: str) -> bool:
    key = key_of(text, "ProductVariant")
    return key.isascii() and key.isdecimal() and len(key) < 19
