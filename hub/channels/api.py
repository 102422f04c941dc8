"""Channels, accounts and requests over HTTP."""

from __future__ import annotations

from typing import Any

from flask import request
from flask.views import MethodView

from hub.api.blueprints import PUBLIC, Blueprint, needs
from hub.api.edge import (
    command,
    expected_version,
    installation,
    need,
    note,
    reading,
    tag,
)
from hub.api.fields import PageQuery
from hub.channels import (
    accounts,
    connecting,
    outbox,
    requests,
    resending,
    resuming,
    vitals,
)
from hub.channels.accounts import Account
from hub.channels.schemas import (
    AccountDetail,
    AccountPage,
    ChannelsAnswer,
    CredentialsBody,
    ModeBody,
    NewAccountBody,
    OutboxPage,
    OutboxQuery,
    RequestAnswer,
    RequestBody,
)
from hub.db import Transaction
from hub.errors import NotFound, StaleVersion
from hub.paging import LARGEST_ID, Page, after_id, page

channels = Blueprint(
    "channels",
    __name__,
    role="viewer",
    url_prefix="/api/v1",
    description="Channels there are, accounts connected to them, and what is asked of them",
)
webhooks = Blueprint(
    "webhooks",
    __name__,
    role=PUBLIC,
    url_prefix="/webhooks",
    description="Where channels tell what has changed. Signed by the channel, no token",
)


def detail(tx: Transaction, one: Account) -> dict[str, Any]:
    """What is told of an account; its credentials never are."""
    here = installation()
    told = here.settings.public_url or request.host_url.rstrip("/")
    fares = vitals.vitals(tx, one.id, one.name, here.channels.get(one.channel))
    return {
        **summary(one, vitals.healths(tx)),
        "settings": one.settings,
        "base_url": one.base_url,
        "webhook_url": f"{told}/webhooks/{one.webhook_path}",
        "flows": vitals.states(tx, one.id),
        "reaches_in": fares.reaches,
        "heard": fares.heard,
        "clock": fares.clock,
        "notes": fares.notes,
    }


def summary(one: Account, healths: dict[int, str]) -> dict[str, Any]:
    return {
        **accounts.describe(one),
        "external_id": one.external_id,
        "currency": one.currency,
        "connected_at": one.connected_at,
        "version": one.version,
        "health": healths.get(one.id, "healthy"),
    }


@channels.route("/channels")
class Channels(MethodView):
    @channels.answers(200, ChannelsAnswer)
    def get(self) -> Any:
        """The channels that can be connected, and what each needs and can do"""
        return {"items": list(installation().channels.values())}


@channels.route("/accounts")
class Accounts(MethodView):
    @channels.query(PageQuery)
    @channels.answers(200, AccountPage)
    def get(self, query: dict[str, Any]) -> Any:
        """The connected accounts"""
        with reading() as tx:
            found = accounts.accounts(tx, after_id(query["after"], "accounts"), query["limit"] + 1)
            healths = vitals.healths(tx)
        shown = page(found, query["limit"], "accounts", lambda one: one.id)
        return Page([summary(one, healths) for one in shown.items], shown.next)

    @needs("owner")
    @channels.takes(NewAccountBody)
    @channels.answers(201, AccountDetail)
    def post(self, body: dict[str, Any]) -> Any:
        """Connect an account

        It starts in shadow: the hub reads from it and writes nothing to it until an owner turns
        it live. A connection test and a reading of its listings are asked for at once.
        """
        here = installation()
        channel = connecting.declared(here.channels, body["channel"])
        new = connecting.new_account(
            channel,
            body["name"],
            body["credentials"],
            body["settings"],
            body["base_url"],
            here.settings.loopback,
        )

        def connect(tx: Transaction) -> tuple[dict[str, Any], dict[str, str]]:
            number = accounts.connect(tx, here.keyring, new)
            requests.ask(tx, number, "test")
            requests.ask(tx, number, "listings")
            made = accounts.get(tx, number)
            note(tx, "account.connect", f"account:{number}", after=accounts.describe(made))
            where = {"Location": f"/api/v1/accounts/{number}"}
            return detail(tx, made), {**tag(made.version), **where}

        told, headers = command(connect)
        return told, 201, headers


@channels.route("/accounts/<row:account_id>")
class OneAccount(MethodView):
    @channels.answers(200, AccountDetail)
    def get(self, account_id: int) -> Any:
        """One account: how each of its flows fares, when it is tried next, its webhook address"""
        with reading() as tx:
            one = accounts.get(tx, account_id)
            return detail(tx, one), 200, tag(one.version)

    @needs("support")
    @channels.updates()
    @channels.takes(ModeBody)
    @channels.answers(200, AccountDetail)
    def patch(self, body: dict[str, Any], account_id: int) -> Any:
        """Turn an account live (owner), pause it, or back to shadow"""
        if body["mode"] == accounts.LIVE:
            need("owner")
        version = expected_version()

        def change(tx: Transaction) -> tuple[dict[str, Any], dict[str, str]]:
            before = accounts.describe(accounts.get(tx, account_id))
            now = accounts.set_mode(tx, account_id, body["mode"], expected_version=version)
            after = accounts.describe(now)
            if after != before:
                note(tx, "account.mode", f"account:{account_id}", before, after)
            return detail(tx, now), tag(now.version)

        told, headers = command(change)
        return told, 200, headers


@channels.route("/accounts/<row:account_id>/credentials")
class Credentials(MethodView):
    @needs("owner")
    @channels.updates()
    @channels.takes(CredentialsBody)
    @channels.answers(200, AccountDetail)
    def put(self, body: dict[str, Any], account_id: int) -> Any:
        """Authorise an account anew

        Fields that are not given stay as they are. A webhook secret that changes goes on being
        accepted beside the new one. A connection test is asked for at once.
        """
        version = expected_version()
        here = installation()

        def renew(tx: Transaction) -> tuple[dict[str, Any], dict[str, str]]:
            one = accounts.get(tx, account_id)
            if one.version != version:
                raise StaleVersion(f"account {account_id} has version {one.version}")
            channel = connecting.declared(here.channels, one.channel)
            present = accounts.locked_credentials(tx, here.keyring, account_id)
            fresh = connecting.renewed(channel, present, body["credentials"])
            accounts.store_credentials(tx, here.keyring, account_id, fresh)
            resending.push_now(tx, account_id)
            resuming.reset(tx, account_id)
            requests.ask(tx, account_id, "test")
            given = {"fields": sorted(body["credentials"])}
            note(tx, "account.authorise", f"account:{account_id}", after=given)
            return detail(tx, one), tag(one.version)

        told, headers = command(renew)
        return told, 200, headers


@channels.route("/accounts/<row:account_id>/requests")
class Requests(MethodView):
    @needs("support")
    @channels.takes(RequestBody)
    @channels.answers(202, RequestAnswer)
    def post(self, body: dict[str, Any], account_id: int) -> Any:
        """Ask something of the channel: a worker does it, and answers in the request"""

        def ask(tx: Transaction) -> requests.Request:
            one = accounts.get(tx, account_id)
            channel = connecting.declared(installation().channels, one.channel)
            connecting.check_request(channel, body["kind"])
            number = requests.ask(tx, account_id, body["kind"], body["argument"])
            asked = {"kind": body["kind"], "request": number}
            note(tx, "account.request", f"account:{account_id}", after=asked)
            return requests.get(tx, number)

        made = command(ask)
        return made, 202, {"Location": f"/api/v1/requests/{made.id}"}


@channels.route("/accounts/<row:account_id>/outbox")
class Outbox(MethodView):
    @channels.query(OutboxQuery)
    @channels.answers(200, OutboxPage)
    def get(self, query: dict[str, Any], account_id: int) -> Any:
        """What the channel is still to be told of its sales, and what it was told, newest first"""
        with reading() as tx:
            accounts.get(tx, account_id)
            found = outbox.of_account(
                tx,
                account_id,
                before=after_id(query["after"], "outbox", first=LARGEST_ID),
                limit=query["limit"] + 1,
                state=query["state"],
            )
        return page(found, query["limit"], "outbox", lambda one: one.id)


@channels.route("/requests/<row:request_id>")
class OneRequest(MethodView):
    @channels.answers(200, RequestAnswer)
    def get(self, request_id: int) -> Any:
        """A request and, once a worker has got to it, its answer"""
        with reading() as tx:
            return requests.get(tx, request_id)


@webhooks.route("/<string:path>")
class WebhookDoor(MethodView):
    """Told of here. :mod:`hub.channels.entrance` has answered before Flask is asked."""

    @webhooks.answers(200, content_type="text/plain", description="What the channel wants to hear")
    def get(self, path: str) -> Any:
        """A channel's handshake"""
        raise NotFound("no such path")

    @webhooks.answers(200, content_type="text/plain", description="What the channel wants to hear")
    @webhooks.may_answer(401, "UNAUTHORIZED")
    def post(self, path: str) -> Any:
        """An event. Its signature is checked, it is stored once, and worked off later"""
        raise NotFound("no such path")
