"""The shop's clock: times without a zone, in the shop's own, to the second. Pure.

An hour is told twice when summer time ends. Such a time is read as the later of the two once that
is not in the future any more: so a change never looks older than the one before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

FORM = "%Y-%m-%d %H:%M:%S"
#: What a column without a time holds.
NEVER = "0000-00-00"
#: Before the first shop; conversions of earlier times may overflow.
FIRST = datetime(1990, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ShopClock:
    """``now`` is real time, to tell which of two equal hours is meant."""

    zone: tzinfo
    now: datetime

    def read(self, text: str) -> datetime:
        """Aware UTC. Raises ValueError."""
        found = datetime.fromisoformat(text)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
        early = found.replace(tzinfo=self.zone, fold=0).astimezone(UTC)
        late = found.replace(tzinfo=self.zone, fold=1).astimezone(UTC)
        return late if early < late <= self.now else early

    def words(self, moment: datetime) -> str:
        return max(moment, FIRST).astimezone(self.zone).strftime(FORM)

    def floor(self, moment: datetime) -> str:
        """No change from ``moment`` on is told with an earlier time than this, not even when the
        clocks are put back."""
        moment = max(moment, FIRST)
        here, soon = moment.astimezone(self.zone), (moment + HOUR).astimezone(self.zone)
        back = (here.utcoffset() or HOUR * 0) - (soon.utcoffset() or HOUR * 0)
        return self.words(moment - max(back, HOUR * 0))


def following(second: str) -> str:
    """The second after one that is told in the shop's form. Raises ValueError."""
    return (datetime.fromisoformat(second) + timedelta(seconds=1)).strftime(FORM)
