"""Connected accounts. A new one starts in shadow: read from, never written to, until a person
turns it live."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    SmallInteger,
    bindparam,
    cast,
    func,
    insert,
    literal,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from hub.channels import flows, resending, resuming
from hub.channels.models import account, account_location, listing
from hub.db import SELLER, Database, Transaction, among, params, rows
from hub.errors import Conflict, InvalidInput, NotFound, StaleVersion
from hub.inventory.models import stock_change
from hub.inventory.products import OWN_LOCATIONS, own_locations
from hub.secrets import Keyring, Secret, bound_to

LIVE, SHADOW, PAUSED, CLOSED = "live", "shadow", "paused", "closed"
#: How a channel takes stock: a number of units, or only on and off.
NUMBER, SWITCH = "number", "switch"


@dataclass(frozen=True, slots=True)
class Account:
    id: int
    channel: str
    name: str
    mode: str
    external_id: str
    settings: Mapping[str, str]
    base_url: str
    webhook_path: str
    currency: str
    stock_mode: str
    version: int
    connected_at: datetime


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What connecting takes. ``base_url`` overrides the channel's own address (simulators)."""

    channel: str
    name: str
    credentials: Mapping[str, Secret]
    settings: Mapping[str, str] = field(default_factory=dict)
    base_url: str = ""
    stock_mode: str = NUMBER


_COLUMNS = (
    account.c.id,
    account.c.channel,
    account.c.name,
    account.c.mode,
    account.c.external_id,
    account.c.settings,
    account.c.base_url,
    account.c.webhook_path,
    account.c.currency,
    account.c.stock_mode,
    account.c.version,
    account.c.connected_at,
)


_NUMBER = bindparam("account", type_=BigInteger)
_ONE = select(*_COLUMNS).where(account.c.seller_id == SELLER, account.c.id == _NUMBER)
_SEALED = select(account.c.credentials).where(
    account.c.seller_id == SELLER, account.c.id == _NUMBER
)
_FEEDS = (
    select(account_location.c.location_id)
    .where(account_location.c.seller_id == SELLER, account_location.c.account_id == _NUMBER)
    .order_by(account_location.c.priority, account_location.c.location_id)
)


def connect(tx: Transaction, keyring: Keyring, new: NewAccount) -> int:
    """A new account in shadow mode, all its flows opened, its first reading due at once."""
    if not new.name.strip() or len(new.name) > 200:
        raise InvalidInput("name", "must have 1 to 200 characters")
    taken = select(account.c.id).where(
        account.c.seller_id == tx.seller_id, account.c.name == new.name
    )
    if tx.execute(taken).first():
        raise Conflict(f"an account named {new.name!r} exists already")
    number = tx.ids(1)[0]
    tx.execute(
        insert(account).values(
            seller_id=tx.seller_id,
            id=number,
            channel=new.channel,
            name=new.name,
            settings=dict(new.settings),
            credentials=_sealed(tx, keyring, number, new.credentials),
            base_url=new.base_url,
            webhook_path=secrets.token_hex(24),
            stock_mode=new.stock_mode,
        )
    )
    flows.open_flows(tx, number)
    return number


def _sealed(
    tx: Transaction, keyring: Keyring, number: int, credentials: Mapping[str, Secret]
) -> bytes:
    plain = {name: value.reveal() for name, value in credentials.items()}
    return keyring.encrypt_json(plain, _binding(tx.seller_id, number))


def _binding(seller_id: int, number: int) -> bytes:
    return bound_to(seller_id, "account", number, "credentials")


def credentials(tx: Transaction, keyring: Keyring, number: int) -> dict[str, Secret]:
    sealed = tx.execute(_SEALED, {**tx.params(), "account": number}).scalar()
    if sealed is None:
        raise NotFound(f"no account {number}")
    return _clear(keyring, sealed, tx.seller_id, number)


class Opened(NamedTuple):
    """An account with what it takes to work for it, from one reading. ``sealed``: credentials.
    ``resumed``: how often its flows have started clean."""

    account: Account
    sealed: bytes
    locations: tuple[int, ...]
    resumed: int


_OPENED = select(
    *_COLUMNS,
    account.c.credentials,
    func.array(_FEEDS.scalar_subquery(), type_=ARRAY(BigInteger)),
    func.array(OWN_LOCATIONS.scalar_subquery(), type_=ARRAY(BigInteger)),
    resuming.COUNTED,
).where(account.c.seller_id == SELLER, account.c.id == _NUMBER)


def opened(tx: Transaction, number: int) -> Opened:
    found = tx.execute(_OPENED, {**tx.params(), "account": number}).one_or_none()
    if found is None:
        raise NotFound(f"no account {number}")
    *columns, sealed, chosen, own, resumed = found
    return Opened(Account(*columns), sealed, tuple(chosen) or tuple(own), resumed)


_KEPT = select(account.c.id, account.c.mode, account.c.credentials).where(
    account.c.seller_id == SELLER, among(account.c.id, "accounts")
)


def unclosed(
    tx: Transaction, keyring: Keyring, numbers: Sequence[int]
) -> dict[int, dict[str, Secret]]:
    """The credentials of those of these accounts that there are and that are not closed, from one
    reading."""
    found = tx.execute(_KEPT, tx.params(accounts=numbers))
    return {
        number: _clear(keyring, sealed, tx.seller_id, number)
        for number, mode, sealed in found
        if mode != CLOSED
    }


def _clear(keyring: Keyring, sealed: bytes, seller_id: int, number: int) -> dict[str, Secret]:
    found = keyring.decrypt_json(sealed, _binding(seller_id, number))
    return {name: Secret(value) for name, value in found.items()}


def unsealed(keyring: Keyring, seller_id: int, one: Opened) -> dict[str, Secret]:
    return _clear(keyring, one.sealed, seller_id, one.account.id)


def store_credentials(
    tx: Transaction, keyring: Keyring, number: int, fresh: Mapping[str, Secret]
) -> None:
    """Replace an account's credentials: refreshed tokens, or a new authorisation."""
    tx.execute(
        account.update()
        .values(credentials=_sealed(tx, keyring, number, fresh))
        .where(account.c.seller_id == tx.seller_id, account.c.id == number)
    )


def renew_credentials(
    tx: Transaction, keyring: Keyring, number: int, fresh: Mapping[str, Secret]
) -> None:
    """Replace these fields and keep the others, whoever changes one meanwhile. Raises NotFound."""
    present = locked_credentials(tx, keyring, number)
    store_credentials(tx, keyring, number, {**present, **fresh})


def locked_credentials(tx: Transaction, keyring: Keyring, number: int) -> dict[str, Secret]:
    """As they are until the transaction's end: nobody else changes one meanwhile."""
    mine = select(account.c.id).where(account.c.seller_id == tx.seller_id, account.c.id == number)
    tx.execute(mine.with_for_update(key_share=True))
    return credentials(tx, keyring, number)


def get(tx: Transaction, number: int) -> Account:
    found = tx.execute(_ONE, {**tx.params(), "account": number}).one_or_none()
    if found is None:
        raise NotFound(f"no account {number}")
    return Account(*found)


def accounts(tx: Transaction, after: int = 0, limit: int = 1000) -> list[Account]:
    found = tx.execute(
        select(*_COLUMNS)
        .where(account.c.seller_id == tx.seller_id, account.c.id > after)
        .order_by(account.c.id)
        .limit(limit)
    )
    return [Account(*row) for row in found]


def set_mode(
    tx: Transaction, number: int, mode: str, *, expected_version: int | None = None
) -> Account:
    """Shadow → live → paused and back. Raises StaleVersion where somebody was first."""
    present = get(tx, number)
    if expected_version is not None and present.version != expected_version:
        raise StaleVersion(f"account {number} has been changed to version {present.version}")
    if present.mode == CLOSED:
        raise Conflict(f"account {number} is closed")
    if present.mode == mode:
        return present
    done = tx.change(
        account.update()
        .values(mode=mode, version=account.c.version + 1)
        .where(
            account.c.seller_id == tx.seller_id,
            account.c.id == number,
            account.c.version == present.version,
        )
    )
    if not done:
        raise StaleVersion(f"account {number} has just been changed")
    if mode in {LIVE, SHADOW}:
        resuming.reset(tx, number)
        if mode == LIVE:
            resending.push_now(tx, number)
        touch_listings(tx, account_id=number)
    return get(tx, number)


def touch_listings(tx: Transaction, *, account_id: int, listing_ids: Sequence[int] = ()) -> None:
    """Have the offers of an account's listings (or some) derived again."""
    chosen = (
        select(func.array_agg(listing.c.product_id.distinct()))
        .where(
            listing.c.seller_id == tx.seller_id,
            listing.c.account_id == account_id,
            listing.c.product_id.is_not(None),
        )
        .having(func.count() > 0)
    )
    if listing_ids:
        chosen = chosen.where(listing.c.id == func.any(list(listing_ids)))
    found = tx.execute(chosen).scalar()
    if found:
        tx.execute(insert(stock_change).values(seller_id=tx.seller_id, product_ids=found))
        tx.ring("stock")


def identify(tx: Transaction, number: int, external_id: str, currency: str) -> None:
    """What the connection test learned. Another shop under the same account is refused."""
    known = get(tx, number)
    if known.external_id and known.external_id != external_id:
        raise Conflict(
            f"these credentials are of {external_id!r}, not of {known.external_id!r}",
            code="account_mismatch",
        )
    tx.execute(
        account.update()
        .values(external_id=external_id, currency=currency)
        .where(account.c.seller_id == tx.seller_id, account.c.id == number)
    )


def serving_locations(tx: Transaction, number: int) -> tuple[int, ...]:
    """The locations that feed an account, in order; every own location where none are chosen."""
    chosen = tx.execute(_FEEDS, {**tx.params(), "account": number})
    return tuple(chosen.scalars()) or own_locations(tx)


def feed_from(tx: Transaction, number: int, location_ids: Sequence[int]) -> None:
    """Choose the locations that feed an account, in this order."""
    tx.execute(
        account_location.delete().where(
            account_location.c.seller_id == tx.seller_id,
            account_location.c.account_id == number,
        )
    )
    chosen = rows(("location_id", BigInteger), ("priority", SmallInteger))
    tx.execute(
        insert(account_location).from_select(
            ["seller_id", "account_id", "location_id", "priority"],
            select(
                tx.seller,
                cast(literal(number), BigInteger),
                chosen.c.location_id,
                chosen.c.priority,
            ),
        ),
        params(location_id=location_ids, priority=range(len(location_ids))),
    )
    touch_listings(tx, account_id=number)


@dataclass(frozen=True, slots=True)
class Door:
    """Where a webhook path leads."""

    seller_id: int
    account_id: int
    channel: str


def behind_path(database: Database, path: str) -> Door:
    """Whose webhook path this is. Raises NotFound, the same for unknown and closed."""
    with database.across_sellers() as connection:
        found = connection.execute(
            text("SELECT seller_id, account_id, channel FROM hub_webhook_path(:path)"),
            {"path": path},
        ).one_or_none()
    if found is None:
        raise NotFound("no such path")
    return Door(*found)


def describe(one: Account) -> dict[str, Any]:
    """Plain values for audit and API; no secret."""
    return {"id": one.id, "channel": one.channel, "name": one.name, "mode": one.mode}
