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
)
