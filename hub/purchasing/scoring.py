"""The facts a supplier's scorecard is made of, read for many suppliers at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from hub.db import At, Transaction
from hub.purchasing.measures import Facts

#: Orders that were sent in the span; what was agreed by then, and what came of it so far. A line is
#: due on its own day, or on its order's; units given up when the order was closed were awaited too.
_FACTS = text(
    """
    WITH mine AS (
        SELECT o.* FROM purchase_order o
         WHERE o.seller_id = :seller AND o.supplier_id = ANY(:suppliers)
           AND o.sent_at >= :since AND o.sent_at < :until),
    line AS (
        SELECT o.supplier_id, o.id AS order_id, o.state, o.sent_at, o.currency, l.id, l.product_id,
               l.unit_price, l.received, l.accepted, l.rejected, l.returned,
               l.quantity - l.cancelled + l.given_up AS awaited,
               coalesce(l.expected_on, o.expected_on) AS due_on
          FROM mine o
          JOIN purchase_line l ON l.seller_id = :seller AND l.order_id = o.id),
    came AS (
        SELECT l.supplier_id, l.id AS line_id, r.quantity,
               extract(epoch FROM g.received_at - l.sent_at)::bigint AS seconds,
               (g.received_at AT TIME ZONE 'UTC')::date <= l.due_on AS in_time
          FROM line l
          JOIN receipt_line r ON r.seller_id = :seller AND r.line_id = l.id
          JOIN goods_receipt g ON g.seller_id = :seller AND g.id = r.receipt_id),
    punctual AS (
        SELECT line_id, sum(quantity) AS units FROM came WHERE in_time GROUP BY line_id),
    units AS (
        SELECT l.supplier_id,
               sum(l.awaited) FILTER (WHERE l.due_on < (:until AT TIME ZONE 'UTC')::date) AS due,
               sum(least(coalesce(p.units, 0), l.awaited))
                   FILTER (WHERE l.due_on < (:until AT TIME ZONE 'UTC')::date) AS on_time,
               sum(l.awaited) FILTER (WHERE l.state IN ('received', 'closed')) AS awaited,
               sum(least(l.received, l.awaited))
                   FILTER (WHERE l.state IN ('received', 'closed')) AS filled,
               sum(l.accepted) AS accepted, sum(l.rejected) AS rejected,
               sum(l.received) AS received, sum(l.returned) AS returned
          FROM line l LEFT JOIN punctual p ON p.line_id = l.id
         GROUP BY l.supplier_id),
    lead AS (
        SELECT supplier_id, count(*) AS deliveries, sum(seconds) AS lead_seconds,
               sum(seconds::numeric * seconds) AS lead_squares
          FROM came GROUP BY supplier_id),
    twice AS (
        SELECT l.supplier_id,
               (array_agg(l.unit_price ORDER BY l.order_id, l.id))[1] AS first_price,
               (array_agg(l.unit_price ORDER BY l.order_id DESC, l.id DESC))[1] AS last_price,
               (array_agg(l.awaited ORDER BY l.order_id DESC, l.id DESC))[1] AS units
          FROM line l
          JOIN supplier s ON s.seller_id = :seller AND s.id = l.supplier_id
                         AND s.currency = l.currency
         GROUP BY l.supplier_id, l.product_id HAVING count(DISTINCT l.order_id) > 1),
    trend AS (
        SELECT supplier_id, sum(first_price * units) AS first_prices,
               sum(last_price * units) AS last_prices
          FROM twice GROUP BY supplier_id),
    said AS (
        SELECT supplier_id, count(*) AS orders, count(confirmed_at) AS answers,
               sum(extract(epoch FROM confirmed_at - sent_at)::bigint) AS answer_seconds
          FROM mine GROUP BY supplier_id)
    SELECT said.supplier_id, said.orders, units.due, units.on_time, lead.deliveries,
           lead.lead_seconds, lead.lead_squares, units.awaited, units.filled, units.accepted,
           units.rejected, units.received, units.returned, trend.first_prices, trend.last_prices,
           said.answers, said.answer_seconds
      FROM said
      LEFT JOIN units USING (supplier_id)
      LEFT JOIN lead USING (supplier_id)
      LEFT JOIN trend USING (supplier_id)
    """
).bindparams(
    bindparam("seller", type_=BigInteger),
    bindparam("suppliers", type_=ARRAY(BigInteger)),
    bindparam("since", type_=At),
    bindparam("until", type_=At),
)


def facts(
    tx: Transaction, supplier_ids: Sequence[int], since: datetime, until: datetime
) -> dict[int, Facts]:
    """Of each supplier asked for, whether anything was ordered of it or not."""
    asked = {
        "seller": tx.seller_id,
        "suppliers": list(supplier_ids),
        "since": since,
        "until": until,
    }
    found = {number: Facts(number) for number in supplier_ids}
    for row in tx.execute(_FACTS, asked) if supplier_ids else ():
        figures = [int(value or 0) for value in row]
        found[figures[0]] = Facts(*figures)
    return found
