"""A rehearsal channel as some app stores are: no list of orders, stock only on and off.

It is the reference channel under another declaration. Its log of events names the orders that
changed; ``published`` are the keys it rotates.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.base import Capability, Channel, StockMode
from connectors.errors import TransientError
from connectors.memory.connector import MemoryConnector
from connectors.records import ChannelOrder, Cursor, Hint, HintKind, Page
from hub.config import Settings
from hub.db import Database
from hub.secrets import Keyring
from sync.carrier import Carrier

EVENTS = frozenset({Capability.EVENT_LIST})
KEYS = frozenset({Capability.WEBHOOK_KEYS})


@dataclass
class Behaviour:
    """How the channel behaves in a test. ``fetched`` are the batches of orders that were asked for,
    ``repeats`` its event pages turn in a circle, ``away`` it does not answer for its events."""

    fetch: int = 50
    repeats: bool = False
    away: bool = False
    published: dict[str, str] = field(default_factory=dict)
    fetched: list[tuple[str, ...]] = field(default_factory=list)


_behaviour = Behaviour()


class SwitchConnector(MemoryConnector):
    def pull_events(self, cursor: Cursor) -> Page[Hint]:
        if _behaviour.away:
            raise TransientError("the log does not answer", code="away")
        page = self.pull_orders(cursor)
        told = tuple(Hint(HintKind.ORDER, one.external_id) for one in page.items)
        if _behaviour.repeats:
            return Page(told, Cursor(cursor.since, "again"), more=True)
        return Page((*told, Hint(HintKind.NOTHING)), page.cursor, page.more, page.bad)

    def fetch_orders(self, keys: Sequence[str]) -> Page[ChannelOrder]:
        assert len(keys) <= _behaviour.fetch
        _behaviour.fetched.append(tuple(keys))
        return super().fetch_orders(keys)

    def webhook_keys(self) -> Mapping[str, str]:
        return dict(_behaviour.published)


class SwitchCarrier(Carrier):
    """Carries for the reference channel as if it declared something else."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        keyring: Keyring,
        *,
        abilities: Collection[Capability] = EVENTS,
    ) -> None:
        super().__init__(settings, database, keyring)
        self.abilities = frozenset(abilities)

    def declaration(self, name: str) -> Channel:
        declared = super().declaration(name)
        if name != "memory" or declared.stock is None:
            return declared
        return replace(
            declared,
            connector=f"{__name__}:{SwitchConnector.__name__}",
            capabilities=declared.capabilities - {Capability.ORDER_LIST} | self.abilities,
            stock=replace(declared.stock, mode=StockMode.AVAILABILITY),
            orders=replace(declared.orders, fetch=_behaviour.fetch),
        )


def behaving(**changes: Any) -> Behaviour:
    """The channel's behaviour from now on, in every connector of it."""
    fresh = Behaviour(**changes)
    vars(_behaviour).update(vars(fresh))
    return _behaviour


def uncounted(shops: Mapping[str, Any]) -> None:
    """Let the memory shops be ones that are on or off, whatever is sold."""
    for simulator in shops.values():
        if type(simulator).__name__ == "MemorySimulator":
            simulator.shop.counted = False
            for variant in simulator.shop.variants:
                simulator.shop.set_quantity(variant.inventory_key, variant.quantity)
