"""Orders that cannot be read, unless a newer version of them is in: then nobody need look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, String, bindparam, select

from hub.db import SELLER, At, Transaction, rows
from hub.errors import InvalidInput
from hub.sales.findings import Poison
from hub.sales.incoming import IncomingOrder
from hub.sales.models import sales_order


class Bad(NamedTuple):
    """An order, and what is wrong with it."""

    order: IncomingOrder
    error: InvalidInput

    @property
    def name(self) -> str:
        return str(self.order.external_id)


_VERSIONS = rows(("external_id", String), ("updated_at", At))
_OVERTAKEN = select(_VERSIONS.c.external_id).where(
    sales_order.c.seller_id == SELLER,
    sales_order.c.account_id == bindparam("account", type_=BigInteger),
    sales_order.c.external_id == _VERSIONS.c.external_id,
    sales_order.c.source_updated_at > _VERSIONS.c.updated_at,
)


def in_time(tx: Transaction, account_id: int, bad: Sequence[Bad]) -> list[Poison]:
    """What is left for a person. An old version that comes late would open again, and for good,
    what the newer one has closed."""
    dated = [one for one in bad if one.error.field != "external_id" and one.order.updated_at.tzinfo]
    passed: set[str] = set()
    if dated:
        values = tx.params(
            external_id=[one.name for one in dated],
            updated_at=[one.order.updated_at for one in dated],
        )
        passed = set(tx.execute(_OVERTAKEN, {**values, "account": account_id}).scalars())
    return [
        Poison(one.name, one.error.field, one.error.reason, one.order.raw)
        for one in bad
        if one.name not in passed
    ]
