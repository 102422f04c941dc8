"""Answering what people ask of a channel from the API or the command line."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import sleep
from typing import Any

from connectors.base import Capability, Unsupported
from connectors.errors import ConnectorError, TransientError
from connectors.records import ListingRef
from hub import failpoints
from hub.channels import accounts, flows, listings, requests
from hub.channels.requests import Request
from hub.db import Transaction
from hub.errors import HubError
from hub.secrets import Secret
from sync import catalogue, pull
from sync.carrier import AtWork, Carrier
from sync.keeping import FLOW, LEASE
from sync.retry import react

#: Keys that a channel publishes and rotates are fetched this often (seconds) though none is missed.
KEYS_ROUND = 86_400.0
#: How often a channel that was asked too fast is asked, where it wants at most so many seconds.
TRIES, MOMENT = 6, 2.0
Answer = dict[str, Any]


def answer_all(carrier: Carrier, seller_id: int, account_id: int) -> int:
    """Answer an account's waiting requests in their order; answers how many."""
    database = carrier.database
    lease = database.command(
        seller_id, lambda tx: flows.claim(tx, account_id, flows.REQUEST, LEASE)
    )
    if lease is None:
        return 0
    publishes = _publishes_keys(carrier, seller_id, account_id)
    asked = database.command(seller_id, lambda tx: _waiting(tx, account_id, publishes=publishes))
    with carrier.keeper.holding(seller_id, FLOW, lease):
        for one in asked:
            failpoints.reached("request.claimed")
            ok, said = _answer(carrier, seller_id, one)
            failpoints.reached("request.answered")
            record = partial(requests.answer, number=one.id, ok=ok, said=said)
            database.command(seller_id, record)
            failpoints.reached("request.recorded")
    next_in = KEYS_ROUND if publishes else None
    database.command(seller_id, lambda tx: flows.release(tx, lease, next_in=next_in))
    return len(asked)


def _publishes_keys(carrier: Carrier, seller_id: int, account_id: int) -> bool:
    with carrier.database.transaction(seller_id) as tx:
        name = accounts.get(tx, account_id).channel
    return carrier.declaration(name).can(Capability.WEBHOOK_KEYS)


def _waiting(tx: Transaction, account_id: int, *, publishes: bool) -> list[Request]:
    """What is asked; once a day, the first time included, the keys a channel rotates with it."""
    if publishes and flows.first_in(tx, account_id, flows.REQUEST, KEYS_ROUND):
        requests.ask_seldom(tx, account_id, "webhook_keys", every=0.0)
    return requests.waiting(tx, account_id)


def _answer(carrier: Carrier, seller_id: int, one: Request) -> tuple[bool, Answer]:
    try:
        return True, _patiently(partial(_HANDLERS[one.kind], carrier, seller_id, one))
    except ConnectorError as error:
        return False, {"error": react(error, 1).error, "code": error.code}
    except Unsupported as error:
        return False, {"error": f"the channel has no {error}", "code": "unsupported"}
    except HubError as error:
        return False, {"error": error.message, "code": error.code}


def _patiently(ask: Callable[[], Answer]) -> Answer:
    """A person waits for the answer: a channel that wants a moment's peace is given it."""
    for _ in range(TRIES - 1):
        try:
            return ask()
        except TransientError as error:
            if not error.throttled or error.retry_after is None or error.retry_after > MOMENT:
                raise
            sleep(error.retry_after)
    return ask()


def _test(carrier: Carrier, seller_id: int, one: Request) -> Answer:
    shop = carrier.at_work(seller_id, one.account_id).connector.check()

    def learn(tx: Transaction) -> None:
        accounts.identify(tx, one.account_id, shop.external_id, shop.currency)

    carrier.database.command(seller_id, learn)
    return {
        "shop": shop.name,
        "external_id": shop.external_id,
        "currency": shop.currency,
        "locations": [place.name for place in shop.locations],
    }


def _listings(carrier: Carrier, seller_id: int, one: Request) -> Answer:
    create = bool(one.argument.get("create", False))
    counts = catalogue.read_catalogue(carrier, seller_id, one.account_id, create=create)
    if counts is None:
        return {"busy": True}
    return dict(counts)


def _orders(carrier: Carrier, seller_id: int, one: Request) -> Answer:
    return {"pulled": pull.pull(carrier, seller_id, one.account_id)}


def _refetch(carrier: Carrier, seller_id: int, one: Request) -> Answer:
    work = carrier.at_work(seller_id, one.account_id)
    keys = [str(key) for key in one.argument.get("orders", [])][: work.channel.orders.fetch]
    page = work.connector.fetch_orders(keys)
    taken = pull.save_page(carrier, seller_id, work, None, page)
    return {"new": taken.new, "changed": taken.changed, "quarantined": taken.quarantined}


def _read_stock(carrier: Carrier, seller_id: int, one: Request) -> Answer:
    work = carrier.at_work(seller_id, one.account_id)
    keys = {str(key) for key in one.argument.get("listings", [])}
    with carrier.database.transaction(seller_id) as tx:
        handles = listings.handles(tx, one.account_id, sorted(keys))
    read = work.connector.read_stock([ListingRef(key, found) for key, found in handles.items()])
    return {"quantities": {stock.key: stock.quantity for stock in read}}


def _subscribe(carrier: Carrier, seller_id: int, one: Request) -> Answer:
    work = carrier.at_work(seller_id, one.account_id)
    made = work.connector.subscribe(webhook_url(carrier, work))
    return {"topics": [one.topic for one in made]}


def webhook_url(carrier: Carrier, work: AtWork) -> str:
    """Where the account's channel sends what has changed."""
    return f"{carrier.settings.public_url}/webhooks/{work.account.webhook_path}"


def _webhook_keys(carrier: Carrier, seller_id: int, one: Request) -> Answer:
    """Store the keys beside the account's other credentials; answers their fields only."""
    work = carrier.at_work(seller_id, one.account_id)
    verified_by = work.channel.webhooks.secrets if work.channel.webhooks else ()
    found = work.connector.webhook_keys()
    fresh = {name: Secret(found[name]) for name in sorted(found) if name in verified_by}

    def store(tx: Transaction) -> None:
        accounts.renew_credentials(tx, carrier.keyring, one.account_id, fresh)

    carrier.database.command(seller_id, store)
    return {"fields": list(fresh)}


_HANDLERS: dict[str, Callable[[Carrier, int, Request], Answer]] = {
    "test": _test,
    "listings": _listings,
    "orders": _orders,
    "refetch": _refetch,
    "read_stock": _read_stock,
    "subscribe": _subscribe,
    "webhook_keys": _webhook_keys,
}
