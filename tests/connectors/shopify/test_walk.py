"""The filter of a walk over Shopify's orders."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connectors.records import Cursor
from connectors.shopify.orders import OVERLAP, changed
from connectors.walk import resume

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def test_it_asks_for_what_changed_since_somewhat_before_the_watermark() -> None:
    walk = resume(Cursor(NOON + OVERLAP), OVERLAP)

    assert changed(walk, None) == "updated_at:>='2026-11-01T12:00:00Z'"
    end = NOON + timedelta(hours=1)
    assert changed(walk, end).endswith(" AND updated_at:<='2026-11-01T13:00:00Z'")
