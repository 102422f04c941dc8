"""Why a listing's channel does or does not show the hub's offer: a pure decision."""

from __future__ import annotations

from typing import Protocol

EXPLANATIONS = ("agrees", "unlinked", "not_live", "not_sent", "in_flight", "differs")


class Compared(Protocol):
    """A listing's two sides and how far its newest offer has come."""

    @property
    def product_id(self) -> int | None: ...
    @property
    def state(self) -> str: ...
    @property
    def paused(self) -> bool: ...
    @property
    def offer(self) -> int | None: ...
    @property
    def channel_now(self) -> int | None: ...
    @property
    def desired_version(self) -> int: ...
    @property
    def sent_version(self) -> int: ...
    @property
    def confirmed_version(self) -> int: ...


def explain(one: Compared, mode: str) -> str:
    """One of EXPLANATIONS. Only ``differs`` is drift: the channel was told, showed it, and now
    shows something else."""
    if one.product_id is None:
        return "unlinked"
    if one.offer is not None and one.offer == one.channel_now:
        return "agrees"
    if mode != "live" or one.paused or one.state != "active":
        return "not_live"
    if one.offer is None or one.sent_version < one.desired_version:
        return "not_sent"
    if one.confirmed_version < one.sent_version:
        return "in_flight"
    return "differs"
