"""What the hub may raise.

HubError
├── InvalidInput      422: names the field and the reason
├── NotFound          404: also for another seller's row
├── Conflict          409: the state does not allow it
│   ├── InsufficientStock
│   └── StaleVersion      412: somebody changed it first
├── Forbidden         403
├── Unauthenticated   401
├── Unavailable       503: the database is busy or away
└── Misconfigured     the installation's own settings are wrong; says which
"""

from __future__ import annotations

from collections.abc import Mapping


class HubError(Exception):
    """Root of the tree. ``code`` is stable and machine-readable; the message is for people."""

    status = 500
    code = "error"

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        if code:
            self.code = code


class InvalidInput(HubError):
    status = 422
    code = "invalid_input"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class NotFound(HubError):
    status = 404
    code = "not_found"


class Conflict(HubError):
    status = 409
    code = "conflict"


class InsufficientStock(Conflict):
    """A move would make a level negative. ``short`` maps product id → units missing."""

    code = "insufficient_stock"

    def __init__(self, short: Mapping[int, int]) -> None:
        named = ", ".join(f"product {product}: {units}" for product, units in sorted(short.items()))
        super().__init__(f"not enough stock ({named} missing)")
        self.short = dict(short)


class StaleVersion(Conflict):
    status = 412
    code = "stale_version"


class Forbidden(HubError):
    status = 403
    code = "forbidden"


class Unauthenticated(HubError):
    status = 401
    code = "unauthenticated"


class Unavailable(HubError):
    status = 503
    code = "unavailable"


class Misconfigured(HubError):
    code = "misconfigured"
