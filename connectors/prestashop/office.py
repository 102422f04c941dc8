"""What the shop's back office has settled: time zone, currencies, order states. Read once.

The configuration is read if the key may; a shop works without it, by flags and settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from connectors.base import Connection
from connectors.errors import ProtocolError, RejectedError
from connectors.fields import Unreadable
from connectors.prestashop.answers import NotAllowed
from connectors.prestashop.client import Client
from connectors.prestashop.fields import Row
from connectors.prestashop.localtime import ShopClock
from connectors.prestashop.resources import (
    CONFIGURATIONS,
    CURRENCIES,
    ORDER_STATES,
    Resource,
    any_of,
)
from connectors.prestashop.states import ROLES, State, States, chosen, state

NAME, ZONE = "PS_SHOP_NAME", "PS_TIMEZONE"
CURRENCY, COUNTED = "PS_CURRENCY_DEFAULT", "PS_STOCK_MANAGEMENT"
#: The setting of the state for cancelled orders.
CANCEL = "cancelled_state"
ASKED = (NAME, ZONE, CURRENCY, COUNTED, *ROLES)


class Office:
    """``codes`` are ISO codes of countries and regions met so far, by id."""

    def __init__(self, connection: Connection, client: Client) -> None:
        self._connection = connection
        self._client = client
        self._configuration: dict[str, str] | None = None
        self._currencies: dict[str, Row] | None = None
        self._states: States | None = None
        self.codes: dict[Resource, dict[str, str]] = {}

    @property
    def shop_id(self) -> str:
        """Which of several shops, "" the default one."""
        return self._setting("id_shop")

    @property
    def tells_buyers(self) -> bool:
        return self._setting("send_email").lower() in ("1", "yes", "true")

    def configuration(self) -> Mapping[str, str]:
        """Of this shop before that of all; {} where the key may not read it."""
        if self._configuration is None:
            query = {"display": "full", "filter[name]": any_of(ASKED)}
            try:
                found = self._client.read(CONFIGURATIONS, query)
            except NotAllowed:
                found = []
            try:
                self._configuration = _settled(found, self.shop_id)
            except Unreadable as error:
                raise ProtocolError(f"the configuration: {error}", code="bad_record") from error
        return self._configuration

    @property
    def name(self) -> str:
        return self.configuration().get(NAME, "")

    @property
    def counts_stock(self) -> bool:
        return self.configuration().get(COUNTED, "1") != "0"

    def zone(self) -> ZoneInfo:
        """The setting, or the shop's own, or UTC where neither is told. Raises RejectedError."""
        name = self._setting("time_zone") or self.configuration().get(ZONE, "") or "UTC"
        try:
            return ZoneInfo(name)
        except (ValueError, OSError, LookupError):
            message = f"{name[:40]!r} is no time zone; one is like Europe/Paris"
            raise RejectedError(message, code="bad_setting", field="time_zone") from None

    def clock(self) -> ShopClock:
        return ShopClock(self.zone(), self._connection.now())

    def currencies(self) -> Mapping[str, str]:
        """ISO codes by the shop's own ids."""
        return {key: row.words("iso_code") for key, row in self._money().items()}

    def currency(self) -> str:
        """The shop's own: by configuration, or the one that the others are converted from."""
        known = self._money()
        usual = known.get(self.configuration().get(CURRENCY, ""))
        try:
            if usual is not None:
                return usual.currency("iso_code")
            for row in known.values():
                if row.words("conversion_rate").rstrip("0").rstrip(".") == "1":
                    return row.currency("iso_code")
        except Unreadable as error:
            raise ProtocolError(f"a currency: {error}", code="bad_record") from error
        raise ProtocolError("the shop tells no currency of its own", code="no_currency")

    def states(self) -> States:
        if self._states is None:
            own = chosen(self._setting("states"))
            found = self._client.read(ORDER_STATES, {"display": "full"})
            roles = {role: key for role, key in self.configuration().items() if role in ROLES}
            self._states = States(
                _known(found), roles, own, self._setting("shipped_state"), self._setting(CANCEL)
            )
        return self._states

    def _money(self) -> Mapping[str, Row]:
        if self._currencies is None:
            shown = {"display": "[id,iso_code,conversion_rate]"}
            found = self._client.read(CURRENCIES, shown)
            try:
                self._currencies = {row.key("id"): row for row in map(Row, found)}
            except Unreadable as error:
                raise ProtocolError(f"a currency: {error}", code="bad_record") from error
        return self._currencies

    def _setting(self, name: str) -> str:
        return self._connection.settings.get(name, "").strip()


def _settled(found: list[Any], shop_id: str) -> dict[str, str]:
    """One value per name; rows of other shops are left out."""
    ranked: dict[str, tuple[int, str]] = {}
    for row in map(Row, found):
        name, value, shop = row.words("name"), row.words("value"), row.link("id_shop")
        rank = 2 if shop and shop == shop_id else 1 if not shop else 0
        if not shop_id or rank:
            ranked[name] = max(ranked.get(name, (-1, "")), (rank, value), key=lambda one: one[0])
    return {name: value for name, (_, value) in ranked.items() if value}


def _known(found: list[Any]) -> dict[str, State]:
    try:
        return {one.key: one for one in map(state, found)}
    except Unreadable as error:
        raise ProtocolError(f"an order state: {error}", code="bad_record") from error
