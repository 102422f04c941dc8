"""Webhooks that a channel has dropped: found within the hour, and asked for again.

A channel may end a subscription without a word, after answers it did not like. Orders are found by
the pull meanwhile; what is asked of the channel stands in the account's requests.
"""

from __future__ import annotations

from connectors.base import Capability
from connectors.errors import ConnectorError
from hub.channels import flows, requests
from hub.db import Transaction
from hub.logs import logger
from sync import pull
from sync.carrier import AtWork, Carrier
from sync.keeping import FLOW, LEASE
from sync.requests import webhook_url

log = logger(__name__)


def keep(carrier: Carrier, seller_id: int, account_id: int) -> list[str]:
    """Hold the channel's subscriptions against those it once took; answers the topics missing."""
    database = carrier.database
    lease = database.command(
        seller_id, lambda tx: flows.claim(tx, account_id, flows.SUBSCRIPTIONS, LEASE)
    )
    if lease is None:
        return []
    work = carrier.at_work(seller_id, account_id)
    try:
        with carrier.keeper.holding(seller_id, FLOW, lease):
            missing = _missing(carrier, seller_id, work)
    except ConnectorError as error:
        pull.failed(carrier, seller_id, lease, error)
        return []

    def ask(tx: Transaction) -> None:
        if missing:
            requests.ask_seldom(tx, account_id, "subscribe", every=0.0)
            flows.make_due(tx, flows.PULL, [account_id])
        flows.release(tx, lease, next_in=None)  # the next pull says when

    database.command(seller_id, ask)
    if missing:
        log.warning("webhooks are subscribed anew", account=account_id, topics=missing)
    return missing


def _missing(carrier: Carrier, seller_id: int, work: AtWork) -> list[str]:
    """Topics that reached us once and do so no more; none where nobody ever subscribed."""
    if work.account.mode in {"paused", "closed"} or not work.channel.can(Capability.SUBSCRIBE):
        return []
    with carrier.database.transaction(seller_id) as tx:
        once = requests.last_done(tx, work.account.id, "subscribe")
    if once is None:
        return []
    url = webhook_url(carrier, work)
    present = {one.topic for one in work.connector.subscriptions() if one.url == url}
    return sorted(set(once["topics"]) - present)
