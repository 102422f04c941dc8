"""Real-time developer notifications, pushed by Pub/Sub: are they ours, and what changed. Pure.

https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions and
https://developer.android.com/google/play/billing/rtdn-reference. The token says who sent it, not
what: it covers no body. A notification is a hint in any case, and what it names is read again.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors import jws
from connectors.errors import KeyMissing, SignatureError
from connectors.google_play import tokens
from connectors.records import Hint, HintKind, Verified, WebhookRequest
from connectors.signing import apart, same

AUDIENCE = "push_audience"
EMAIL = "push_email"
KEYS = "google_keys"
PACKAGE = "package_name"

ISSUERS = ("https://accounts.google.com", "accounts.google.com")
CLOCKS_DIFFER = timedelta(minutes=5)

#: What every order id begins with; anything else that names an order is a purchase token.
ORDER_ID = "GPA."
#: Before the purchase token of a subscription, which is read elsewhere than a product's.
SUBSCRIPTION = "subscription:"

ONE_TIME = "oneTimeProductNotification"
SUBSCRIBED = "subscriptionNotification"
VOIDED = "voidedPurchaseNotification"
REVIEW = "pendingRefundReviewNotification"
TEST = "testNotification"
TOPICS = (ONE_TIME, SUBSCRIBED, VOIDED, REVIEW, TEST)


def verify(
    request: WebhookRequest, secrets: Mapping[str, Sequence[str]], now: datetime
) -> Verified:
    """KeyMissing only for a token that names our audience and sender: a stranger who knows neither
    cannot make us fetch keys."""
    token = _token(request.headers)
    _check_claims(token.claims, secrets, now)
    key = jws.key_set(secrets.get(KEYS, ())).get(token.key_id)
    if key is None:
        raise KeyMissing(token.key_id)
    if not tokens.signed_by(token, key):
        raise SignatureError("the push's token is not signed by Google", code="signature_wrong")
    return _opened(request.body, secrets.get(PACKAGE, ()))


def hint(topic: str, told: Mapping[str, Any]) -> Hint:
    """``told`` is what the notification holds under its topic."""
    order, token = _words(told, "orderId"), _words(told, "purchaseToken")
    if topic == ONE_TIME:
        key = token
    elif topic == SUBSCRIBED:
        key = f"{SUBSCRIPTION}{token}" if token else ""
    elif topic in (VOIDED, REVIEW):
        key = order or token
    else:
        key = ""
    return Hint(HintKind.ORDER, key) if key else Hint(HintKind.NOTHING)


def _token(headers: Mapping[str, str]) -> tokens.Token:
    scheme, _, text = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text:
        raise SignatureError("the push carries no token", code="signature_missing")
    try:
        return tokens.read(text.strip())
    except jws.Malformed as error:
        raise SignatureError(f"the push's token {error}", code="signature_wrong") from None


def _check_claims(
    claims: Mapping[str, Any], secrets: Mapping[str, Sequence[str]], now: datetime
) -> None:
    if claims.get("iss") not in ISSUERS:
        raise SignatureError("the push's token is not Google's", code="issuer_wrong")
    if not _is_one_of(claims.get("aud"), secrets.get(AUDIENCE, ())):
        raise SignatureError("the push is for another audience", code="audience_wrong")
    sender = _is_one_of(claims.get("email"), secrets.get(EMAIL, ()))
    if not sender or claims.get("email_verified") is not True:
        raise SignatureError("the push is from another account", code="sender_wrong")
    issued, expires = _moment(claims.get("iat")), _moment(claims.get("exp"))
    if expires <= now - CLOCKS_DIFFER or issued > now + CLOCKS_DIFFER:
        said = f"the push's token is not valid now: {apart(issued, now)}"
        raise SignatureError(said, code="time_wrong")


def _is_one_of(claim: object, wanted: Sequence[str]) -> bool:
    """An empty wish is met by nobody."""
    return isinstance(claim, str) and any(one and same(claim, one) for one in wanted)


def _moment(claim: object) -> datetime:
    if not isinstance(claim, int) or isinstance(claim, bool) or not 0 < claim < 10**11:
        raise SignatureError("the push's token does not say when", code="time_wrong")
    return datetime.fromtimestamp(claim, UTC)


def _opened(body: bytes, packages: Sequence[str]) -> Verified:
    """From here on the sender is Google: what we cannot read is no forgery, only nothing to us."""
    message = _object(_parsed(body).get("message"))
    event_id = _words(message, "messageId") or _words(message, "message_id")
    if not event_id:
        raise SignatureError("the push carries no message id", code="id_missing")
    told = _data(_words(message, "data"))
    topic = next((name for name in TOPICS if isinstance(told.get(name), dict)), "")
    ours = not packages or told.get("packageName") in packages
    found = hint(topic, told[topic]) if topic and ours else Hint(HintKind.NOTHING)
    return Verified(event_id, topic, (found,), _time(_words(message, "publishTime")))


def _data(text: str) -> Mapping[str, Any]:
    try:
        return _parsed(b64decode(text, validate=True))
    except ValueError:
        return {}


def _parsed(raw: bytes) -> Mapping[str, Any]:
    try:
        return _object(json.loads(raw))
    except (ValueError, RecursionError):
        return {}


def _object(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else {}


def _words(found: Mapping[str, Any], name: str) -> str:
    """Of a length and kind that can be stored and asked for."""
    value = found.get(name)
    fits = isinstance(value, str) and len(value) <= 2000 and value.isprintable()
    return str(value) if fits and str(value).isascii() else ""


def _time(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None
