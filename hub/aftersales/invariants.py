"""What must always hold after the sale."""

from hub.invariants import Invariant

INVARIANTS = (
    Invariant(
        "returns_match_lines",
        "a line's returned units are those of its returns",
        """
        SELECT id, sum(line) AS line, sum(back) AS back
          FROM (SELECT id, returned AS line, 0 AS back
                  FROM order_line WHERE seller_id = :seller
                UNION ALL
                SELECT order_line_id, 0, quantity
                  FROM returned WHERE seller_id = :seller) both_sides
         GROUP BY id HAVING sum(line) <> sum(back)
        """,
    ),
    Invariant(
        "pending_refunds_wait_to_be_told",
        "a refund that waits for its channel is in the outbox",
        """
        SELECT r.id FROM refund r
         WHERE r.seller_id = :seller AND r.state = 'pending'
           AND NOT EXISTS (SELECT FROM outbox o
                            WHERE o.seller_id = :seller AND o.kind = 'refund'
                              AND o.subject_id = r.id AND o.state IN ('waiting', 'sent'))
        """,
    ),
)
