"""The walk over the whole catalogue: variants in the order of their ids, which are made in time.

Medusa pages by offset, so that a variant deleted meanwhile moves the others up, over the edge of a
page. Each page therefore begins with the last variant of the one before; where it does not, the
walk steps back.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from connectors.errors import ProtocolError
from connectors.fields import each, identity
from connectors.medusa import answers, mapping
from connectors.medusa.calls import LISTING_FIELDS, LISTINGS_PAGE, VARIANTS
from connectors.medusa.client import Client
from connectors.records import Cursor, Listing, Page

#: How often a walk steps back before it is given up: not even a busy day deletes so much.
STEPS_BACK = 20


class Edge(NamedTuple):
    """Where the last page ended: the offset after it, its last variant, and the steps back."""

    offset: int = 0
    last: str = ""
    steps: int = 0


def page(client: Client, cursor: Cursor, currency: str, location: str) -> Page[Listing]:
    edge = _edge(cursor.token)
    start = max(edge.offset - 1, 0) if edge.last else edge.offset
    query = (
        ("fields", LISTING_FIELDS),
        ("order", "id"),
        ("limit", str(LISTINGS_PAGE + 1)),
        ("offset", str(start)),
    )
    data = client.run(VARIANTS, query)
    rows, count = answers.rows(data, VARIANTS.holds), data.get("count")
    if data.get("offset", start) != start:
        raise ProtocolError("the list of variants does not move on", code="page_repeated")
    keys = [identity(one) for one in rows]
    if edge.last and edge.last not in keys:
        return Page((), Cursor(cursor.since, _token(_back(edge)), cursor.until), more=True)
    fresh = rows[keys.index(edge.last) + 1 :] if edge.last else rows
    end = start + len(rows)
    more = end < count if isinstance(count, int) else len(rows) > LISTINGS_PAGE
    if more and not fresh:
        raise ProtocolError("the list of variants does not move on", code="page_repeated")
    found, bad = each(fresh, lambda one: mapping.listing(one, currency, location))
    token = _token(Edge(end, keys[-1], edge.steps)) if more else ""
    return Page(found, Cursor(cursor.since, token, cursor.until), more, bad)


def _back(edge: Edge) -> Edge:
    if edge.steps >= STEPS_BACK:
        raise ProtocolError("the list of variants does not stand still", code="list_unstable")
    return Edge(max(edge.offset - LISTINGS_PAGE, 0), "", edge.steps + 1)


def _token(edge: Sequence[object]) -> str:
    return json.dumps(list(edge))


def _edge(token: str) -> Edge:
    """A token that is not ours begins again: a catalogue is walked whole."""
    try:
        offset, last, steps = json.loads(token)
        return Edge(int(offset), str(last), int(steps))
    except (ValueError, TypeError):
        return Edge()
