"""Which channels there are: one sorted line each, and an entry-point group for third parties.

Nothing here imports a channel until it is asked for, so one broken plug-in stops no other.
What the webhook door needs besides a declaration is named here too: the hub imports this module
and no other of ours.
"""

from __future__ import annotations

import logging
from functools import cache
from importlib.metadata import entry_points

from connectors.base import Channel, load
from connectors.errors import KeyMissing, SignatureError
from connectors.records import WebhookRequest

__all__ = [
    "CHANNELS",
    "KeyMissing",
    "SignatureError",
    "UnknownChannel",
    "WebhookRequest",
    "channel",
    "channels",
    "paths",
]

log = logging.getLogger(__name__)

CHANNELS = {
    "google_play": "connectors.google_play:CHANNEL",
    "medusa": "connectors.medusa:CHANNEL",
    "memory": "connectors.memory:CHANNEL",
    "oscar": "connectors.oscar:CHANNEL",
    "prestashop": "connectors.prestashop:CHANNEL",
    "saleor": "connectors.saleor:CHANNEL",
    "shopify": "connectors.shopify:CHANNEL",
    "tiktok_shop": "connectors.tiktok_shop:CHANNEL",
    "vendure": "connectors.vendure:CHANNEL",
    "woocommerce": "connectors.woocommerce:CHANNEL",
}

#: A package of your own declares ``[project.entry-points."storefront_hub.channels"]``.
GROUP = "storefront_hub.channels"


class UnknownChannel(LookupError):
    """No channel of that name is installed."""


@cache
def paths() -> dict[str, str]:
    """Name → dotted path, built-in channels first: a plug-in cannot take a built-in name."""
    found = {point.name: point.value for point in entry_points(group=GROUP)}
    return dict(sorted({**found, **CHANNELS}.items()))


def channel(name: str) -> Channel:
    try:
        path = paths()[name]
    except KeyError:
        known = ", ".join(paths())
        raise UnknownChannel(f"no channel named {name!r}; there are: {known}") from None
    declared = load(path)
    if not isinstance(declared, Channel) or declared.name != name:
        raise UnknownChannel(f"{path} does not declare a channel named {name!r}")
    return declared


def channels() -> list[Channel]:
    """All that load. A plug-in that does not is left out, with a warning: it stops no other."""
    found = []
    for name in paths():
        try:
            found.append(channel(name))
        except Exception:  # noqa: BLE001  # importing somebody's module may raise anything
            if name in CHANNELS:
                raise
            log.warning("channel %s does not load and is left out", name, exc_info=True)
    return found
