"""Connections that go only where :mod:`connectors.egress` allows, and end on time.

Pools and connections of urllib3 with three things changed: who chooses the address, what a failure
before the first byte of a request raises, and a watchdog that cuts the socket at the deadline,
because per-read timeouts alone let a server drip for ever. This module knows nothing of statuses,
retries or bodies; :mod:`connectors.http` does.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from contextvars import ContextVar
from threading import Lock, Timer
from time import monotonic
from typing import Any, Self

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from connectors.egress import Egress
from connectors.errors import TransientError


class Attempt:
    """One try at one request: what it may dial, and when it ends.

    Current (for the connections below) while entered. ``deadline`` is on the monotonic clock.
    """

    def __init__(self, egress: Egress, deadline: float) -> None:
        self._egress = egress
        self._deadline = deadline
        self._lock = Lock()
        self._cut = False
        self._sockets: list[socket.socket] = []
        self._timer = Timer(self.remaining(), self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._token = CURRENT.set(self)
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        CURRENT.reset(self._token)
        self._timer.cancel()
        with self._lock:
            for watched in self._sockets:
                watched.close()
            self._sockets.clear()

    @property
    def expired(self) -> bool:
        return self._cut or monotonic() >= self._deadline

    def remaining(self) -> float:
        """Seconds left, never 0: that would make a socket non-blocking."""
        return max(self._deadline - monotonic(), 0.001)

    def dial(self, host: str, port: int) -> socket.socket:
        """A connection to one of the host's addresses, all of which were found public."""
        addresses = self._egress.addresses(host, port, self.remaining())
        for tried, address in enumerate(addresses):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(self.remaining() / (len(addresses) - tried))
                sock.connect((address, port))
                self.watch(sock)
                sock.settimeout(self.remaining())
            except OSError:
                sock.close()
            else:
                return sock
        raise TransientError(f"no connection to {host}", code="connect")

    def watch(self, sock: socket.socket) -> None:
        """Cut this socket at the deadline. TimeoutError where that has passed.

        A duplicate is kept: wrapping in TLS detaches the original, and a response that outlives
        its connection still reads.
        """
        with self._lock:
            if self._cut:
                raise TimeoutError
            self._sockets.append(socket.fromfd(sock.fileno(), sock.family, sock.type))

    def _end(self) -> None:
        with self._lock:
            self._cut = True
            for watched in self._sockets:
                with suppress(OSError):
                    watched.shutdown(socket.SHUT_RDWR)


#: The attempt under way in this thread. Without one, the connections below do not connect.
CURRENT: ContextVar[Attempt] = ContextVar("attempt")


class _Guarded(HTTPConnection):
    """Everything up to the end of the handshake raises our errors: nothing was sent yet."""

    def _new_conn(self) -> socket.socket:
        return CURRENT.get().dial(self._dns_host, self.port)

    def connect(self) -> None:
        try:
            super().connect()
        except (ssl.SSLError, OSError, HTTPError) as error:
            problem = _handshake_problem(self.host, error, expired=CURRENT.get().expired)
        else:
            return
        self.close()
        raise problem  # outside the handler: the cause would carry what we do not show

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is None:
            self.connect()
        else:  # kept alive from an earlier attempt, whose watchdog is gone
            CURRENT.get().watch(self.sock)
        super().request(*args, **kwargs)


def _handshake_problem(host: str, error: Exception, *, expired: bool) -> TransientError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return TransientError(f"TLS with {host} failed: {error.verify_message}", code="tls")
    if isinstance(error, ssl.SSLError) and not expired:
        return TransientError(f"TLS with {host} failed", code="tls")
    return TransientError(f"no connection to {host}", code="connect")


class _GuardedTLS(_Guarded, HTTPSConnection):
    """Certificate and SNI stay with the name; only the address dialled is ours to choose."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Guarded


class _PoolTLS(HTTPSConnectionPool):
    ConnectionCls = _GuardedTLS


class GuardedAdapter(HTTPAdapter):
    """``send`` is left alone, so that tests may intercept it."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _PoolTLS}
