"""How an order line's units divide, as the channel changes its mind: pure decisions."""

from __future__ import annotations

from dataclasses import dataclass

from hub.sales.incoming import IncomingLine

DOCUMENT = "order_line"


@dataclass(slots=True)
class LineState:
    """One line's units. ``quantity`` is always the sum of the rest but ``withdrawn``: those of the
    cancelled that we took off ourselves."""

    id: int
    order_id: int
    external_id: str
    product_id: int | None
    listing_key: str
    quantity: int = 0
    allocated: int = 0
    claimed: int = 0
    shipped: int = 0
    cancelled: int = 0
    settled: int = 0
    pending: int = 0
    withdrawn: int = 0

    @property
    def held(self) -> int:
        return self.allocated + self.claimed


@dataclass(frozen=True, slots=True)
class Change:
    """What a line now needs: ``units`` more to be found, or (negative) to be let go. ``refused``
    units were to be cancelled but have been shipped: a person must look."""

    line: LineState
    units: int
    refused: int = 0


def aim(line: LineState, incoming: IncomingLine | None, *, cancelled: bool) -> Change:
    """Set the line to what the channel says now; answers what must happen to stock for it.

    ``incoming`` None: the channel dropped the line. ``cancelled``: it cancelled the whole order.
    What we took off stays off, though the channel may not know it yet.
    """
    gone = line.shipped + line.settled
    quantity = max(incoming.quantity if incoming else line.quantity, gone)
    if cancelled or incoming is None:
        wanted_off, kept = quantity, 0
    else:
        wanted_off = max(incoming.cancelled, line.withdrawn)
        kept = incoming.quantity - incoming.cancelled
    line.quantity = quantity
    line.cancelled = min(wanted_off, quantity - gone)
    still_open = quantity - gone - line.cancelled
    refused = max(0, gone - kept)
    if line.product_id is None:
        line.pending = still_open
        return Change(line, 0, refused)
    line.pending = 0
    return Change(line, still_open - line.held, refused)


def settle_history(line: LineState, shipped: int) -> None:
    """Units the channel shipped before the hub kept this stock: they left no level of ours."""
    line.settled = min(shipped, line.quantity)
