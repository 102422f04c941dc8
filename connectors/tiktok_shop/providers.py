"""Carriers by name → TikTok Shop's ids of shipping providers, which differ by delivery option.

https://partner.tiktokshop.com/docv2/page/get-shipping-providers
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.errors import ProtocolError, RejectedError
from connectors.fields import Unreadable
from connectors.tiktok_shop import answers
from connectors.tiktok_shop.client import Client
from connectors.tiktok_shop.fields import Record
from connectors.tiktok_shop.operations import PROVIDERS

#: Names told to a person where theirs is not among them.
SHOWN = 15


def find(client: Client, delivery_option: str, carrier: str) -> str:
    """The provider's id. Raises RejectedError, with the names that would do."""
    if not delivery_option:
        raise RejectedError("the order names no delivery option", code="no_delivery_option")
    data = client.run(PROVIDERS, delivery_option_id=delivery_option)
    try:
        listed = [Record(one) for one in answers.listed(data, "shipping_providers")]
        known = {one.key("id"): one.words("name") for one in listed}
    except Unreadable as error:
        raise ProtocolError(f"carriers cannot be read: {error}", code="bad_record") from error
    return choose(known, carrier)


def choose(known: Mapping[str, str], carrier: str) -> str:
    """By id, by name, or by the only name that begins as the carrier's does. Pure."""
    if carrier in known:
        return carrier
    wanted = _plain(carrier)
    names = {key: _plain(name) for key, name in known.items()}
    same = [key for key, name in names.items() if name == wanted]
    near = [key for key, name in names.items() if wanted and name.startswith(wanted)]
    if same:
        return same[0]
    if len(near) == 1:
        return near[0]
    told = ", ".join(sorted(known.values())[:SHOWN])
    said = f"TikTok Shop knows no carrier {carrier!r} for this order; it takes: {told}"
    raise RejectedError(said, code="unknown_carrier", field="carrier")


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
