"""Listings in: walk a channel's catalogue, and link what matches one product and no other."""

from __future__ import annotations

from functools import partial

from connectors.errors import ConnectorError
from connectors.records import Cursor, Listing, Page
from hub import failpoints
from hub.channels import flows, listings
from hub.channels.unmapped import report_unmapped
from hub.conflicts.record import close_conflicts
from hub.db import Transaction
from hub.sales import backorders
from hub.sales.findings import quarantine
from sync import delivery, pull
from sync.carrier import AtWork, Carrier
from sync.keeping import FLOW, LEASE

MOST_PAGES = 5_000
#: Catalogues are walked again this often (seconds) though no event asked for it.
ROUND = 6 * 3_600.0


def read_catalogue(
    carrier: Carrier, seller_id: int, account_id: int, *, create: bool = False
) -> dict[str, int] | None:
    """Walk the whole catalogue. ``create`` makes products for listings that match none. Answers
    counts of listings read, linked, created; None where it could not be done now."""
    database = carrier.database
    lease = database.command(
        seller_id, lambda tx: flows.claim(tx, account_id, flows.LISTINGS, LEASE)
    )
    if lease is None:
        return None
    work = carrier.at_work(seller_id, account_id)
    try:
        with carrier.keeper.holding(seller_id, FLOW, lease):
            counts = _read_and_match(carrier, seller_id, work, create)
    except ConnectorError as error:
        pull.failed(carrier, seller_id, lease, error)
        raise
    database.command(seller_id, lambda tx: flows.release(tx, lease, next_in=ROUND))
    return counts


def _read_and_match(carrier: Carrier, seller_id: int, work: AtWork, create: bool) -> dict[str, int]:
    database, account_id = carrier.database, work.account.id
    read = _walk(carrier, seller_id, work)
    failpoints.reached("catalogue.saved")
    counts = database.command(seller_id, lambda tx: _match(tx, account_id, create))
    lines = database.command(seller_id, lambda tx: backorders.allocate_pending(tx, account_id))
    if lines:
        delivery.deliver(carrier, seller_id)
    return {"read": read, **counts, "lines_allocated": lines}


def _walk(carrier: Carrier, seller_id: int, work: AtWork) -> int:
    cursor = Cursor(work.account.connected_at)
    read = 0
    for _ in range(MOST_PAGES):
        page = work.connector.list_listings(cursor)
        failpoints.reached("catalogue.fetched")
        carrier.database.command(seller_id, partial(_save, carrier=carrier, work=work, page=page))
        read += len(page.items)
        if not page.more or page.cursor == cursor:
            break
        cursor = page.cursor
    return read


def _save(tx: Transaction, carrier: Carrier, work: AtWork, page: Page[Listing]) -> None:
    """Listings that cannot be read keep no other out: a person sees them until they can be."""
    account_id = work.account.id
    listings.save_listings(tx, account_id, page.items)
    quarantine(tx, carrier.keyring, account_id, pull.poison(page.bad), "listing_record")
    readable = [f"listing_record:{account_id}:{one.external_id}" for one in page.items]
    close_conflicts(tx, "poison_record", readable)


def _match(tx: Transaction, account_id: int, create: bool) -> dict[str, int]:
    open_listings = listings.unlinked(tx, account_id)
    found = listings.matches(tx, open_listings)
    made = {}
    if create:
        made = listings.create_products(tx, [one for one in open_listings if one.id not in found])
    linked = listings.link(tx, account_id, {**found, **made})
    left = [one for one in open_listings if one.id not in found and one.id not in made]
    report_unmapped(tx, account_id, left)
    return {"linked": linked, "created": len(made), "unmatched": len(left)}
