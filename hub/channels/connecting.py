"""What a person typed in to connect an account, held against the channel's declaration.

The declaration is described by its shape: the hub need not know who declares.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

from hub.channels.accounts import NUMBER, SWITCH, NewAccount
from hub.channels.telling import Abilities
from hub.errors import Conflict, InvalidInput, NotFound
from hub.secrets import Secret

#: What each kind of request needs the channel to be able to do; a test needs nothing.
NEEDS = {
    "listings": "listings",
    "orders": "order_list",
    "refetch": "order_fetch",
    "read_stock": "stock_read",
    "subscribe": "subscribe",
    "webhook_keys": "webhook_keys",
}
#: A secret's former value, kept so that what the channel signed before the change still opens.
PREVIOUS = "_previous"


class DeclaredField(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def secret(self) -> bool: ...
    @property
    def required(self) -> bool: ...
    @property
    def default(self) -> str: ...


class Declared(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def capabilities(self) -> Collection[str]: ...
    @property
    def credentials(self) -> Sequence[DeclaredField]: ...
    @property
    def settings(self) -> Sequence[DeclaredField]: ...
    @property
    def stock(self) -> Any: ...
    @property
    def webhooks(self) -> Any: ...
    @property
    def fulfilment(self) -> Any: ...


def declared(channels: Mapping[str, Declared], name: str) -> Declared:
    """Raises NotFound."""
    found = channels.get(name)
    if found is None:
        raise NotFound(f"no channel {name!r} is installed")
    return found


def new_account(
    channel: Declared,
    name: str,
    credentials: Mapping[str, str],
    settings: Mapping[str, str],
    base_url: str,
    loopback: Collection[str],
) -> NewAccount:
    """Raises InvalidInput naming the field that is missing, unknown or not to be given."""
    secrets = _filled("credentials", channel.credentials, credentials)
    return NewAccount(
        channel.name,
        name,
        {field: Secret(value) for field, value in secrets.items()},
        _filled("settings", channel.settings, settings),
        _simulator(base_url, loopback),
        stock_mode(channel),
    )


def stock_mode(channel: Declared) -> str:
    """Whether the channel takes a number of units, or only on and off."""
    only_on_off = channel.stock is not None and str(channel.stock.mode) == "availability"
    return SWITCH if only_on_off else NUMBER


def _filled(
    where: str, fields: Sequence[DeclaredField], given: Mapping[str, str]
) -> dict[str, str]:
    known = {field.name for field in fields}
    for name in sorted(set(given) - known):
        raise InvalidInput(f"{where}.{name}", "is not a field of this channel")
    values = {field.name: given.get(field.name, "").strip() or field.default for field in fields}
    for field in fields:
        if field.required and not values[field.name]:
            raise InvalidInput(f"{where}.{field.name}", "is needed")
    return {name: value for name, value in values.items() if value}


def _simulator(base_url: str, loopback: Collection[str]) -> str:
    """Another address than the channel's own is for the simulators this installation names: to
    anybody else it would be a way to make the hub call whom they like."""
    if not base_url:
        return ""
    try:
        parts = urlsplit(base_url)
        named = parts.netloc in loopback and parts.port is not None
    except ValueError:
        named = False
    if not named or parts.scheme not in {"http", "https"} or parts.query or parts.fragment:
        raise InvalidInput("base_url", "must be a simulator of this installation, or left out")
    return base_url


def renewed(
    channel: Declared, present: Mapping[str, Secret], given: Mapping[str, str]
) -> dict[str, Secret]:
    """Credentials after a new authorisation. What is not given stays; a webhook secret that
    changes is kept beside the new one."""
    plain = {name: value.reveal() for name, value in present.items()}
    mine = {field.name for field in channel.credentials}
    former = {name: value for name, value in plain.items() if name in mine}
    fresh = _filled("credentials", channel.credentials, {**former, **given})
    signing = set(channel.webhooks.secrets) if channel.webhooks else set()
    for name in sorted(signing):
        old = plain.get(name)
        if old and old != fresh.get(name):
            fresh[name + PREVIOUS] = old
        elif name + PREVIOUS in plain:
            fresh[name + PREVIOUS] = plain[name + PREVIOUS]
    return {name: Secret(value) for name, value in fresh.items()}


def check_request(channel: Declared, kind: str) -> None:
    """Raises Conflict where the channel cannot do that."""
    needed = NEEDS.get(kind)
    if needed and needed not in set(channel.capabilities):
        raise Conflict(f"{channel.name} has no {needed}", code="unsupported")


def abilities(channel: Declared) -> Abilities:
    """What the channel can be told after a sale."""
    able = {str(one) for one in channel.capabilities}
    takes = channel.fulfilment
    return Abilities(
        ship="ship" in able,
        cancel="cancel" in able,
        refund="refund" in able,
        partial=takes.partial,
        corrects=takes.corrects,
        cancels_lines=takes.cancels_lines,
    )
