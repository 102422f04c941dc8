"""What must always hold of listings and offers."""

from hub.invariants import Invariant

INVARIANTS = (
    Invariant(
        "offers_are_kept",
        "every version a listing was to show has its derivation",
        """
        SELECT l.id, l.desired_version FROM listing l
         WHERE l.seller_id = :seller AND l.desired_version > 0
           AND NOT EXISTS (SELECT FROM offer o WHERE o.seller_id = l.seller_id
                            AND o.listing_id = l.id AND o.version = l.desired_version)
        """,
    ),
    Invariant(
        "stale_products_are_noted",
        "a product whose offers are behind has a stock change waiting",
        """
        SELECT p.id, p.sku FROM product p
         WHERE p.seller_id = :seller AND p.derived_version < p.stock_version
           AND NOT EXISTS (SELECT FROM stock_change c
                            WHERE c.seller_id = p.seller_id AND p.id = ANY (c.product_ids))
        """,
    ),
    Invariant(
        "what_waits_to_be_told_is_due",
        "a live account with something to be told has a time at which it is",
        """
        SELECT o.account_id, min(o.id) AS first
          FROM outbox o
          JOIN account a ON a.seller_id = o.seller_id AND a.id = o.account_id AND a.mode = 'live'
         WHERE o.seller_id = :seller AND o.state IN ('waiting', 'sent')
           AND NOT EXISTS (SELECT FROM flow f
                            WHERE f.seller_id = o.seller_id AND f.account_id = o.account_id
                              AND f.flow = 'outbox' AND f.next_at < 'infinity')
         GROUP BY o.account_id
        """,
    ),
)
