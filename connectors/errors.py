"""What a connector may raise, named by what the caller must do.

    ConnectorError
    ├── TransientError    try again, not before ``retry_after``
    │   └── UnknownOutcome    a write was sent and no answer came: read back, do not guess
    ├── AuthError         pause the account and ask a person to re-authorise
    ├── RejectedError     the channel understood and said no: a conflict for support
    ├── CursorExpired     start the walk again from its watermark
    └── ProtocolError     the answer makes no sense: keep it and look

``requests`` and ``urllib3`` errors never leave :mod:`connectors.http`; they carry URLs and headers.
"""


class ConnectorError(Exception):
    """Root of the tree. ``code`` is the channel's own word, safe to show and to log."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class TransientError(ConnectorError):
    """Worth another try. ``retry_after`` is in seconds, None where the channel gave none."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        retry_after: float | None = None,
        throttled: bool = False,
    ) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after
        self.throttled = throttled


class UnknownOutcome(TransientError):
    """A write left this machine and its answer did not come back."""


class AuthError(ConnectorError):
    """The credentials no longer open the account (401, 403, revoked, wrong shop)."""


class RejectedError(ConnectorError):
    """The channel refused the request for good. ``field`` names what it objected to."""

    def __init__(self, message: str, *, code: str = "", field: str = "") -> None:
        super().__init__(message, code=code)
        self.field = field


class CursorExpired(ConnectorError):
    """The channel no longer knows the paging token of a walk."""


class ProtocolError(ConnectorError):
    """The answer breaks the channel's contract. ``sample`` is a short, redacted piece of it."""

    def __init__(self, message: str, *, code: str = "", sample: str = "") -> None:
        super().__init__(message, code=code)
        self.sample = sample


class SignatureError(ConnectorError):
    """A webhook that is not from the channel, or too old to trust."""


class KeyMissing(ConnectorError):
    """A webhook is signed with a public key we do not hold yet. ``key_id`` names it."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"webhook key {key_id!r} is not known yet", code="key_missing")
        self.key_id = key_id
