"""What an answer of WooCommerce means, refusals above all: ``{code, message, data}``. Pure.

``data`` is an object with the status, or the bare status; messages hold HTML entities. A refund
that is refused for good comes as a 500.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import unescape
from typing import Any, NamedTuple

from connectors.answers import judge, parse_json, sample
from connectors.errors import ProtocolError, RejectedError, UnknownOutcome
from connectors.http import Response

#: Statuses whose body says more than the status.
TOLD = frozenset({400, 404, 409, 413, 422})
REFUND_REFUSED = "woocommerce_rest_cannot_create_order_refund"
#: An order is unknown by its own route, and as the parent of its notes and refunds, by these.
UNKNOWN_ORDER = frozenset({"woocommerce_rest_shop_order_invalid_id", "woocommerce_rest_invalid_id"})
NO_ROUTE = "rest_no_route"


class Refusal(NamedTuple):
    code: str
    message: str
    field: str = ""

    @property
    def unknown(self) -> bool:
        """What was asked for does not exist. Every resource has a code of its own for that."""
        return self.code.startswith("woocommerce_rest") and self.code.endswith(
            ("_invalid_id", "_invalid_parent", "_invalid_order_id")
        )


def refusal(told: object) -> Refusal | None:
    """Of an answer, or of one row of a batch; None where it is none."""
    if not isinstance(told, Mapping) or not isinstance(told.get("code"), str):
        return None
    if "message" not in told:
        return None
    data = told.get("data")
    params = data.get("params") if isinstance(data, Mapping) else None
    field = str(next(iter(params))) if isinstance(params, Mapping) and params else ""
    return Refusal(told["code"], unescape(str(told["message"]))[:300], field)


def data(name: str, response: Response, *, write: bool) -> Any:
    """The parsed body of an answer that is none of the refusals; raises for those."""
    if not 200 <= response.status < 300:
        raise_refused(name, response, write=write)
    try:
        return response.json()
    except ProtocolError as error:
        if write:
            raise UnknownOutcome("a write was answered with something else") from error
        raise


def raise_refused(name: str, response: Response, *, write: bool) -> None:
    """By what the body says where it is WooCommerce's own, else by the status."""
    told = told_refusal(response)
    if told is None or (response.status >= 500 and told.code != REFUND_REFUSED):
        judge(name, response.status, response.headers, write=write)
        raise ProtocolError(f"{name}: answered {response.status}", code=str(response.status))
    if told.code == NO_ROUTE:
        message = "the address answers, but not as a WooCommerce REST API v3"
        raise RejectedError(message, code=NO_ROUTE, field="url")
    raise RejectedError(told.message or told.code, code=told.code, field=told.field)


def told_refusal(response: Response) -> Refusal | None:
    try:
        return refusal(parse_json(response.body))
    except ProtocolError:
        return None


def senseless(name: str, found: object, *, write: bool) -> ProtocolError | UnknownOutcome:
    """A write whose answer cannot be read may have been done."""
    if write:
        return UnknownOutcome(f"{name}: the answer to a write is not one")
    return ProtocolError(f"{name}: not what was asked for", sample=sample(str(found)[:200]))
