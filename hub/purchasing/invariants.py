"""What must always hold of buying."""

from hub.invariants import Invariant

INVARIANTS = (
    Invariant(
        "received_is_judged",
        "units received are accepted, rejected or in inspection, as the receipts say",
        """
        SELECT id, sum(received) AS received, sum(accepted) AS accepted, sum(rejected) AS rejected,
               sum(inspecting) AS inspecting
          FROM (SELECT id, received, accepted, rejected, inspecting
                  FROM purchase_line WHERE seller_id = :seller
                UNION ALL
                SELECT line_id, -quantity, -accepted, -rejected, -inspecting
                  FROM receipt_line WHERE seller_id = :seller) both_sides
         GROUP BY id
        HAVING sum(received) <> 0 OR sum(accepted) <> 0 OR sum(rejected) <> 0
            OR sum(inspecting) <> 0
        """,
    ),
    Invariant(
        "receipts_are_posted",
        "the units of a receipt are those its posting brought in from the supplier",
        """
        SELECT id, sum(counted) AS counted, sum(posted) AS posted
          FROM (SELECT receipt_id AS id, quantity AS counted, 0 AS posted
                  FROM receipt_line WHERE seller_id = :seller
                UNION ALL
                SELECT p.document_id, 0, m.quantity
                  FROM posting p
                  JOIN move m ON m.seller_id = p.seller_id AND m.posting_id = p.id
                 WHERE p.seller_id = :seller AND p.document = 'goods_receipt'
                   AND m.from_state = 11) both_sides
         GROUP BY id HAVING sum(counted) <> sum(posted)
        """,
    ),
    Invariant(
        "receipt_lines_are_moves",
        "what a receipt put on sale, into inspection and aside to go back is what its moves say",
        """
        SELECT id, state, product_id, sum(said) AS said, sum(moved) AS moved
          FROM (SELECT r.receipt_id AS id, s.state, r.product_id, s.units AS said, 0 AS moved
                  FROM receipt_line r
                 CROSS JOIN LATERAL (VALUES (1, r.accepted), (3, r.inspecting), (5, r.rejected))
                       AS s (state, units)
                 WHERE r.seller_id = :seller
                UNION ALL
                SELECT p.document_id, m.to_state, m.product_id, 0, m.quantity
                  FROM posting p
                  JOIN move m ON m.seller_id = p.seller_id AND m.posting_id = p.id
                 WHERE p.seller_id = :seller AND p.document IN ('goods_receipt', 'judgement')
                UNION ALL
                SELECT p.document_id, m.from_state, m.product_id, 0, -m.quantity
                  FROM posting p
                  JOIN move m ON m.seller_id = p.seller_id AND m.posting_id = p.id
                 WHERE p.seller_id = :seller AND p.document = 'judgement') both_sides
         GROUP BY id, state, product_id
        HAVING state <> 11 AND sum(said) <> sum(moved)
        """,
    ),
    Invariant(
        "judgements_add_up",
        "what left inspection of a receipt line was judged, once",
        """
        SELECT id, sum(left_it) AS left_it, sum(judged) AS judged
          FROM (SELECT id, first_inspecting - inspecting AS left_it, 0 AS judged
                  FROM receipt_line WHERE seller_id = :seller
                UNION ALL
                SELECT receipt_line_id, 0, accepted + rejected
                  FROM judgement WHERE seller_id = :seller) both_sides
         GROUP BY id HAVING sum(left_it) <> sum(judged)
        """,
    ),
    Invariant(
        "no_line_over_its_tolerance",
        "no order line has more than was ordered and tolerated, unless a person accepted it",
        """
        SELECT l.id, l.quantity, l.cancelled, l.received
          FROM purchase_line l
          JOIN purchase_order o ON o.seller_id = l.seller_id AND o.id = l.order_id
         WHERE l.seller_id = :seller AND NOT l.over_accepted
           AND l.received > (l.quantity - l.cancelled) * (100 + o.over_percent) / 100
        """,
    ),
    Invariant(
        "returned_goods_left",
        "rejected units sent back are the lines of returns, and the moves to the supplier",
        """
        SELECT id, sum(line) AS line, sum(sent) AS sent
          FROM (SELECT id, returned AS line, 0 AS sent
                  FROM purchase_line WHERE seller_id = :seller AND returned > 0
                UNION ALL
                SELECT line_id, 0, quantity
                  FROM supplier_return_line WHERE seller_id = :seller) both_sides
         GROUP BY id HAVING sum(line) <> sum(sent)
        UNION ALL
        SELECT id, sum(sent), sum(moved)
          FROM (SELECT return_id AS id, quantity AS sent, 0 AS moved
                  FROM supplier_return_line WHERE seller_id = :seller
                UNION ALL
                SELECT p.document_id, 0, m.quantity
                  FROM posting p
                  JOIN move m ON m.seller_id = p.seller_id AND m.posting_id = p.id
                 WHERE p.seller_id = :seller AND p.document = 'supplier_return'
                   AND m.to_state = 11) both_moves
         GROUP BY id HAVING sum(sent) <> sum(moved)
        """,
    ),
    Invariant(
        "nothing_more_comes_of_what_is_over",
        "an order that is closed or cancelled awaits nothing",
        """
        SELECT o.id, o.state, l.id AS line_id
          FROM purchase_order o
          JOIN purchase_line l ON l.seller_id = o.seller_id AND l.order_id = o.id
         WHERE o.seller_id = :seller AND o.state IN ('closed', 'cancelled')
           AND l.quantity - l.cancelled > l.received
        """,
    ),
)
