"""Orders cancelled at Shopify, whole ones only. Shopify does it in a job of its own."""

from __future__ import annotations

from connectors.errors import ProtocolError, RejectedError, TransientError, UnknownOutcome
from connectors.fields import Unreadable
from connectors.postsale import Cancellation
from connectors.shopify import answers
from connectors.shopify.client import Client
from connectors.shopify.nodes import Node
from connectors.shopify.postsale_queries import CANCEL, CANCELLED, JOB

#: Words of a reason → OrderCancelReason; the first that is found counts.
REASONS = {
    "fraud": "FRAUD",
    "declined": "DECLINED",
    "payment": "DECLINED",
    "stock": "INVENTORY",
    "inventory": "INVENTORY",
    "sold out": "INVENTORY",
    "staff": "STAFF",
    "mistake": "STAFF",
    "error": "STAFF",
    "customer": "CUSTOMER",
    "buyer": "CUSTOMER",
}
LONGEST_NOTE = 255
#: How often a job is looked at before the hub is asked to come again.
LOOKS = 3
AGAIN_IN = 5.0


def reason(text: str) -> str:
    low = text.lower()
    return next((theirs for word, theirs in REASONS.items() if word in low), "OTHER")


def note(given: Cancellation) -> str:
    """For the shop's staff: why, and our key."""
    key = f"[{given.cancel_key}]"
    return f"{given.reason[: LONGEST_NOTE - len(key) - 1]} {key}".strip()[:LONGEST_NOTE]


def cancel(client: Client, given: Cancellation, *, notify: bool) -> None:
    if given.lines:
        raise RejectedError(
            "Shopify cancels whole orders only", code="whole_orders_only", field="lines"
        )
    if _is_cancelled(client, given.order_key):
        return
    variables = {
        "id": given.order_key,
        "reason": reason(given.reason),
        "note": note(given),
        "notify": notify,
    }
    answer = answers.payload(client.run(CANCEL, variables), "orderCancel")
    for refusal in answers.refusals(answer, "orderCancelUserErrors"):
        if refusal.code == "INTERNAL_ERROR":
            raise UnknownOutcome(refusal.message, code=refusal.code)
        if not _is_cancelled(client, given.order_key):  # somebody may have been quicker
            raise refusal
        return
    _await(client, answer, given.order_key)


def _await(client: Client, answer: Node, order_key: str) -> None:
    """See the order cancelled. A job that goes on is looked at again when the hub comes again."""
    job = answer.optional("job")
    for _ in range(LOOKS):
        if _is_cancelled(client, order_key):
            return
        if job is None or _is_done(client, job):
            break
    if not _is_cancelled(client, order_key):
        raise TransientError(
            "Shopify is still cancelling the order", code="cancelling", retry_after=AGAIN_IN
        )


def _is_cancelled(client: Client, order_key: str) -> bool:
    data = client.run(CANCELLED, {"id": order_key})
    if data.get("order") is None:
        raise RejectedError("Shopify has no such order", code="NOT_FOUND", field="order")
    try:
        return Node(data).part("order").has("cancelledAt")
    except Unreadable as error:
        raise ProtocolError(f"the order cannot be read: {error}", code="bad_record") from error


def _is_done(client: Client, job: Node) -> bool:
    try:
        if job.truth("done"):
            return True
        found = Node(client.run(JOB, {"id": job.text("id")})).optional("job")
        return found is None or found.truth("done")
    except Unreadable as error:
        raise UnknownOutcome(f"the job cannot be read: {error}") from error
