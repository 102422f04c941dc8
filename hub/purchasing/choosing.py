"""The best supplier for many needs at once: a handful of statements, then pure decisions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from hub.db import SELLER, Transaction, among
from hub.purchasing import pricelists, scoring, settings
from hub.purchasing.models import purchase_order, supplier
from hub.purchasing.prices import PriceList, Rate
from hub.purchasing.ranking import Candidate, Choice, Need, rank

#: How far back a supplier is judged by what it did.
LOOKED_BACK = timedelta(days=730)

_NAMES = select(supplier.c.id, supplier.c.name).where(
    supplier.c.seller_id == SELLER, among(supplier.c.id, "ids")
)
#: What a currency was worth when it was ordered in last.
_RATES = (
    select(
        purchase_order.c.currency,
        purchase_order.c.rate_numerator,
        purchase_order.c.rate_denominator,
    )
    .ext(distinct_on(purchase_order.c.currency))
    .where(purchase_order.c.seller_id == SELLER, purchase_order.c.rate_numerator.is_not(None))
    .order_by(purchase_order.c.currency, purchase_order.c.id.desc())
)


def best(tx: Transaction, needs: Sequence[Need], now: datetime) -> list[list[Choice]]:
    """For each need the suppliers that list the product, the best first."""
    lists = pricelists.of_products(tx, sorted({need.product_id for need in needs}))
    ids = sorted({one.supplier_id for one in lists})
    names = {number: name for number, name in tx.execute(_NAMES, tx.params(ids=ids))}
    facts = scoring.facts(tx, ids, now - LOOKED_BACK, now)
    rates = {row[0]: Rate(row[1], row[2]) for row in tx.execute(_RATES, tx.params())}
    rates[settings.own_currency(tx)] = Rate(1, 1)
    listed: dict[tuple[int, int], list[PriceList]] = defaultdict(list)
    for one in lists:
        listed[one.product_id, one.supplier_id].append(one)
    offered: dict[int, list[Candidate]] = defaultdict(list)
    for (product_id, supplier_id), some in listed.items():
        candidate = Candidate(supplier_id, names[supplier_id], some, facts[supplier_id])
        offered[product_id].append(candidate)
    today = now.astimezone(UTC).date()
    return [rank(need, offered[need.product_id], rates, today) for need in needs]
