"""Telling a person of listings that sell no product: which have no match, and which too many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import func, select

from hub.channels.listings import Unlinked
from hub.conflicts.evidence import Evidence
from hub.conflicts.record import Finding, open_conflicts
from hub.db import Transaction
from hub.inventory.models import product


def report_unmapped(tx: Transaction, account_id: int, left: Sequence[Unlinked]) -> None:
    """Each is one conflict, which closes by itself when the listing is linked or has ended."""
    codes = sorted({one.barcode for one in left} - {""})
    sharing = _sharing(tx, codes) if codes else Counter()
    found = []
    for one in left:
        same_code = sharing[one.barcode] if one.barcode else 0
        evidence = Evidence(
            about={"title": one.title},
            hub={"same_sku": 0, "same_barcode": same_code},
            channel={"sku": one.sku, "barcode": one.barcode},
        )
        said = f"listing {one.title or one.sku!r} {_why(one, same_code)}"
        subject = f"listing:{one.id}"
        found.append(Finding("listing_unmapped", subject, said, evidence, account_id))
    open_conflicts(tx, found)


def _why(one: Unlinked, same_code: int) -> str:
    if same_code > 1:
        return f"matches no SKU, and its barcode is that of {same_code} products"
    if not one.sku.strip():
        return "has no SKU, and matches no product"
    return f"matches no product: nothing has the SKU {one.sku!r}"


def _sharing(tx: Transaction, codes: Sequence[str]) -> Counter[str]:
    """How many products have each barcode."""
    found = tx.execute(
        select(product.c.barcode, func.count())
        .where(product.c.seller_id == tx.seller_id, product.c.barcode == func.any(list(codes)))
        .group_by(product.c.barcode)
    )
    return Counter({code: count for code, count in found})
