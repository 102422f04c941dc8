"""The kinds of conflict that can be resolved, and what may be done about each: a declaration.

How each action works is in :mod:`hub.resolution`, which a test holds against this table; the page
``docs/conflicts.md`` is held against it too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Argument(NamedTuple):
    """Something an action must or may be told."""

    name: str
    meaning: str
    needed: bool = False


SKU = Argument("sku", "the SKU of the product", needed=True)
NEW_SKU = Argument("sku", "the new product's SKU; the listing's own where it is left out")
SHORT = Argument("units", "how many of the missing units; all of them where it is left out")
SHOWN = Argument("units", "the number to accept; the one the channel showed where it is left out")
UNTIL = Argument("until", "when it is opened again if it is still so")
UNTIL_THEN = Argument("until", "when it is opened again if it is still so", needed=True)


@dataclass(frozen=True, slots=True)
class Action:
    """``elsewhere``: the call that does it, where this is not the place. ``reasoned``: it must be
    told why."""

    verb: str
    meaning: str
    arguments: tuple[Argument, ...] = ()
    role: str = "support"
    reasoned: bool = False
    elsewhere: str = ""


DISMISS = Action("dismiss", "leave it as it is", (UNTIL,), reasoned=True)


@dataclass(frozen=True, slots=True)
class Kind:
    """``actions``: the first is the suggested one."""

    name: str
    meaning: str
    actions: tuple[Action, ...] = field(default=())


_LINK = Action("link", "the listing sells this product; its waiting lines get their stock", (SKU,))
_CREATE = Action("create", "make a product of the listing's SKU and title, and link it", (NEW_SKU,))
_TABLE = (
    Kind(
        "order_line_unmapped",
        "an order line is of a listing that sells no product",
        (_LINK, _CREATE, DISMISS),
    ),
    Kind(
        "listing_unmapped",
        "a listing matches no product, or not one only",
        (
            _LINK,
            _CREATE,
            Action("ignore", "the hub keeps no stock of this listing", (UNTIL,), reasoned=True),
            DISMISS,
        ),
    ),
    Kind(
        "stock_drift",
        "a channel shows another number than it was told, and no order says why",
        (
            Action("accept_hub", "tell the channel the hub's number again, now"),
            Action(
                "accept_channel",
                "adjust the hub's stock so that the listing shows this number",
                (SHOWN,),
                reasoned=True,
            ),
            DISMISS,
        ),
    ),
    Kind(
        "oversold",
        "an order line wants more units than there are",
        (
            Action("reallocate", "give what is free now to those who wait, the most urgent first"),
            Action("cancel_units", "take the missing units off the line", (SHORT,), reasoned=True),
            Action("wait", "let the line wait for stock until a day", (UNTIL_THEN,)),
            DISMISS,
        ),
    ),
    Kind(
        "poison_record",
        "a record of a channel could not be taken in",
        (Action("retry", "fetch the record again, and try to take it in"), DISMISS),
    ),
    Kind(
        "shipment_rejected",
        "a channel will not take a parcel: its carrier, a line, a quantity; the goods have left",
        (Action("retry", "tell the channel once more"), DISMISS),
    ),
    Kind(
        "cancellation_rejected",
        "a channel will not take units off an order that we took off it",
        (Action("retry", "tell the channel once more"), DISMISS),
    ),
    Kind(
        "refund_rejected",
        "a channel will not give money back that it was asked to",
        (Action("retry", "ask the channel once more"), DISMISS),
    ),
    Kind(
        "auth_expired",
        "a channel no longer accepts an account's credentials",
        (
            Action(
                "reauthorise",
                "give the account new credentials",
                role="owner",
                elsewhere="PUT /api/v1/accounts/{account_id}/credentials",
            ),
            Action("retry", "try with the credentials there are"),
            Action("pause", "pause the account: nothing is read from it or written to it"),
            DISMISS,
        ),
    ),
)
KINDS = {one.name: one for one in _TABLE}


def actions_of(kind: str) -> tuple[Action, ...]:
    """What may be done about a conflict of this kind; any may be dismissed."""
    found = KINDS.get(kind)
    return found.actions if found else (DISMISS,)
