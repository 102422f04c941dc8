"""Where a connector may connect to.

A seller types shop addresses in, and shops answer as they like: every URL is hostile.
:meth:`Egress.check` judges a URL's text before anything is sent, :meth:`Egress.addresses` judges
*all* the addresses its name has; :mod:`connectors.dialling` connects to one of those very
addresses, so that a name which changes between check and use gains nothing.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Network, ip_address, ip_network
from queue import Empty, SimpleQueue
from threading import Thread

from connectors.errors import RejectedError, TransientError

#: Not ``ip_address().is_global``: on Python 3.11.7 that answers True for NAT64, 6to4, multicast and
#: 192.0.0.8. https://www.iana.org/assignments/iana-ipv4-special-registry, and Azure's host address.
PRIVATE_V4 = [
    ip_network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32",
        "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24",
        "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
]  # fmt: skip
#: Of IPv6 only 2000::/3 is public: mapped, translated, local and multicast forms lie outside it.
PUBLIC_V6 = IPv6Network("2000::/3")
#: Inside it: protocol assignments with Teredo, documentation, 6to4, AS112, documentation again.
PRIVATE_V6 = [
    IPv6Network(network)
    for network in (
        "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
    )
]  # fmt: skip

#: Names that some resolvers answer with machines next door.
LOCAL_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "arpa", "onion")
LOOPBACK = {"127.0.0.1": "127.0.0.1", "localhost": "127.0.0.1", "[::1]": "::1"}

URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[::1\]|[a-z0-9.-]{1,253})(?::(?P<port>[0-9]{1,5}))?"
    r"(?:[/?][!-\[\]-~]*)?",  # printable ASCII without the backslash, which some read as a slash
    re.IGNORECASE | re.ASCII,
)
LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
#: The last label starts with a letter: a last label that is a number, also a hexadecimal one, makes
#: the whole an IPv4 address to many parsers (https://url.spec.whatwg.org/#ends-in-a-number-checker).
NAME = re.compile(rf"(?:{LABEL}\.)+(?:[a-z]{{2,63}}|xn--[a-z0-9-]{{0,58}}[a-z0-9])")


@dataclass(frozen=True, slots=True)
class Target:
    """``host`` in lower case, ``port`` always given."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def is_public(address: str) -> bool:
    """Whether an address, as text, is anybody's on the internet. ValueError if it is no address."""
    ip = ip_address(address)
    if isinstance(ip, IPv4Address):
        return not any(ip in network for network in PRIVATE_V4)
    return ip in PUBLIC_V6 and not any(ip in network for network in PRIVATE_V6)


class Egress:
    """What one channel may speak to: ``hosts`` patterns, or any public host where there are none.

    ``loopback`` holds "127.0.0.1:5001" entries, simulators; only the installation's own
    configuration may fill it. ValueError where an entry is not loopback.
    """

    def __init__(
        self, hosts: Sequence[str], loopback: Collection[str], *, allow_http: bool = False
    ) -> None:
        self._hosts = tuple(host.lower() for host in hosts)
        self._loopback = frozenset(entry.lower() for entry in loopback)
        self._allow_http = allow_http
        for entry in self._loopback:
            host, _, port = entry.rpartition(":")
            if host not in LOOPBACK or not port.isascii() or not port.isdigit():
                raise ValueError(f"{entry!r} is not a loopback host with its port")

    def check(self, url: str) -> Target:
        """Where a URL leads. Raises RejectedError("egress_denied"); needs no network.

        International names are given in their ``xn--`` form.
        """
        found = URL.fullmatch(url)
        if found is None:
            raise _denied("the address is not a plain http(s) URL")
        scheme, host = found["scheme"].lower(), found["host"].lower()
        port = int(found["port"] or (443 if scheme == "https" else 80))
        target = Target(scheme, host, port)
        if str(target) not in self._loopback:
            self._check_name(host)
            self._check_port(target)
        return target

    def addresses(self, host: str, port: int, seconds: float) -> list[str]:
        """The addresses to connect to, every one public. Raises RejectedError, TransientError."""
        name = f"[{host}]" if ":" in host else host
        if f"{name}:{port}" in self._loopback:
            return [LOOPBACK[name]]
        self._check_name(host)
        found = resolve(host, port, seconds)
        if not found or not all(is_public(address) for address in found):
            raise _denied(f"{host} has an address that is not public")
        return found

    def _check_name(self, host: str) -> None:
        if len(host) > 253 or NAME.fullmatch(host) is None:
            raise _denied("the address has no full public host name")
        if host.rpartition(".")[2] in LOCAL_NAMES:
            raise _denied("the address is a local name")
        if self._hosts and not any(_fits(host, pattern) for pattern in self._hosts):
            raise _denied(f"{host} is not one of the channel's hosts")

    def _check_port(self, target: Target) -> None:
        """A seller's own server may be on a high port; below 1024 live mail, ssh and the like."""
        if target.scheme != "https" and not self._allow_http:
            raise _denied(f"{target.host} must be spoken to over https")
        usual = target.port == (443 if target.scheme == "https" else 80)
        high = not self._hosts and 1024 <= target.port <= 65535
        if not usual and not high:
            raise _denied(f"port {target.port} of {target.host} is not allowed")


def resolve(host: str, port: int, seconds: float) -> list[str]:
    """All addresses of a name, asked once. In a thread, as the resolver takes no deadline."""
    answers: SimpleQueue[list[str] | None] = SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            answers.put(None)
        else:
            answers.put([str(entry[4][0]) for entry in found])

    Thread(target=ask, name="resolve", daemon=True).start()
    found = None
    with suppress(Empty):
        found = answers.get(timeout=max(seconds, 0.001))
    if found is None:
        raise TransientError(f"the name {host} could not be looked up", code="dns")
    return list(dict.fromkeys(found))


def _fits(host: str, pattern: str) -> bool:
    if pattern.startswith("*."):
        return host.endswith(pattern[1:]) and len(host) > len(pattern) - 1
    return host == pattern


def _denied(message: str) -> RejectedError:
    return RejectedError(message, code="egress_denied")
