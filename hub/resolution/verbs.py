"""Which function plans which action of which kind; :mod:`hub.conflicts.kinds` declares them."""

from __future__ import annotations

from collections.abc import Callable

from hub.db import Transaction
from hub.resolution import connection, drifting, mapping, supplying, telling
from hub.resolution.plans import Case, Plan

#: Actions that leave things as they are: nothing is planned, the conflict is put off.
PUT_OFF = frozenset({"dismiss", "ignore", "wait"})

VERBS: dict[tuple[str, str], Callable[[Transaction, Case], Plan]] = {
    ("order_line_unmapped", "link"): mapping.link_line,
    ("order_line_unmapped", "create"): mapping.create_line,
    ("listing_unmapped", "link"): mapping.link_listing,
    ("listing_unmapped", "create"): mapping.create_listing,
    ("stock_drift", "accept_hub"): drifting.accept_hub,
    ("stock_drift", "accept_channel"): drifting.accept_channel,
    ("oversold", "reallocate"): supplying.reallocate,
    ("oversold", "cancel_units"): supplying.cancel_units,
    ("poison_record", "retry"): connection.refetch,
    ("shipment_rejected", "retry"): telling.tell_again,
    ("cancellation_rejected", "retry"): telling.tell_again,
    ("refund_rejected", "retry"): telling.tell_again,
    ("auth_expired", "retry"): connection.try_again,
    ("auth_expired", "pause"): connection.pause,
}
