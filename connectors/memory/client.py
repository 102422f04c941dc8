"""The only way to the shop: where other channels speak HTTP, this one calls, and can misbehave."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from connectors.base import Connection
from connectors.errors import (
    AuthError,
    ProtocolError,
    TransientError,
    UnknownOutcome,
)
from connectors.memory.simulator import MemorySimulator, find
from connectors.simulators.faults import ANY_REQUEST, WRITES, Fault

T = TypeVar("T")

BEFORE = {Fault.ERROR_BEFORE, Fault.TIMEOUT_BEFORE, Fault.CUT_BEFORE, Fault.LATE}
GARBLED = {Fault.TRUNCATED, Fault.WRONG_BODY, Fault.WRONG_JSON}


class Client:
    def __init__(self, connection: Connection) -> None:
        self._credentials = connection.credentials

    def ask(
        self,
        where: str,
        act: Callable[[MemorySimulator], T],
        *,
        write: bool = False,
        misread: Mapping[Fault, Callable[[MemorySimulator], T]] | None = None,
    ) -> T:
        shop = find(self._credentials["shop"])
        if shop is None:
            raise TransientError("the shop does not answer", code="closed")
        if self._credentials["token"] != shop.token:
            raise AuthError("the token does not open this shop", code="token")
        others = misread or {}
        shop.arrive(where)
        fault = shop.faults.draw(where, (WRITES if write else ANY_REQUEST) | others.keys())
        if fault is None:
            return act(shop)
        if fault in others:
            return others[fault](shop)
        return _fail(shop, fault, lambda: act(shop), write=write)


def _fail(shop: MemorySimulator, fault: Fault, act: Callable[[], T], *, write: bool) -> T:
    if fault in (Fault.UNAUTHORIZED, Fault.FORBIDDEN):
        raise AuthError("refused", code=fault)
    if fault in (Fault.RATE_LIMITED, Fault.THROTTLED):
        wait = float(shop.faults.retry_after)
        raise TransientError("too fast", code=fault, retry_after=wait, throttled=True)
    if fault is Fault.LATE:
        shop.later(shop.faults.late, act)
    if fault not in BEFORE:
        act()
    if write:
        raise UnknownOutcome("no answer that makes sense", code=fault)
    if fault in GARBLED:
        raise ProtocolError("the answer makes no sense", code=fault)
    raise TransientError("no answer", code=fault)
