"""What Medusa holds of one variant: its inventory items, and how many lie and are reserved where.

Pure. ``stocked_quantity`` is what lies there, units already sold and not yet packed included:
those are ``reserved_quantity``. Packing (a fulfilment) takes units off both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from connectors.fields import MOST_UNITS
from connectors.medusa.fields import Record


class Level(NamedTuple):
    stocked: int
    reserved: int

    @property
    def free(self) -> int:
        return self.stocked - self.reserved


class Item(NamedTuple):
    """``required`` units of it make one of the variant."""

    key: str
    required: int
    levels: Mapping[str, Level]


class Shelf(NamedTuple):
    managed: bool
    items: tuple[Item, ...]

    @property
    def kit(self) -> bool:
        return len(self.items) > 1 or any(one.required != 1 for one in self.items)

    @property
    def locations(self) -> list[str]:
        return sorted({place for one in self.items for place in one.levels})

    def free(self, location: str) -> int | None:
        """Units free to sell there; None where Medusa keeps no number. An item that has no level
        at the location cannot be sold from it."""
        if not self.managed or not self.items:
            return None
        nothing = Level(0, 0)
        return min(one.levels.get(location, nothing).free // one.required for one in self.items)


def read(variant: Record) -> Shelf:
    managed = variant.truth("manage_inventory", otherwise=True)
    links = variant.parts_if_any("inventory_items")
    items = [_item(one) for one in links if one.has("inventory")]
    return Shelf(managed, tuple(items))


def level(record: Record) -> Level:
    return Level(
        record.count("stocked_quantity", least=-MOST_UNITS, otherwise=0),
        record.count("reserved_quantity", least=-MOST_UNITS, otherwise=0),
    )


def _item(link: Record) -> Item:
    inventory = link.part("inventory")
    return Item(
        key=inventory.key("id"),
        required=link.count("required_quantity", least=1, otherwise=1),
        levels={
            one.key("location_id"): level(one) for one in inventory.parts_if_any("location_levels")
        },
    )
