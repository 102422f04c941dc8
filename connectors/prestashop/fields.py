"""A row of the webservice: numbers and ids come as numbers or as text, "0" is no link, prices have
six decimals, and words may come once per language."""

from __future__ import annotations

from decimal import Decimal

import connectors.fields
from connectors.amounts import rounded_minor_units
from connectors.fields import Unreadable

FLAGS = {"1": True, "true": True, "0": False, "false": False, "": False}


class Row(connectors.fields.Record):
    numbers_as_text = True

    def words(self, name: str) -> str:
        """Text, also where a number was meant as text; false is how nothing is told."""
        found = self.data.get(name)
        if found is False:
            return ""
        if isinstance(found, int | Decimal) and not isinstance(found, bool):
            return str(found)
        return super().words(name)

    def link(self, name: str) -> str:
        """The id of another row, "" for none."""
        found = self.words(name)
        return "" if found == "0" else found

    def number(self, name: str) -> int:
        """A required id as a number, to be put in order."""
        found = self.text(name)
        if not (found.isascii() and found.isdecimal() and len(found) <= 19):
            raise Unreadable(self.at(name), f"{found[:20]!r} is no id")
        return int(found)

    def flag(self, name: str, *, otherwise: bool = False) -> bool:
        found = self.data.get(name)
        if found is None:
            return otherwise
        word = str(found).lower()
        if word not in FLAGS:
            raise Unreadable(self.at(name), f"{found!r} is not 0 or 1")
        return FLAGS[word]

    def in_any_language(self, name: str) -> str:
        """The first language that has words for it: a text, or a list of id and value."""
        if not isinstance(self.data.get(name), list):
            return self.words(name)
        told = [one.words("value") for one in self.parts(name)]
        return next((one for one in told if one), "")

    def money(self, name: str, currency: str, *, least: int | None = 0) -> int:
        """Minor units, rounded: the shop computes to six decimals. ``least`` None: any."""
        found = self.words(name)
        if not found:
            raise Unreadable(self.at(name), "missing")
        try:
            value = rounded_minor_units(found, currency)
        except ValueError as error:
            raise Unreadable(self.at(name), str(error)) from None
        if least is not None and value < least:
            raise Unreadable(self.at(name), f"{found} is negative")
        return value

    def optional_money(self, name: str, currency: str) -> int:
        return self.money(name, currency) if self.words(name) else 0
