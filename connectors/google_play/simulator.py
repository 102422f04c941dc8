"""Google on localhost: the token endpoint, the publisher API, and Pub/Sub with signed pushes.

The shop's stock is on or off, and its orders have Google's ids. Pushes are repeated until they are
taken in; their tokens are signed with a key of the simulator's own, which it publishes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import uuid4
from wsgiref.types import WSGIApplication

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from flask import Flask, Response, request

from connectors import jws
from connectors.google_play import access, tokens
from connectors.google_play import storefront as words
from connectors.google_play.office import Office, Refused
from connectors.google_play.webhooks import AUDIENCE, EMAIL, ISSUERS, PACKAGE, TEST
from connectors.simulators.faults import Fault
from connectors.simulators.server import Simulator, json_response
from connectors.simulators.shop import Event
from connectors.simulators.webhooks import Deliveries, Post

APP = "/androidpublisher/v3/applications/<package>"
SUBSCRIPTION = "/v1/projects/<project>/subscriptions/<name>"
LASTS = timedelta(hours=1)
#: The keys of pushes have the numbers after it.
ACCOUNT_KEY = 0
Act = Callable[[], Any]


class Pushes(Deliveries):
    """Pub/Sub does not give up a subscription, and repeats until a push is taken in."""

    def _failed(self, post: Post) -> None:
        wait = self.backoff[min(post.attempt, len(self.backoff)) - 1]
        self._queue(replace(post, attempt=post.attempt + 1), wait)


class GooglePlaySimulator(Simulator):
    """One app, its products and buyers. ``rotate_secret`` signs pushes with a new key from now on
    and publishes that one alone."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.shop.counted = False
        self.shop.order_key = self.shop.order_number = words.order_key
        self.package = "com.example.rehearsal"
        self.project = f"rehearsal-{uuid4().hex[:12]}"
        self.topic = f"projects/{self.project}/topics/play"
        self.audience = f"https://hub.example/{uuid4().hex}"
        self.office = Office(self.shop, self.package)
        self.subscriptions: dict[str, dict[str, Any]] = {}
        self.webhooks = Pushes(self.faults, backoff=self.webhooks.backoff)
        self._pushers = ACCOUNT_KEY
        self._push_key_id = ""
        self.rotate_secret()
        self._granted: dict[str, tuple[str, datetime]] = {}

    def credentials(self) -> dict[str, str]:
        return {
            PACKAGE: self.package,
            "service_account": json.dumps(self._key_file()),
            AUDIENCE: self.audience,
            EMAIL: f"push@{self.project}.iam.gserviceaccount.com",
        }

    def settings(self) -> dict[str, str]:
        return {"currency": self.shop.currency, "topic": self.topic}

    def rotate_secret(self) -> str:
        self._pushers += 1
        self._push_key_id = uuid4().hex
        _key(self._pushers)  # made here, since no caller waits as long as that takes
        return self._push_key_id

    def drop_subscription(self, subscription: str) -> None:
        self.subscriptions.pop(subscription, None)

    def app(self) -> WSGIApplication:
        app = Flask("google_play")
        for path, method, view in (
            ("/token", "POST", self._token),
            ("/oauth2/v3/certs", "GET", self._certificates),
            (f"{APP}/oneTimeProducts", "GET", self._products),
            (f"{APP}/oneTimeProducts:batchGet", "GET", self._products_by_id),
            (f"{APP}/oneTimeProducts/<product>/purchaseOptions:batchUpdateStates", "POST",
             self._switch),
            (f"{APP}/orders:batchGet", "GET", self._orders),
            (f"{APP}/orders/<order_id>", "GET", self._order),
            (f"{APP}/purchases/productsv2/tokens/<token>", "GET", self._purchase),
            (f"{APP}/purchases/products/<product>/tokens/<token>:acknowledge", "POST",
             self._acknowledge),
            (f"{APP}/purchases/voidedpurchases", "GET", self._voided),
            ("/v1/projects/<project>/topics/<topic>/subscriptions", "GET", self._topic),
            (SUBSCRIPTION, "GET", self._subscription),
            (SUBSCRIPTION, "PUT", self._subscribe),
            (f"{SUBSCRIPTION}:modifyPushConfig", "POST", self._modify),
        ):  # fmt: skip
            app.add_url_rule(path, f"{method} {path}", view, methods=[method])
        return app

    def throttled(self) -> Response:
        """The older form, which looks like a lack of rights."""
        reason = {"domain": "usageLimits", "reason": "rateLimitExceeded"}
        return self._error(403, "PERMISSION_DENIED", errors=[reason])

    # -- access --------------------------------------------------------------------------------

    def _token(self) -> Response:
        given = request.form.to_dict()

        def act() -> Response:
            scope = self._scope(given)
            if not scope:
                return json_response({"error": "invalid_grant"}, 400)
            token = f"ya29.{uuid4().hex}"
            self._granted[token] = (scope, self.now() + LASTS)
            told = {"access_token": token, "token_type": "Bearer", "expires_in": 3599}
            return json_response(told, headers=self._headers())

        return self.answer("Token", act)

    def _scope(self, given: Mapping[str, str]) -> str:
        """What an assertion asks for, "" where it opens nothing."""
        try:
            token = tokens.read(given.get("assertion", ""))
            claims = token.claims
            begins, ends = int(claims["iat"]), int(claims["exp"])
        except (jws.Malformed, KeyError, TypeError, ValueError):
            return ""
        now = self.now().timestamp()
        good = (
            given.get("grant_type") == access.GRANT
            and token.key_id == self._key_file()["private_key_id"]
            and tokens.signed_by(token, _key(ACCOUNT_KEY).public_key())
            and claims.get("iss") == self._key_file()["client_email"]
            and claims.get("aud") == access.AUDIENCE
            and begins <= now + 300
            and now < ends <= begins + LASTS.total_seconds()
        )
        return str(claims.get("scope", "")) if good else ""

    def _certificates(self) -> Response:
        key = jws.published(_key(self._pushers).public_key(), self._push_key_id)
        return self.answer("Keys", lambda: json_response({"keys": [key]}, headers=self._headers()))

    def _opened(self, where: str, act: Act, *, scope: str = access.SCOPE, **how: Any) -> Response:
        """Answer a call that carries an access token of that scope."""
        _, _, token = request.headers.get("Authorization", "").partition(" ")
        held, until = self._granted.get(token, ("", self.now()))
        if until <= self.now() or not held:
            return self._error(401, "UNAUTHENTICATED")
        if scope not in held.split():
            return self._error(403, "PERMISSION_DENIED")
        if (request.view_args or {}).get("package", self.package) != self.package:
            return self._error(403, "PERMISSION_DENIED")
        return self.answer(where, lambda: self._run(act), **how)

    def _run(self, act: Act) -> Response:
        try:
            found = act()
        except Refused as refused:
            return self._error(refused.status, refused.word)
        if found is None:
            return Response("", 204, self._headers())
        return json_response(found, headers=self._headers())

    def _error(self, status: int, word: str, **more: Any) -> Response:
        error = {"code": status, "message": f"Refused: {word}", "status": word, **more}
        return json_response({"error": error}, status, self._headers())

    def _headers(self) -> dict[str, str]:
        return {"Date": self.now().strftime("%a, %d %b %Y %H:%M:%S GMT")}

    # -- the publisher API ---------------------------------------------------------------------

    def _products(self, package: str) -> Response:
        size, token = request.args.get("pageSize", 0, int), request.args.get("pageToken", "")
        misread = self._misread(token, lambda: self.office.products(size, ""))
        return self._opened("Products", lambda: self.office.products(size, token), misread=misread)

    def _products_by_id(self, package: str) -> Response:
        ids = request.args.getlist("productIds")
        return self._opened("ProductsById", lambda: self.office.products_by_id(ids))

    def _switch(self, package: str, product: str) -> Response:
        given = request.get_json()["requests"]
        act = lambda: self.office.switch(product, given)  # noqa: E731
        return self._opened("push_stock", act, write=True)

    def _orders(self, package: str) -> Response:
        ids = request.args.getlist("orderIds")
        return self._opened("Orders", lambda: self.office.orders(ids))

    def _order(self, package: str, order_id: str) -> Response:
        return self._opened("Order", lambda: self.office.order(order_id))

    def _purchase(self, package: str, token: str) -> Response:
        return self._opened("Purchase", lambda: self.office.purchase(token))

    def _acknowledge(self, package: str, product: str, token: str) -> Response:
        act = lambda: self.office.acknowledge(product, token)  # noqa: E731
        return self._opened("Acknowledge", act, write=True)

    def _voided(self, package: str) -> Response:
        size, token = request.args.get("maxResults", 0, int), request.args.get("token", "")
        told = request.args.get("startTime", 0, int)
        start = datetime.fromtimestamp(told / 1000, UTC)
        misread = self._misread(token, lambda: self.office.voided(start, size, ""))
        act = lambda: self.office.voided(start, size, token)  # noqa: E731
        return self._opened("Voided", act, misread=misread)

    def _misread(self, token: str, first: Act) -> dict[Fault, Callable[[], Response]]:
        found: dict[Fault, Callable[[], Response]] = {Fault.PAGE_REPEATED: lambda: self._run(first)}
        if token:
            found[Fault.CURSOR_EXPIRED] = lambda: self._error(400, "INVALID_ARGUMENT")
        return found

    # -- Pub/Sub -------------------------------------------------------------------------------

    def _topic(self, project: str, topic: str) -> Response:
        def act() -> dict[str, Any]:
            if f"projects/{project}/topics/{topic}" != self.topic:
                raise Refused(404, "NOT_FOUND")
            return {"subscriptions": list(self.subscriptions)} if self.subscriptions else {}

        return self._opened("Topic", act, scope=access.PUSH_SCOPE)

    def _subscription(self, project: str, name: str) -> Response:
        act = lambda: self._there(project, name)  # noqa: E731
        return self._opened("Subscription", act, scope=access.PUSH_SCOPE)

    def _subscribe(self, project: str, name: str) -> Response:
        given, key = request.get_json(), f"projects/{project}/subscriptions/{name}"

        def act() -> dict[str, Any]:
            if given.get("topic") != self.topic:
                raise Refused(404, "NOT_FOUND")
            if key in self.subscriptions:
                raise Refused(409, "ALREADY_EXISTS")
            made = {"ackDeadlineSeconds": 10, **given, "name": key, "state": "ACTIVE"}
            self.subscriptions[key] = made
            return made

        return self._opened("Subscribe", act, scope=access.PUSH_SCOPE, write=True)

    def _modify(self, project: str, name: str) -> Response:
        given = request.get_json()

        def act() -> dict[str, Any]:
            self._there(project, name)["pushConfig"] = given["pushConfig"]
            return {}

        return self._opened("Modify", act, scope=access.PUSH_SCOPE, write=True)

    def _there(self, project: str, name: str) -> dict[str, Any]:
        found = self.subscriptions.get(f"projects/{project}/subscriptions/{name}")
        if found is None:
            raise Refused(404, "NOT_FOUND")
        return found

    # -- pushes --------------------------------------------------------------------------------

    def on_event(self, event: Event) -> None:
        told = words.notification(event)
        if told is not None:
            self._publish(*told)

    def send_test(self) -> None:
        """As the button in the Play Console does."""
        self._publish(TEST, {"version": "1.0"})

    def _publish(self, topic: str, told: Mapping[str, Any]) -> None:
        key = str(uuid4().int % 10**16)
        body = words.message(topic, told, self.package, key, self.now())
        for name, subscription in list(self.subscriptions.items()):
            push = subscription["pushConfig"]
            post = Post(name, topic, push["pushEndpoint"], self._signed(push, self._pushers), body)
            self.webhooks.send(post, self._signed(push, ACCOUNT_KEY))

    def _signed(self, push: Mapping[str, Any], key: int) -> dict[str, str]:
        """Google's own clock, whatever the shop's says."""
        now = int(datetime.now(UTC).timestamp())
        claims = {
            "iss": ISSUERS[0],
            "aud": push["oidcToken"]["audience"],
            "azp": "1",
            "sub": "1",
            "email": push["oidcToken"]["serviceAccountEmail"],
            "email_verified": True,
            "iat": now,
            "exp": now + int(LASTS.total_seconds()),
        }
        token = tokens.write(claims, _key(key), self._push_key_id)
        return {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}

    def _key_file(self) -> dict[str, str]:
        return {
            "type": "service_account",
            "project_id": self.project,
            "private_key_id": f"key-{self.project}",
            "private_key": _pem(),
            "client_email": f"hub@{self.project}.iam.gserviceaccount.com",
            "token_uri": access.AUDIENCE,
        }


@cache
def _key(number: int) -> RSAPrivateKey:
    """Keys take long to make: the shops of one process share them, under names of their own."""
    return generate_private_key(public_exponent=65537, key_size=2048)


@cache
def _pem() -> str:
    kind = PrivateFormat.PKCS8
    return _key(ACCOUNT_KEY).private_bytes(Encoding.PEM, kind, NoEncryption()).decode()
