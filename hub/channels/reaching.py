"""In how many seconds a change reaches an account's channel, and why. Decides; reads nothing.

What is put off until a time waits for that time. Then what waits already goes out, at the rate the
channel has been taking offers, or, where nobody has measured it yet, a batch in the time that one
change takes, as far as the declared budget allows. The change itself goes with the last batch.
"""

from __future__ import annotations

from typing import NamedTuple

#: Seconds from a change to the channel's answer, where none has been measured.
USUAL = 2.0
LIVE, REAUTHORISE = "live", "reauthorise"


class Pace(NamedTuple):
    """What has been measured of an account. ``waiting``: offers its channel has not been told;
    ``rate``: offers it took a second while there were any; ``latency``: seconds a change took
    while little waited; ``held``: seconds for which its pushes are left alone."""

    mode: str
    health: str
    waiting: int
    rate: float | None
    latency: float | None
    held: float


class Terms(NamedTuple):
    """What the channel declares: listings in one call, and calls a second where that is its
    limit."""

    batch: int
    calls: float | None


class Estimate(NamedTuple):
    """``seconds`` is None where no time can be told; ``because`` is the arithmetic, for people."""

    seconds: float | None
    waiting: int
    rate: float | None
    latency: float
    held: float
    because: str


def estimate(pace: Pace, terms: Terms) -> Estimate:
    latency = USUAL if pace.latency is None else pace.latency
    rate = _rate(pace, terms, latency)
    refused = _refused(pace)
    if refused:
        return Estimate(None, pace.waiting, rate, latency, pace.held, refused)
    queued = max(0, pace.waiting - max(terms.batch, 1)) / rate
    because = _because(pace, rate, latency)
    return Estimate(
        round(pace.held + queued + latency, 1), pace.waiting, rate, latency, pace.held, because
    )


def _rate(pace: Pace, terms: Terms, latency: float) -> float:
    if pace.rate:
        return pace.rate
    calls = 1.0 / max(latency, 0.1)
    return max(terms.batch, 1) * (min(calls, terms.calls) if terms.calls else calls)


def _refused(pace: Pace) -> str:
    if pace.mode != LIVE:
        return f"nothing is written to an account that is {pace.mode}"
    if pace.health == REAUTHORISE:
        return "the channel wants a new authorisation first"
    return ""


def _because(pace: Pace, rate: float, latency: float) -> str:
    parts = [f"a change takes {latency:.1f} s" + ("" if pace.latency else ", we suppose")]
    if pace.waiting:
        measured = "" if pace.rate else ", we suppose"
        parts.append(f"{pace.waiting} offers wait, {rate:.1f} go out a second{measured}")
    if pace.held:
        parts.append(f"pushes are {pace.health}, tried again in {pace.held:.0f} s")
    return "; ".join(parts)


def said(name: str, one: Estimate) -> str:
    """What a seller is told."""
    if one.seconds is None:
        return f"your change does not reach {name}: {one.because}"
    return f"your change reaches {name} in about {max(1, round(one.seconds))} s"
