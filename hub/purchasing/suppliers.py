"""Suppliers: whom the seller buys from, on which terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Date,
    SmallInteger,
    String,
    Table,
    delete,
    insert,
    literal,
    select,
)
from sqlalchemy.exc import IntegrityError

from hub.db import Kind, Transaction, rows
from hub.errors import Conflict, InvalidInput, NotFound, StaleVersion
from hub.money import exponent
from hub.purchasing.models import supplier, supplier_certificate, supplier_contact


class Contact(NamedTuple):
    name: str
    role: str = ""
    email: str = ""
    phone: str = ""


class Certificate(NamedTuple):
    name: str
    number: str = ""
    issued_on: date | None = None
    expires_on: date | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of a supplier. ``payment_days`` None: not agreed."""

    code: str
    name: str
    currency: str
    payment_days: int | None = None
    incoterm: str = ""
    terms: str = ""
    credit_rating: str = ""
    note: str = ""
    active: bool = True
    contacts: tuple[Contact, ...] = ()
    certificates: tuple[Certificate, ...] = ()


class Supplier(NamedTuple):
    id: int
    code: str
    name: str
    currency: str
    payment_days: int | None
    incoterm: str
    terms: str
    credit_rating: str
    note: str
    active: bool
    version: int
    created_at: datetime


_COLUMNS = [supplier.c[name] for name in Supplier._fields]
_OWN = tuple(name for name in Supplier._fields if name not in {"id", "version", "created_at"})


def create(tx: Transaction, card: Card) -> Supplier:
    """Raises InvalidInput (currency), Conflict where the code is taken."""
    _check(card)
    values = {name: getattr(card, name) for name in _OWN}
    statement = insert(supplier).values(seller_id=tx.seller_id, **values).returning(*_COLUMNS)
    try:
        with tx.connection.begin_nested():
            made = Supplier(*tx.execute(statement).one())
    except IntegrityError:
        raise _taken(card) from None
    _put_people(tx, made.id, card)
    return made


def change(tx: Transaction, number: int, card: Card, version: int) -> Supplier:
    """Set all that is known of a supplier. Raises NotFound, StaleVersion, Conflict."""
    _check(card)
    values = {name: getattr(card, name) for name in _OWN}
    statement = (
        supplier.update()
        .values(version=supplier.c.version + 1, **values)
        .where(
            supplier.c.seller_id == tx.seller_id,
            supplier.c.id == number,
            supplier.c.version == version,
        )
        .returning(*_COLUMNS)
    )
    try:
        with tx.connection.begin_nested():
            found = tx.execute(statement).one_or_none()
    except IntegrityError:
        raise _taken(card) from None
    if found is None:
        raise StaleVersion(f"supplier {number} has version {get(tx, number).version}")
    _put_people(tx, number, card)
    return Supplier(*found)


def _taken(card: Card) -> Conflict:
    return Conflict(f"there is a supplier with the code {card.code!r}", code="code_taken")


def _check(card: Card) -> None:
    exponent(card.currency)
    for place, one in enumerate(card.certificates):
        if one.issued_on and one.expires_on and one.expires_on < one.issued_on:
            raise InvalidInput(f"certificates[{place}].expires_on", "is before issued_on")


_PEOPLE: dict[str, Kind] = dict.fromkeys(Contact._fields, String)
_PAPERS: dict[str, Kind] = {
    "name": String,
    "number": String,
    "issued_on": Date,
    "expires_on": Date,
}


def _put_people(tx: Transaction, number: int, card: Card) -> None:
    _replace(tx, supplier_contact, number, _PEOPLE, card.contacts)
    _replace(tx, supplier_certificate, number, _PAPERS, card.certificates)


def _replace(
    tx: Transaction,
    table: Table,
    number: int,
    columns: dict[str, Kind],
    items: Sequence[Any],
) -> None:
    tx.execute(
        delete(table).where(table.c.seller_id == tx.seller_id, table.c.supplier_id == number)
    )
    if not items:
        return
    given = rows(("position", SmallInteger), *columns.items())
    source = select(
        tx.seller,
        literal(number, BigInteger),
        *(given.c[name] for name in ("position", *columns)),
    )
    statement = insert(table).from_select(
        ["seller_id", "supplier_id", "position", *columns], source
    )
    values = {name: [getattr(one, name) for one in items] for name in columns}
    tx.execute(statement, tx.params(position=range(1, len(items) + 1), **values))


def get(tx: Transaction, number: int) -> Supplier:
    """Raises NotFound."""
    found = tx.execute(
        select(*_COLUMNS).where(supplier.c.seller_id == tx.seller_id, supplier.c.id == number)
    ).one_or_none()
    if found is None:
        raise NotFound(f"no supplier {number}")
    return Supplier(*found)


def suppliers(tx: Transaction, *, after: int, limit: int) -> list[Supplier]:
    """A page in the order they were made."""
    found = tx.execute(
        select(*_COLUMNS)
        .where(supplier.c.seller_id == tx.seller_id, supplier.c.id > after)
        .order_by(supplier.c.id)
        .limit(limit)
    )
    return [Supplier(*row) for row in found]


def contacts(tx: Transaction, number: int) -> list[Contact]:
    return [Contact(*row) for row in _read(tx, supplier_contact, number, Contact._fields)]


def certificates(tx: Transaction, number: int) -> list[Certificate]:
    found = _read(tx, supplier_certificate, number, Certificate._fields)
    return [Certificate(*row) for row in found]


def _read(tx: Transaction, table: Table, number: int, columns: Sequence[str]) -> Any:
    return tx.execute(
        select(*(table.c[name] for name in columns))
        .where(table.c.seller_id == tx.seller_id, table.c.supplier_id == number)
        .order_by(table.c.position)
    )
