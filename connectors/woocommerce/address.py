"""The shop's address as a seller types it in, put right. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

#: What people copy along from their browser.
INSIDE = ("/wp-json", "/wp-admin", "/wp-login.php")


def normal(typed: str) -> str:
    """``shop.example/`` → ``https://shop.example``. A folder is kept, and so is plain http."""
    text = typed.strip()
    parts = urlsplit(text if "://" in text else f"https://{text}")
    path = parts.path
    for inside in INSIDE:
        path = path.partition(inside)[0]
    return f"{parts.scheme}://{parts.netloc.lower()}{path.rstrip('/')}"


def is_signed(address: str) -> bool:
    """Over plain http the keys are never sent: the request is signed instead."""
    return not address.lower().startswith("https://")
