"""Secrets at rest: AES-256-GCM, bound to their row, under keys that live outside the database.

A token is ``version | key id | nonce | ciphertext``; its associated data names seller, table, row
and field, so a ciphertext moved to another row does not open. The newest key encrypts, every key
decrypts. Without keys nothing is written: there is no clear-text mode.
"""

from __future__ import annotations

import base64
import json
import os
import secrets as entropy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.errors import HubError, Misconfigured

VERSION = b"\x01"
NONCE = 12


class Undecryptable(HubError):
    """The token is damaged, belongs to another row, or its key is gone."""

    code = "undecryptable"


class Secret:
    """A value that does not print. ``reveal()`` is the only way out, and easy to search for."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and entropy.compare_digest(
            self._value.encode(), other._value.encode()
        )

    __hash__ = None  # type: ignore[assignment]  # a secret is no dictionary key

    def __reduce__(self) -> Any:
        raise TypeError("a Secret is not to be pickled")


def bound_to(seller_id: int, table: str, row: object, field: str) -> bytes:
    """The associated data of one field of one row."""
    return f"{seller_id}|{table}|{row}|{field}".encode()


class Keyring:
    """The installation's keys, newest first: ``HUB_SECRET_KEYS="2026b:BASE64,2026a:BASE64"``."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        if not keys:
            raise Misconfigured("no secret keys: set HUB_SECRET_KEYS (id:base64 of 32 bytes)")
        for name, key in keys.items():
            if len(key) != 32 or not 1 <= len(name.encode()) <= 32 or "|" in name:
                raise Misconfigured(f"secret key {name!r} must be 32 bytes with a short id")
        self._ciphers = {name: AESGCM(key) for name, key in keys.items()}
        self.newest = next(iter(keys))

    @classmethod
    def parse(cls, text: str) -> Keyring:
        keys = {}
        for part in filter(None, (piece.strip() for piece in text.split(","))):
            name, _, encoded = part.partition(":")
            try:
                keys[name] = base64.b64decode(encoded, validate=True)
            except ValueError:
                raise Misconfigured(f"secret key {name!r} is not base64") from None
        return cls(keys)

    @classmethod
    def load(cls, text: str, home: Path) -> Keyring:
        """From the setting, else from ``<home>/keys`` (0600). Raises Misconfigured."""
        if text:
            return cls.parse(text)
        path = home / "keys"
        if not path.exists():
            raise Misconfigured(f"no secret keys: set HUB_SECRET_KEYS or create {path.name}")
        if path.stat().st_mode & 0o077:
            raise Misconfigured("the key file can be read by others: chmod 600 it")
        return cls.parse(path.read_text())

    def encrypt(self, plain: bytes, binding: bytes) -> bytes:
        name = self.newest.encode()
        nonce = os.urandom(NONCE)
        body = self._ciphers[self.newest].encrypt(nonce, plain, binding)
        return VERSION + bytes([len(name)]) + name + nonce + body

    def decrypt(self, token: bytes, binding: bytes) -> bytes:
        if token[:1] != VERSION or len(token) < 2:
            raise Undecryptable("not an encrypted value")
        end = 2 + token[1]
        cipher = self._ciphers.get(token[2:end].decode(errors="replace"))
        if cipher is None:
            raise Undecryptable("its key is not on this installation's keyring")
        try:
            return cipher.decrypt(token[end : end + NONCE], token[end + NONCE :], binding)
        except (InvalidTag, ValueError):  # ValueError: cut short within the nonce
            raise Undecryptable("the value was changed, or moved from another row") from None

    def encrypt_json(self, value: Any, binding: bytes) -> bytes:
        return self.encrypt(json.dumps(value, default=str).encode(), binding)

    def decrypt_json(self, token: bytes, binding: bytes) -> Any:
        return json.loads(self.decrypt(token, binding))

    def seal(self, plain: bytes, binding: bytes) -> tuple[bytes, bytes]:
        """(wrapped key, ciphertext) under a key of the row's own, so that dropping the wrapped key
        erases the value, in backups too."""
        key = AESGCM.generate_key(256)
        nonce = os.urandom(NONCE)
        return self.encrypt(key, binding), nonce + AESGCM(key).encrypt(nonce, plain, binding)

    def unseal(self, wrapped: bytes, sealed: bytes, binding: bytes) -> bytes:
        key = AESGCM(self.decrypt(wrapped, binding))
        try:
            return key.decrypt(sealed[:NONCE], sealed[NONCE:], binding)
        except (InvalidTag, ValueError):  # ValueError: cut short within the nonce
            raise Undecryptable("the value was changed, or moved from another row") from None


def create_key_file(home: Path) -> None:
    """Write a first key to ``<home>/keys``, readable by its owner only; keeps one that exists."""
    home.mkdir(parents=True, exist_ok=True)
    line = f"first:{base64.b64encode(os.urandom(32)).decode()}\n"
    try:
        descriptor = os.open(home / "keys", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w") as file:
        file.write(line)
