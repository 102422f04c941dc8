"""What must always hold of stock."""

from hub.invariants import Invariant

INVARIANTS = (
    Invariant(
        "levels_are_moves",
        "every level equals the sum of its moves",
        """
        SELECT product_id, location_id, state, lot_id,
               sum(level) AS level, sum(moved) AS moved
          FROM (SELECT product_id, location_id, state, lot_id, quantity AS level, 0 AS moved
                  FROM level WHERE seller_id = :seller
                UNION ALL
                SELECT product_id, to_location_id, to_state, lot_id, 0, quantity
                  FROM move WHERE seller_id = :seller AND to_location_id IS NOT NULL
                UNION ALL
                SELECT product_id, from_location_id, from_state, lot_id, 0, -quantity
                  FROM move WHERE seller_id = :seller AND from_location_id IS NOT NULL) both_sides
         GROUP BY product_id, location_id, state, lot_id
        HAVING sum(level) <> sum(moved)
        """,
    ),
    Invariant(
        "allocated_is_promised",
        "the allocated level equals what document lines hold",
        """
        SELECT product_id, location_id, lot_id, sum(level) AS level, sum(promised) AS promised
          FROM (SELECT product_id, location_id, lot_id, quantity AS level, 0 AS promised
                  FROM level WHERE seller_id = :seller AND state = 2
                UNION ALL
                SELECT product_id, location_id, lot_id, 0, quantity
                  FROM allocation WHERE seller_id = :seller) both_sides
         GROUP BY product_id, location_id, lot_id
        HAVING sum(level) <> sum(promised)
        """,
    ),
    Invariant(
        "layers_are_levels",
        "what remains in the cost layers of a shelf is what stands on it",
        """
        SELECT product_id, location_id, lot_id, sum(units) AS units, sum(layered) AS layered
          FROM (SELECT product_id, location_id, lot_id, quantity AS units, 0 AS layered
                  FROM level WHERE seller_id = :seller
                UNION ALL
                SELECT product_id, location_id, lot_id, 0, remaining
                  FROM cost_layer WHERE seller_id = :seller AND remaining > 0) both_sides
         GROUP BY product_id, location_id, lot_id
        HAVING sum(units) <> sum(layered)
        """,
    ),
    Invariant(
        "nothing_negative",
        "no level inside is negative",
        "SELECT product_id, location_id, state, quantity FROM level"
        " WHERE seller_id = :seller AND quantity < 0",
    ),
    Invariant(
        "lots_are_told",
        "units of a product with lots stand in a lot of that product, and others in none",
        """
        SELECT l.product_id, l.location_id, l.state, l.lot_id, l.quantity
          FROM level l
          JOIN product p ON p.seller_id = l.seller_id AND p.id = l.product_id
          LEFT JOIN lot ON lot.seller_id = l.seller_id AND lot.id = l.lot_id
                       AND lot.product_id = l.product_id
         WHERE l.seller_id = :seller AND l.quantity > 0 AND p.lots <> (lot.id IS NOT NULL)
        """,
    ),
    Invariant(
        "free_keys_are_units",
        "a keyed product has a free key for each unit that is available or allocated",
        """
        SELECT product_id, location_id, sum(units) AS units, sum(free) AS free
          FROM (SELECT l.product_id, l.location_id, l.quantity AS units, 0 AS free
                  FROM level l
                  JOIN product p ON p.seller_id = l.seller_id AND p.id = l.product_id AND p.keyed
                 WHERE l.seller_id = :seller AND l.state IN (1, 2)
                UNION ALL
                SELECT product_id, location_id, 0, 1
                  FROM activation_key WHERE seller_id = :seller AND state = 'free') both_sides
         GROUP BY product_id, location_id
        HAVING sum(units) <> sum(free)
        """,
    ),
)
