"""What must always hold of orders."""

from hub.invariants import Invariant

INVARIANTS = (
    Invariant(
        "lines_hold_what_they_say",
        "a line's allocated units are what it holds of stock",
        """
        SELECT id, sum(line) AS line, sum(held) AS held
          FROM (SELECT id, allocated AS line, 0 AS held
                  FROM order_line WHERE seller_id = :seller
                UNION ALL
                SELECT line_id, 0, quantity
                  FROM allocation WHERE seller_id = :seller AND document = 'order_line') both_sides
         GROUP BY id HAVING sum(line) <> sum(held)
        """,
    ),
    Invariant(
        "claims_are_wanted",
        "a line's claimed units are its open claim",
        """
        SELECT id, sum(line) AS line, sum(open) AS open
          FROM (SELECT id, claimed AS line, 0 AS open
                  FROM order_line WHERE seller_id = :seller
                UNION ALL
                SELECT line_id, 0, wanted - filled
                  FROM claim WHERE seller_id = :seller AND document = 'order_line') both_sides
         GROUP BY id HAVING sum(line) <> sum(open)
        """,
    ),
    Invariant(
        "orders_have_lines",
        "every order has at least one line and its sealed payload",
        """
        SELECT o.id, o.number FROM sales_order o
         WHERE o.seller_id = :seller
           AND (NOT EXISTS (SELECT FROM order_line l
                             WHERE l.seller_id = o.seller_id AND l.order_id = o.id)
             OR NOT EXISTS (SELECT FROM order_payload p
                             WHERE p.seller_id = o.seller_id AND p.order_id = o.id))
        """,
    ),
    Invariant(
        "drawn_keys_are_shipped",
        "an order line has no more keys than units that were shipped",
        """
        SELECT k.order_line_id, count(*) AS keys, coalesce(max(l.shipped), 0) AS shipped
          FROM activation_key k
          LEFT JOIN order_line l ON l.seller_id = k.seller_id AND l.id = k.order_line_id
         WHERE k.seller_id = :seller AND k.state = 'drawn'
         GROUP BY k.order_line_id
        HAVING count(*) > coalesce(max(l.shipped), 0)
        """,
    ),
    Invariant(
        "shipments_are_posted",
        "the units of a shipment are those its posting sent to the customer",
        """
        SELECT id, sum(sent) AS sent, sum(posted) AS posted
          FROM (SELECT shipment_id AS id, quantity AS sent, 0 AS posted
                  FROM shipment_line WHERE seller_id = :seller
                UNION ALL
                SELECT substr(p.key, 10)::bigint, 0, m.quantity
                  FROM posting p
                  JOIN move m ON m.seller_id = p.seller_id AND m.posting_id = p.id
                 WHERE p.seller_id = :seller AND p.key LIKE 'shipment:%' AND m.to_state = 12)
               both_sides
         GROUP BY id HAVING sum(sent) <> sum(posted)
        """,
    ),
    Invariant(
        "what_is_in_shipments_is_shipped",
        "a line has no more units in shipments than were shipped",
        """
        SELECT l.id, l.shipped, sum(s.quantity) AS sent
          FROM shipment_line s
          JOIN order_line l ON l.seller_id = s.seller_id AND l.id = s.order_line_id
         WHERE s.seller_id = :seller
         GROUP BY l.seller_id, l.id HAVING sum(s.quantity) > l.shipped
        """,
    ),
    Invariant(
        "withdrawn_units_were_cancelled_here",
        "a line's withdrawn units are those of its cancellations",
        """
        SELECT id, sum(line) AS line, sum(off) AS off
          FROM (SELECT id, withdrawn AS line, 0 AS off
                  FROM order_line WHERE seller_id = :seller AND withdrawn > 0
                UNION ALL
                SELECT order_line_id, 0, quantity
                  FROM cancellation_line WHERE seller_id = :seller) both_sides
         GROUP BY id HAVING sum(line) <> sum(off)
        """,
    ),
    Invariant(
        "documents_wait_to_be_told",
        "a shipment or cancellation that waits for its channel is in the outbox",
        """
        SELECT d.kind, d.id
          FROM (SELECT 'ship' AS kind, id FROM shipment
                 WHERE seller_id = :seller AND state = 'waiting'
                UNION ALL
                SELECT 'cancel', id FROM cancellation
                 WHERE seller_id = :seller AND state = 'waiting') d
         WHERE NOT EXISTS (SELECT FROM outbox o
                            WHERE o.seller_id = :seller AND o.kind = d.kind
                              AND o.subject_id = d.id AND o.state IN ('waiting', 'sent'))
        """,
    ),
)
