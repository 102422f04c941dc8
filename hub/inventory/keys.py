"""The pool of activation keys: the units of keyed products, each a secret that is sold once.

A key lies sealed, bound to its row, and is told apart by a fingerprint under a key of its product's
own, so that no key comes in twice. Every change of the pool goes with the move of its unit, under
the product's lock: what is free is what is available or allocated, at every location.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, LargeBinary, bindparam, func, select, true
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.db import SELLER, Transaction, among, rows
from hub.errors import Conflict, InvalidInput, NotFound
from hub.inventory.allocating import Share
from hub.inventory.ledger import Move, Place, Posting, lock, post
from hub.inventory.models import State, activation_key, product
from hub.secrets import Keyring, Secret, bound_to

MOST = 1_000
LONGEST = 500
_UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}


class BadKey(InvalidInput):
    """The entry at ``index`` cannot be taken. The key itself is never told."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(f"keys[{index}]", reason)
        self.index = index


class Counts(NamedTuple):
    """Keys of one product. ``free`` ones may be promised to orders already."""

    free: int
    drawn: int
    withdrawn: int


class DrawnKey(NamedTuple):
    """A key that an order line has."""

    line_id: int
    key: Secret
    drawn_at: datetime


_KEYED = select(product.c.id).where(
    product.c.seller_id == SELLER, product.c.keyed, among(product.c.id, "ids")
)


def keyed_among(tx: Transaction, product_ids: Iterable[int]) -> set[int]:
    """Which of these products are sold by keys."""
    return set(tx.execute(_KEYED, tx.params(ids=sorted(set(product_ids)))).scalars())


def refuse_keyed(tx: Transaction, product_ids: Iterable[int]) -> None:
    """Raises Conflict: units of keyed products come and go with their keys alone. Asked after the
    move is posted, when the product is locked and cannot become keyed any more."""
    found = keyed_among(tx, product_ids)
    if found:
        said = f"product {min(found)} is sold by activation keys: its stock changes with its keys"
        raise Conflict(said, code="product_keyed")


def make_keyed(tx: Transaction, keyring: Keyring, product_id: int) -> bool:
    """Let each unit of the product be a key from now on; False where it is so already. Raises
    NotFound, and Conflict while there are units of it: no key stands for them."""
    if _fingerprint_key(tx, keyring, product_id) is not None:
        return False
    levels = lock(tx, [product_id])
    if any(levels.quantities.values()):
        raise Conflict(f"product {product_id} has stock, which no key stands for", code="has_stock")
    secret = keyring.encrypt(os.urandom(32), _binding(tx, product_id, "product", "fingerprint_key"))
    done = tx.change(
        product.update()
        .values(keyed=True, fingerprint_key=secret, version=product.c.version + 1)
        .where(product.c.seller_id == tx.seller_id, product.c.id == product_id, ~product.c.keyed)
    )
    return bool(done)


def _fingerprint_key(tx: Transaction, keyring: Keyring, product_id: int) -> bytes | None:
    """None for a product without keys. Raises NotFound."""
    found = tx.execute(
        select(product.c.fingerprint_key).where(
            product.c.seller_id == tx.seller_id, product.c.id == product_id
        )
    ).one_or_none()
    if found is None:
        raise NotFound(f"no product {product_id}")
    if found[0] is None:
        return None
    return keyring.decrypt(found[0], _binding(tx, product_id, "product", "fingerprint_key"))


def _binding(tx: Transaction, row: int, table: str, field: str) -> bytes:
    return bound_to(tx.seller_id, table, row, field)


def check(given: Sequence[str]) -> None:
    """Raises InvalidInput, BadKey."""
    if not 1 <= len(given) <= MOST:
        raise InvalidInput("keys", f"must be 1 to {MOST} at a time, not {len(given)}")
    seen: set[str] = set()
    for index, one in enumerate(given):
        if not one.strip():
            raise BadKey(index, "is blank")
        if one != one.strip():
            raise BadKey(index, "begins or ends with a space")
        if len(one) > LONGEST:
            raise BadKey(index, f"is longer than {LONGEST} characters")
        if any(unicodedata.category(letter) in _UNPRINTABLE for letter in one):
            raise BadKey(index, "holds control characters")
        if one in seen:
            raise BadKey(index, "comes twice")
        seen.add(one)


def _fingerprints(
    tx: Transaction, keyring: Keyring, product_id: int, given: Sequence[str]
) -> list[bytes]:
    """Raises BadKey, NotFound, and Conflict for a product without keys."""
    check(given)
    secret = _fingerprint_key(tx, keyring, product_id)
    if secret is None:
        raise Conflict(f"product {product_id} is not sold by keys", code="product_not_keyed")
    return [hmac.digest(secret, one.encode(), hashlib.sha256) for one in given]


def add_keys(
    tx: Transaction, keyring: Keyring, product_id: int, location_id: int, given: Sequence[str]
) -> int:
    """Receive keys, a unit each, all or none; answers how many. The very same list again is known
    and adds 0. Raises BadKey for an entry that is no key, or in the pool already."""
    prints = _fingerprints(tx, keyring, product_id, given)
    digest = hashlib.blake2b(b"".join(sorted(prints)), digest_size=16).hexdigest()
    received = Move(
        product_id, len(given), Place(State.SUPPLIER), Place(State.AVAILABLE, location_id)
    )
    key = f"keys:{product_id}:{location_id}:{digest}"
    if not post(tx, [Posting(key, "keys_received", [received])]).keys:
        return 0
    ids = tx.ids(len(given))
    sealed = [
        keyring.encrypt(one.encode(), _binding(tx, number, "activation_key", "sealed"))
        for number, one in zip(ids, given, strict=True)
    ]
    values = tx.params(id=ids, sealed=sealed, fingerprint=prints)
    where = {"product": product_id, "location": location_id}
    new = {bytes(one) for one in tx.execute(_INSERT, {**values, **where}).scalars()}
    for index, fingerprint in enumerate(prints):
        if fingerprint not in new:
            raise BadKey(index, "is in the pool already")
    return len(given)


_NEW = rows(("id", BigInteger), ("sealed", LargeBinary), ("fingerprint", LargeBinary))
_INSERT = (
    upsert(activation_key)
    .from_select(
        ["seller_id", "product_id", "location_id", "id", "sealed", "fingerprint"],
        select(
            SELLER,
            bindparam("product", type_=BigInteger),
            bindparam("location", type_=BigInteger),
            *_NEW.c,
        ),
    )
    .on_conflict_do_nothing(index_elements=["seller_id", "product_id", "fingerprint"])
    .returning(activation_key.c.fingerprint)
)


Shelf = tuple[int, int]


def draw(tx: Transaction, shares: Sequence[Share]) -> list[Share]:
    """Draw a key for each unit of the shares, the oldest first. Answers the shares that have their
    keys now: the caller, who holds the products' locks, ships those. One that the pool cannot serve
    whole gets none."""
    served, drawn = assign(shares, _oldest_free(tx, shares))
    if drawn:
        values = tx.params(id=[key for key, _ in drawn], line_id=[line for _, line in drawn])
        if tx.change(_DRAW, values) != len(drawn):
            raise Conflict("a key was drawn by somebody else")
    return served


def assign(
    shares: Iterable[Share], free: Mapping[Shelf, Sequence[int]]
) -> tuple[list[Share], list[tuple[int, int]]]:
    """(shares served, (key, line) of each unit), taking the free keys of a shelf in their order."""
    left = {shelf: list(keys) for shelf, keys in free.items()}
    served, drawn = [], []
    for share in shares:
        here = left.get((share.product_id, share.location_id), [])
        if len(here) < share.quantity:
            continue
        taken, here[:] = here[: share.quantity], here[share.quantity :]
        drawn += [(key, share.line_id) for key in taken]
        served.append(share)
    return served, drawn


_WANTED = rows(("product_id", BigInteger), ("location_id", BigInteger), ("most", BigInteger))
_SHELF = (
    select(activation_key.c.id, activation_key.c.product_id, activation_key.c.location_id)
    .where(
        activation_key.c.seller_id == SELLER,
        activation_key.c.product_id == _WANTED.c.product_id,
        activation_key.c.location_id == _WANTED.c.location_id,
        activation_key.c.state == "free",
    )
    .order_by(activation_key.c.added_at, activation_key.c.id)
    .limit(_WANTED.c.most)
    .lateral("shelf")
)
_FREE = select(_SHELF.c.id, _SHELF.c.product_id, _SHELF.c.location_id).select_from(
    _WANTED.join(_SHELF, true())
)
_DRAWN = rows(("id", BigInteger), ("line_id", BigInteger))
_DRAW = (
    activation_key.update()
    .values(state="drawn", order_line_id=_DRAWN.c.line_id, drawn_at=func.now())
    .where(
        activation_key.c.seller_id == SELLER,
        activation_key.c.id == _DRAWN.c.id,
        activation_key.c.state == "free",
    )
)


def _oldest_free(tx: Transaction, shares: Sequence[Share]) -> dict[Shelf, list[int]]:
    wanted: dict[Shelf, int] = defaultdict(int)
    for share in shares:
        wanted[share.product_id, share.location_id] += share.quantity
    values = tx.params(
        product_id=[number for number, _ in wanted],
        location_id=[place for _, place in wanted],
        most=list(wanted.values()),
    )
    free: dict[Shelf, list[int]] = defaultdict(list)
    for key, number, place in tx.execute(_FREE, values):
        free[number, place].append(key)
    return free


def withdraw(tx: Transaction, keyring: Keyring, product_id: int, given: Sequence[str]) -> int:
    """Take free keys out of the pool for good (they leaked), and their units with them, all or
    none; answers how many. One that is out already stays out. Raises BadKey for one that is not
    there or has been sold, Conflict where orders have been promised what is left."""
    prints = _fingerprints(tx, keyring, product_id, given)
    levels = lock(tx, [product_id])
    found = _states(tx, product_id, prints)
    out: dict[int, list[int]] = defaultdict(list)
    for index, fingerprint in enumerate(prints):
        if fingerprint not in found:
            raise BadKey(index, "is not in the pool")
        key, place, state = found[fingerprint]
        if state == "drawn":
            raise BadKey(index, "has been sold")
        if state == "free":
            out[place].append(key)
    moves = []
    for place, keys in sorted(out.items()):
        if levels.available(product_id, place) < len(keys):
            raise Conflict("the keys that are left are promised to orders", code="keys_promised")
        shelf = Place(State.AVAILABLE, place)
        moves.append(Move(product_id, len(keys), shelf, Place(State.SCRAP)))
    if moves:
        tx.execute(_WITHDRAW, tx.params(id=[key for keys in out.values() for key in keys]))
        once = f"keys_withdrawn:{tx.ids(1)[0]}"
        post(tx, [Posting(once, "keys_withdrawn", moves)], levels=levels)
    return sum(len(keys) for keys in out.values())


_WITHDRAW = (
    activation_key.update()
    .values(state="withdrawn")
    .where(activation_key.c.seller_id == SELLER, among(activation_key.c.id, "id"))
)


def _states(
    tx: Transaction, product_id: int, prints: Sequence[bytes]
) -> dict[bytes, tuple[int, int, str]]:
    """Fingerprint → (key, location, state), for those in the pool."""
    columns = ("fingerprint", "id", "location_id", "state")
    found = tx.execute(
        select(*(activation_key.c[name] for name in columns)).where(
            activation_key.c.seller_id == tx.seller_id,
            activation_key.c.product_id == product_id,
            among(activation_key.c.fingerprint, "prints"),
        ),
        tx.params(prints=prints),
    )
    return {bytes(row[0]): (row[1], row[2], row[3]) for row in found}


def counts(tx: Transaction, product_id: int) -> Counts:
    """Raises NotFound."""
    known = select(product.c.id).where(
        product.c.seller_id == tx.seller_id, product.c.id == product_id
    )
    if tx.execute(known).first() is None:
        raise NotFound(f"no product {product_id}")
    found = tx.execute(
        select(activation_key.c.state, func.count())
        .where(activation_key.c.seller_id == tx.seller_id)
        .where(activation_key.c.product_id == product_id)
        .group_by(activation_key.c.state)
    )
    by_state = {str(state): int(number) for state, number in found}
    return Counts(*(by_state.get(name, 0) for name in Counts._fields))


def keys_of(tx: Transaction, keyring: Keyring, line_ids: Sequence[int]) -> list[DrawnKey]:
    """The keys that these order lines have, opened: whoever asks for them leaves an audit line."""
    found = tx.execute(
        select(
            activation_key.c.order_line_id,
            activation_key.c.id,
            activation_key.c.sealed,
            activation_key.c.drawn_at,
        )
        .where(activation_key.c.seller_id == tx.seller_id)
        .where(among(activation_key.c.order_line_id, "lines"))
        .order_by(activation_key.c.order_line_id, activation_key.c.drawn_at, activation_key.c.id),
        tx.params(lines=line_ids),
    )
    opened = []
    for line_id, number, sealed, drawn_at in found:
        plain = keyring.decrypt(sealed, _binding(tx, number, "activation_key", "sealed"))
        opened.append(DrawnKey(line_id, Secret(plain.decode()), drawn_at))
    return opened
