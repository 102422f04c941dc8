"""Accounts, their flows, listings with their versions, offers, webhook inbox, requests."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from hub.db import At, belongs_to, id_column, now_column, seller_table

account = seller_table(
    "account",
    id_column(),
    Column("channel", String(40, collation="C"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("external_id", String(200, collation="C"), nullable=False, server_default=""),
    Column("mode", String(10), nullable=False, server_default="shadow"),
    Column("settings", JSONB, nullable=False, server_default="{}"),
    Column("credentials", LargeBinary, nullable=False),
    Column("base_url", String(300), nullable=False, server_default=""),
    Column("webhook_path", String(64, collation="C"), nullable=False),
    Column("currency", String(3), nullable=False, server_default=""),
    Column("stock_mode", String(10), nullable=False, server_default="number"),
    Column("version", BigInteger, nullable=False, server_default="1"),
    now_column("connected_at"),
    UniqueConstraint("seller_id", "name"),
    Index("ix_account_webhook_path", "webhook_path"),
    CheckConstraint("mode IN ('shadow', 'live', 'paused', 'closed')", name="mode"),
    CheckConstraint("stock_mode IN ('number', 'switch')", name="stock_mode"),
)

account_location = seller_table(
    "account_location",
    Column("account_id", BigInteger, nullable=False),
    Column("location_id", BigInteger, nullable=False),
    Column("priority", SmallInteger, nullable=False, server_default="100"),
    belongs_to("account", "account_id"),
    belongs_to("location", "location_id"),
    key=("account_id", "location_id"),
)

#: What is due, when, and how it fares: the one row the clock looks at per account and flow.
flow = seller_table(
    "flow",
    Column("account_id", BigInteger, nullable=False),
    Column("flow", String(20, collation="C"), nullable=False),
    Column("next_at", At, nullable=False, server_default=text("'infinity'")),
    Column("lease_token", BigInteger, nullable=False, server_default="0"),
    Column("lease_until", At, nullable=False, server_default=text("'-infinity'")),
    Column("health", String(20), nullable=False, server_default="healthy"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("cursor", JSONB),
    Column("last_error", String(500), nullable=False, server_default=""),
    Column("last_ok_at", At),
    belongs_to("account", "account_id"),
    Index("ix_flow_next_at", "next_at"),
    CheckConstraint("health IN ('healthy', 'throttled', 'failing', 'reauthorise')", name="health"),
    key=("account_id", "flow"),
)

listing = seller_table(
    "listing",
    id_column(),
    Column("account_id", BigInteger, nullable=False),
    Column("external_id", String(200, collation="C"), nullable=False),
    Column("parent_key", String(200), nullable=False, server_default=""),
    Column("sku", String(255), nullable=False, server_default=""),
    Column("barcode", String(64), nullable=False, server_default=""),
    Column("title", String(500), nullable=False, server_default=""),
    Column("handles", JSONB, nullable=False, server_default="{}"),
    Column("state", String(10), nullable=False, server_default="active"),
    Column("product_id", BigInteger),
    Column("paused", Boolean, nullable=False, server_default=text("false")),
    Column("desired_version", BigInteger, nullable=False, server_default="0"),
    Column("desired_quantity", BigInteger),
    Column("sent_version", BigInteger, nullable=False, server_default="0"),
    Column("sent_quantity", BigInteger),
    Column("sent_at", At),
    Column("confirmed_version", BigInteger, nullable=False, server_default="0"),
    Column("confirmed_quantity", BigInteger),
    Column("confirmed_at", At),
    Column("remote_quantity", BigInteger),
    Column("remote_at", At),
    Column("next_at", At, nullable=False, server_default=text("'-infinity'")),
    Column("lease_token", BigInteger, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("check_at", At),
    Column("checks_left", SmallInteger, nullable=False, server_default="0"),
    Column("last_error", String(500), nullable=False, server_default=""),
    Column("version", BigInteger, nullable=False, server_default="1"),
    now_column("created_at"),
    belongs_to("account", "account_id"),
    belongs_to("product", "product_id"),
    UniqueConstraint("external_id", "account_id", "seller_id"),
    Index("ix_listing_account", "account_id", "id", "seller_id"),
    Index("ix_listing_product", "product_id", "seller_id"),
    # Finding what is due must not read an account of 100,000 listings; only deriving and pushing
    # pay for it, intake touches no listing.
    Index(
        "ix_listing_due",
        "seller_id",
        "account_id",
        "id",
        postgresql_where=text("sent_version < desired_version"),
    ),
    Index(
        "ix_listing_check",
        "seller_id",
        "account_id",
        "check_at",
        postgresql_where=text("check_at IS NOT NULL"),
    ),
    CheckConstraint("state IN ('active', 'paused', 'ended')", name="state"),
    CheckConstraint(
        "confirmed_version <= sent_version AND sent_version <= desired_version", name="versions"
    ),
    fill=50,
)

#: Why a listing was to show what it shows, for every change of it. Append-only.
offer = seller_table(
    "offer",
    Column("listing_id", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("derivation", JSONB, nullable=False),
    now_column("derived_at"),
    ForeignKeyConstraint(["seller_id", "listing_id"], ["listing.seller_id", "listing.id"]),
    CheckConstraint("quantity >= 0", name="not_negative"),
    key=("listing_id", "version"),
)

#: The seller's rule for an account's listings (listing_id 0) or for one of them.
offer_rule = seller_table(
    "offer_rule",
    Column("account_id", BigInteger, nullable=False),
    Column("listing_id", BigInteger, nullable=False, server_default="0"),
    Column("safety_stock", BigInteger, nullable=False, server_default="0"),
    Column("share_percent", SmallInteger, nullable=False, server_default="100"),
    Column("buffer", BigInteger, nullable=False, server_default="0"),
    Column("cap", BigInteger),
    Column("end_when_below", BigInteger, nullable=False, server_default="0"),
    Column("version", BigInteger, nullable=False, server_default="1"),
    belongs_to("account", "account_id"),
    CheckConstraint("share_percent BETWEEN 0 AND 100", name="share"),
    CheckConstraint(
        "safety_stock >= 0 AND buffer >= 0 AND end_when_below >= 0 AND coalesce(cap, 0) >= 0",
        name="not_negative",
    ),
    key=("account_id", "listing_id"),
)

webhook = seller_table(
    "webhook",
    id_column(),
    Column("account_id", BigInteger, nullable=False),
    Column("event_id", String(200, collation="C"), nullable=False),
    Column("topic", String(100), nullable=False, server_default=""),
    Column("hints", JSONB, nullable=False, server_default="[]"),
    Column("body_hash", LargeBinary, nullable=False),
    Column("state", String(10), nullable=False, server_default="new"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", At, nullable=False, server_default=text("'-infinity'")),
    Column("outcome", String(300), nullable=False, server_default=""),
    now_column("received_at"),
    Column("done_at", At),
    belongs_to("account", "account_id"),
    UniqueConstraint("seller_id", "account_id", "event_id"),
    Index("ix_webhook_received", "seller_id", "account_id", "received_at"),
    Index(
        "ix_webhook_new",
        "seller_id",
        "account_id",
        "id",
        postgresql_where=text("state = 'new'"),
    ),
    CheckConstraint("state IN ('new', 'done', 'ignored', 'conflict')", name="state"),
)

#: What a person asked of a channel; the hub writes it, sync answers it.
request = seller_table(
    "request",
    id_column(),
    Column("account_id", BigInteger, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("argument", JSONB, nullable=False, server_default="{}"),
    Column("state", String(10), nullable=False, server_default="new"),
    Column("answer", JSONB, nullable=False, server_default="{}"),
    now_column("requested_at"),
    Column("answered_at", At),
    belongs_to("account", "account_id"),
    Index("ix_request_account", "seller_id", "account_id", "requested_at"),
    Index(
        "ix_request_new",
        "seller_id",
        "account_id",
        "id",
        postgresql_where=text("state = 'new'"),
    ),
    CheckConstraint(
        "kind IN ('test', 'listings', 'orders', 'refetch', 'read_stock', 'subscribe',"
        " 'webhook_keys')",
        name="kind",
    ),
    CheckConstraint("state IN ('new', 'done', 'failed')", name="state"),
)

#: What a channel is still to be told, and what it was told. Within one sales order the order of ids
#: is that of telling. ``next_at`` is the lease's end while somebody tells it.
outbox = seller_table(
    "outbox",
    id_column(),
    Column("account_id", BigInteger, nullable=False),
    Column("order_id", BigInteger, nullable=False),
    Column("kind", String(10, collation="C"), nullable=False),
    Column("subject_id", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False, server_default="1"),
    Column("payload", JSONB, nullable=False),
    Column("state", String(10), nullable=False, server_default="waiting"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", At, nullable=False, server_default=text("'-infinity'")),
    Column("lease_token", BigInteger, nullable=False, server_default="0"),
    Column("external_id", String(200, collation="C"), nullable=False, server_default=""),
    Column("last_error", String(500), nullable=False, server_default=""),
    now_column("made_at"),
    Column("done_at", At),
    belongs_to("account", "account_id"),
    belongs_to("sales_order", "order_id"),
    UniqueConstraint("subject_id", "kind", "version", "account_id", "seller_id"),
    Index(
        "ix_outbox_open",
        "seller_id",
        "account_id",
        "order_id",
        "id",
        postgresql_where=text("state IN ('waiting', 'sent')"),
    ),
    CheckConstraint("kind IN ('ship', 'cancel', 'refund')", name="kind"),
    CheckConstraint("state IN ('waiting', 'sent', 'done', 'refused')", name="state"),
    CheckConstraint("(state IN ('waiting', 'sent')) = (done_at IS NULL)", name="done_when_it_is"),
)

#: Changes of orders that a walk found first, until it is clear whether a webhook tells of them too.
unheard = seller_table(
    "unheard",
    Column("account_id", BigInteger, nullable=False),
    Column("order_key", String(200, collation="C"), nullable=False),
    Column("changed_at", At, nullable=False),
    now_column("found_at"),
    belongs_to("account", "account_id"),
    key=("account_id", "order_key"),
)

#: Changes of orders, and those among them that came without their webhook, hour by hour. A slot is
#: an hour of the day: the same row serves again a day later, so that nobody has to clear up.
webhook_tally = seller_table(
    "webhook_tally",
    Column("account_id", BigInteger, nullable=False),
    Column("slot", SmallInteger, nullable=False),
    Column("hour", At, nullable=False),
    Column("changes", BigInteger, nullable=False, server_default="0"),
    Column("lost", BigInteger, nullable=False, server_default="0"),
    Column("lost_at", At),
    Column("lost_order", String(200, collation="C"), nullable=False, server_default=""),
    belongs_to("account", "account_id"),
    Index("ix_webhook_tally_hour", "hour"),
    CheckConstraint("slot BETWEEN 0 AND 23", name="slot"),
    CheckConstraint("lost BETWEEN 0 AND changes", name="lost_of_changes"),
    key=("account_id", "slot"),
)

#: By how many seconds the clock of a host of ours runs ahead of the channel's, as last seen.
account_clock = seller_table(
    "account_clock",
    Column("account_id", BigInteger, nullable=False),
    Column("ahead", Double, nullable=False),
    Column("host", String(100), nullable=False),
    now_column("seen_at"),
    belongs_to("account", "account_id"),
    key=("account_id",),
)

#: How fast an account's channel takes offers: listings a second while there is something to push,
#: and the seconds from a change to its answer while little waits.
account_pace = seller_table(
    "account_pace",
    Column("account_id", BigInteger, nullable=False),
    Column("rate", Double),
    Column("latency", Double),
    now_column("measured_at"),
    belongs_to("account", "account_id"),
    key=("account_id",),
    fill=50,
)
