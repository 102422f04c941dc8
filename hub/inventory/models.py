"""Products, places, moves, levels, allocations and claims.

A place is (location, state). States below 10 are inside a location and have a level; those above
are outside and have none: their balance is the sum of their moves.
"""

from __future__ import annotations

from enum import IntEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from hub.db import At, belongs_to, id_column, now_column, seller_table


class State(IntEnum):
    """Where units are. 在库 · 待发货 · 待检 · 残损 · 待退货 · 在途 inside; the rest is outside."""

    AVAILABLE = 1
    ALLOCATED = 2
    INSPECTION = 3
    DAMAGED = 4
    SUPPLIER_RETURN = 5
    IN_TRANSIT = 6
    SUPPLIER = 11
    CUSTOMER = 12
    ADJUSTMENT = 13
    SCRAP = 14
    PRODUCTION = 15

    @property
    def inside(self) -> bool:
        return self < 10


product = seller_table(
    "product",
    id_column(),
    Column("sku", String(120), nullable=False),
    Column("sku_key", String(120, collation="C"), nullable=False),
    Column("barcode", String(64, collation="C"), nullable=False, server_default=""),
    Column("name", String(500), nullable=False, server_default=""),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("stock_version", BigInteger, nullable=False, server_default="0"),
    Column("derived_version", BigInteger, nullable=False, server_default="0"),
    Column("version", BigInteger, nullable=False, server_default="1"),
    # Each unit is one activation key of the pool; its keys are told apart under a key of its own.
    Column("keyed", Boolean, nullable=False, server_default=text("false")),
    Column("fingerprint_key", LargeBinary),
    # Whether its units come in lots, each told apart on the shelf.
    Column("lots", Boolean, nullable=False, server_default=text("false")),
    now_column("created_at"),
    UniqueConstraint("seller_id", "sku_key"),
    Index("ix_product_barcode", "barcode", "seller_id"),
    CheckConstraint("length(sku) > 0", name="sku_given"),
    CheckConstraint("derived_version <= stock_version", name="derived_not_ahead"),
    CheckConstraint("keyed = (fingerprint_key IS NOT NULL)", name="keyed_can_tell"),
    CheckConstraint("NOT (keyed AND lots)", name="keys_come_in_no_lots"),
    fill=50,
)

location = seller_table(
    "location",
    id_column(),
    Column("code", String(40), nullable=False),
    Column("name", String(200), nullable=False),
    Column("kind", String(20), nullable=False, server_default="warehouse"),
    Column("priority", SmallInteger, nullable=False, server_default="100"),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    UniqueConstraint("seller_id", "code"),
    CheckConstraint(
        "kind IN ('warehouse', 'third_party', 'channel_held', 'shop', 'supplier', 'bin')",
        name="kind_known",
    ),
)

#: Units of a product that were made together; ``expires_on`` is the last day they may be sold.
lot = seller_table(
    "lot",
    id_column(),
    Column("product_id", BigInteger, nullable=False),
    Column("code", String(80, collation="C"), nullable=False),
    Column("made_on", Date),
    Column("expires_on", Date),
    Column("note", String(500), nullable=False, server_default=""),
    now_column("created_at"),
    belongs_to("product", "product_id"),
    UniqueConstraint("product_id", "code", "seller_id"),
    Index(
        "ix_lot_expires",
        "seller_id",
        "expires_on",
        postgresql_where=text("expires_on IS NOT NULL"),
    ),
    CheckConstraint("length(code) > 0", name="code_given"),
    CheckConstraint("made_on <= expires_on", name="made_before_it_expires"),
)

level = seller_table(
    "level",
    Column("product_id", BigInteger, nullable=False),
    Column("location_id", BigInteger, nullable=False),
    Column("lot_id", BigInteger, nullable=False, server_default="0"),
    Column("state", SmallInteger, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    belongs_to("product", "product_id"),
    belongs_to("location", "location_id"),
    CheckConstraint("quantity >= 0", name="not_negative"),
    CheckConstraint("state BETWEEN 1 AND 6", name="inside"),
    key=("product_id", "location_id", "state", "lot_id"),
    fill=50,
)

posting = seller_table(
    "posting",
    id_column(),
    Column("key", String(200, collation="C"), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("document", String(40), nullable=False, server_default=""),
    Column("document_id", BigInteger, nullable=False, server_default="0"),
    Column("note", String(500), nullable=False, server_default=""),
    now_column("posted_at"),
    # The seller comes last, so that no plan made while the table is tiny takes this for the key.
    UniqueConstraint("key", "seller_id"),
    CheckConstraint("length(key) > 0", name="key_given"),
)

_INSIDE_HAS_LOCATION = "(({side}_state < 10) = ({side}_location_id IS NOT NULL))"

move = seller_table(
    "move",
    id_column(),
    Column("posting_id", BigInteger, nullable=False),
    Column("product_id", BigInteger, nullable=False),
    Column("lot_id", BigInteger, nullable=False, server_default="0"),
    Column("quantity", BigInteger, nullable=False),
    Column("from_state", SmallInteger, nullable=False),
    Column("from_location_id", BigInteger),
    Column("to_state", SmallInteger, nullable=False),
    Column("to_location_id", BigInteger),
    Column("unit_cost", BigInteger),
    # What all its units cost: of those that change their location.
    Column("value", BigInteger),
    Column("reverses_id", BigInteger),
    Column("happened_at", At, nullable=False),
    now_column("posted_at"),
    belongs_to("posting", "posting_id"),
    Index("ix_move_product", "seller_id", "product_id", "posted_at"),
    Index("ix_move_posting", "seller_id", "posting_id"),
    CheckConstraint("quantity > 0 AND quantity <= 1000000000000", name="quantity_positive"),
    CheckConstraint("from_state BETWEEN 1 AND 15 AND to_state BETWEEN 1 AND 15", name="known"),
    CheckConstraint(_INSIDE_HAS_LOCATION.format(side="from"), name="from_place"),
    CheckConstraint(_INSIDE_HAS_LOCATION.format(side="to"), name="to_place"),
    CheckConstraint("value >= 0", name="value_not_negative"),
    CheckConstraint(
        "from_state <> to_state OR from_location_id IS DISTINCT FROM to_location_id",
        name="goes_somewhere",
    ),
)

#: What came onto a shelf at one time and price; ``value`` is that of what remains, NULL = unknown.
cost_layer = seller_table(
    "cost_layer",
    id_column(),
    Column("product_id", BigInteger, nullable=False),
    Column("location_id", BigInteger, nullable=False),
    Column("lot_id", BigInteger, nullable=False, server_default="0"),
    Column("posting_id", BigInteger, nullable=False),
    # The layer it was at the location it came from.
    Column("origin_id", BigInteger),
    Column("received_at", At, nullable=False),
    Column("units", BigInteger, nullable=False),
    # What all its units cost when they came.
    Column("cost", BigInteger),
    Column("remaining", BigInteger, nullable=False),
    Column("value", BigInteger),
    belongs_to("product", "product_id"),
    belongs_to("location", "location_id"),
    Index(
        "ix_cost_layer_standing",
        "product_id",
        "location_id",
        "lot_id",
        "received_at",
        "id",
        "seller_id",
        postgresql_where=text("remaining > 0"),
    ),
    Index("ix_cost_layer_posting", "posting_id", "seller_id"),
    Index(
        "ix_cost_layer_origin",
        "origin_id",
        "seller_id",
        postgresql_where=text("origin_id IS NOT NULL"),
    ),
    CheckConstraint("units > 0 AND remaining BETWEEN 0 AND units", name="within_units"),
    CheckConstraint("value >= 0 AND (remaining > 0 OR value = 0)", name="value_of_remaining"),
    fill=50,
)

#: Charges that were learnt after the goods came: what they added to a layer, and what of them was
#: for units that were gone.
cost_change = seller_table(
    "cost_change",
    id_column(),
    Column("key", String(200, collation="C"), nullable=False),
    Column("layer_id", BigInteger, nullable=False),
    Column("product_id", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("variance", BigInteger, nullable=False),
    Column("note", String(500), nullable=False, server_default=""),
    now_column("changed_at"),
    belongs_to("cost_layer", "layer_id"),
    UniqueConstraint("layer_id", "key", "seller_id"),
    Index("ix_cost_change_key", "key", "seller_id"),
    Index("ix_cost_change_product", "seller_id", "product_id"),
    CheckConstraint("amount >= 0 AND variance >= 0", name="not_negative"),
)

allocation = seller_table(
    "allocation",
    Column("document", String(20, collation="C"), nullable=False),
    Column("line_id", BigInteger, nullable=False),
    Column("location_id", BigInteger, nullable=False),
    Column("lot_id", BigInteger, nullable=False, server_default="0"),
    Column("product_id", BigInteger, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    now_column("allocated_at"),
    Index("ix_allocation_product", "seller_id", "product_id"),
    CheckConstraint("quantity >= 0", name="not_negative"),
    key=("document", "line_id", "location_id", "lot_id"),
    fill=70,
)

claim = seller_table(
    "claim",
    Column("document", String(20, collation="C"), nullable=False),
    Column("line_id", BigInteger, nullable=False),
    Column("product_id", BigInteger, nullable=False),
    Column("wanted", BigInteger, nullable=False),
    Column("filled", BigInteger, nullable=False, server_default="0"),
    Column("priority", SmallInteger, nullable=False, server_default="100"),
    Column("promised_at", At),
    Column("note", Text, nullable=False, server_default=""),
    now_column("claimed_at"),
    belongs_to("product", "product_id"),
    Index("ix_claim_product", "seller_id", "product_id", "priority", "claimed_at"),
    CheckConstraint("wanted > 0 AND filled BETWEEN 0 AND wanted", name="within_wanted"),
    key=("document", "line_id"),
)

#: One row per transaction that touched stock, eaten when offers have been derived: what a sweep
#: looks for. An index on "version behind" would cost every posting its HOT update instead.
stock_change = seller_table(
    "stock_change",
    id_column(),
    Column("product_ids", ARRAY(BigInteger), nullable=False),
)

#: The units of keyed products, one row each: sealed, told apart by fingerprint, drawn when sold.
activation_key = seller_table(
    "activation_key",
    id_column(),
    Column("product_id", BigInteger, nullable=False),
    Column("location_id", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("state", String(10), nullable=False, server_default="free"),
    Column("order_line_id", BigInteger),
    Column("drawn_at", At),
    now_column("added_at"),
    belongs_to("product", "product_id"),
    belongs_to("location", "location_id"),
    UniqueConstraint("product_id", "fingerprint", "seller_id"),
    Index(
        "ix_activation_key_free",
        "product_id",
        "location_id",
        "added_at",
        "id",
        "seller_id",
        postgresql_where=text("state = 'free'"),
    ),
    Index(
        "ix_activation_key_line",
        "order_line_id",
        "seller_id",
        postgresql_where=text("order_line_id IS NOT NULL"),
    ),
    CheckConstraint("state IN ('free', 'drawn', 'withdrawn')", name="state"),
    CheckConstraint(
        "(state = 'drawn') = (order_line_id IS NOT NULL)"
        " AND (order_line_id IS NULL) = (drawn_at IS NULL)",
        name="drawn_for_a_line",
    ),
)
