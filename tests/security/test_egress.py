"""No URL a seller types and nothing a shop answers makes us connect to our own network."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from connectors.egress import Egress, is_public
from connectors.errors import ConnectorError, ProtocolError, RejectedError, TransientError
from connectors.http import Http
from tests.connectors.raw_server import RawServer, answer, drip

PUBLIC = "93.184.216.34"
SHOP = "https://shop.example.com/orders"

#: Refused by their text alone: nothing is looked up.
HOSTILE = [
    # other schemes
    "file:///etc/passwd", "ftp://shop.example.com/", "gopher://shop.example.com:70/_x",
    "javascript:alert(1)", "//shop.example.com/", "shop.example.com", "https:shop.example.com",
    "https:/shop.example.com", "https:///shop.example.com", "http+unix://%2Ftmp%2Fs/", "",
    "http://shop.example.com/", "unix:/run/redis.sock", "jar:https://shop.example.com!/",
    # addresses instead of names
    "https://127.0.0.1/", "https://10.0.0.1/", "https://169.254.169.254/latest/meta-data/",
    "https://93.184.216.34/", "https://127.1/", "https://127.0.1/", "https://2130706433/",
    "https://0x7f000001/", "https://0x7f.0.0.1/", "https://0x7f.0x0.0x0.0x1/",
    "https://0177.0.0.1/", "https://017700000001/", "https://0/", "https://0.0.0.0/",
    "https://1.2.3.4.5/", "https://127.0.0.1./", "https://4294967297/", "https://192.168.1/",
    "https://shop.example.0x7f/", "https://127.0.0.0x1/", "https://foo.09/",
    "https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/",
    "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://[fe80::1%25eth0]/",
    "https://[fd00:ec2::254]/", "https://[2606:4700::1111]/", "https://[::1",
    "https://[0:0:0:0:0:0:0:1]/", "https://[v1.x]/", "https://::1/",
    # local and one-label names
    "https://localhost/", "https://LOCALHOST/", "https://shop/", "https://redis:6379/",
    "https://a.localhost/", "https://printer.local/", "https://metadata.google.internal/",
    "https://db.corp/", "https://nas.lan/", "https://1.0.0.127.in-addr.arpa/",
    "https://x.onion/", "https://router.home/",
    # user-info and what parsers disagree on
    "https://shop.example.com@127.0.0.1/", "https://user:pw@shop.example.com/",
    "https://shop.example.com:443@10.0.0.1/", "https://127.0.0.1#@shop.example.com/",
    "https://127.0.0.1\\@shop.example.com/", "https://shop.example.com\\@127.0.0.1/",
    "https://shop.example.com#@127.0.0.1/", "https://@shop.example.com/",
    "https://shop.example.com;127.0.0.1/", "https://shop.example.com&@10.0.0.1#/",
    "https://shop.example.com,127.0.0.1/", "https://shop.example.com%00.evil.com/",
    "https://127.0.0.1%2f@shop.example.com/", "https://shop%2eexample%2ecom/",
    "https://shop.example.com/\\127.0.0.1", "https://a_b.example.com/", "https://*.example.com/",
    # white space, controls, other alphabets
    " https://shop.example.com/", "https://shop.example.com/ ", "https://shop.example.com/a b",
    "https://shop.example.com/\r\nHost: x", "https://shop.example.com\n.evil.com/",
    "https://shop.example.com/\x00", "https://shop.example\t.com/", "https://shop.example.com/\n",
    "https://\uff11\uff12\uff17.0.0.1/", "https://\u2460\u2461\u2466.0.0.1/",
    "https://l\u24ddc\u24d0lh\u24ddst/", "https://shop\u3002example\u3002com/",
    "https://shop.example.com\uff0f@127.0.0.1/", "https://\u0455hop.example.com/",
    "http\u017f://shop.example.com/", "https://\u212aelvin.example.com/",
    "https://shop.example.com\u202e/", "https://127\u30020.0.1/",
    # broken names
    "https://shop..example.com/", "https://.example.com/", "https://shop.example.com./",
    "https://-shop.example.com/", "https://shop-.example.com/", "https://...", "https://",
    f"https://{'a' * 64}.example.com/", f"https://{'a.' * 130}com/", "https://example.c/",
    # ports
    "https://shop.example.com:22/", "https://shop.example.com:25/", "https://shop.example.com:80/",
    "https://shop.example.com:0/", "https://shop.example.com:65536/",
    "https://shop.example.com:99999/", "https://shop.example.com:-1/",
    "https://shop.example.com:443:80/", "https://shop.example.com:\u0664\u0664\u0663/",
    "https://shop.example.com:0x1bb/", "https://shop.example.com:/",
    "https://shop.example.com: 443/",
]  # fmt: skip

PRIVATE = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200",
    "127.0.0.1", "127.255.255.254", "168.63.129.16", "169.254.169.254", "172.16.0.1",
    "172.31.255.255", "192.0.0.8", "192.0.0.170", "192.0.2.1", "192.88.99.1", "192.168.0.1",
    "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1",
    "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:93.184.216.34", "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1", "64:ff9b::5db8:d822", "64:ff9b:1::1", "100::1", "2001::1",
    "2001:0:7f00:1::", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::",
    "2002:5db8:d822::", "2620:4f:8000::1", "3fff::1", "4000::1", "5f00::1", "fc00::1",
    "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
]  # fmt: skip


class Network:
    """Answers look-ups by table and notes every address a socket was connected to."""

    def __init__(self) -> None:
        self.names: dict[str, list[list[str]]] = {}
        self.lookups: list[str] = []
        self.dialled: list[str] = []
        self.lead_to: tuple[str, int] | None = None

    def answer(self, host: str, *answers: Sequence[str]) -> None:
        """Each look-up takes the next answer, the last one for ever."""
        self.names[host] = [list(each) for each in answers]

    def getaddrinfo(self, host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        self.lookups.append(host)
        answers = self.names.get(host)
        if not answers:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, 0, 6, "", (each, port))
            for each in found
        ]


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    net = Network()
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        net.dialled.append(str(address[0]))
        if net.lead_to is None:
            raise ConnectionRefusedError
        real(self, net.lead_to)

    monkeypatch.setattr(socket, "getaddrinfo", net.getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", connect)
    return net


@pytest.fixture
def http() -> Iterator[Http]:
    session = Http(timeout=3)
    yield session
    session.close()


def refusal(http: Http, url: str) -> ConnectorError:
    with pytest.raises(ConnectorError) as caught:
        http.request("GET", url, write=False, headers={"Authorization": "Bearer x"})
    return caught.value


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_url_is_refused_before_anything_is_looked_up(
    http: Http, network: Network, url: str
) -> None:
    error = refusal(http, url)

    assert (type(error), error.code) == (RejectedError, "egress_denied")
    assert (network.lookups, network.dialled) == ([], [])


def test_the_table_is_long_enough() -> None:
    assert len(set(HOSTILE)) == len(HOSTILE) >= 60


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_with_a_private_address_is_not_connected_to(
    http: Http, network: Network, address: str
) -> None:
    network.answer("shop.example.com", [address])

    error = refusal(http, SHOP)

    assert (type(error), error.code) == (RejectedError, "egress_denied")
    assert network.dialled == []
    assert address not in str(error)


@pytest.mark.parametrize(
    "addresses",
    [
        [PUBLIC, "10.0.0.1"],
        ["10.0.0.1", PUBLIC],
        [PUBLIC, "::1"],
        ["2606:4700::1111", "fe80::1"],
        [],
    ],
)
def test_one_private_address_among_public_ones_is_enough(
    http: Http, network: Network, addresses: list[str]
) -> None:
    network.answer("shop.example.com", addresses)

    assert refusal(http, SHOP).code == "egress_denied"
    assert network.dialled == []


def test_a_name_that_changes_its_address_gains_nothing(http: Http, network: Network) -> None:
    network.answer("shop.example.com", [PUBLIC], ["127.0.0.1"])

    error = refusal(http, SHOP)

    assert error.code == "egress_denied", "the next try looks up, and checks, again"
    assert network.dialled == [PUBLIC], "each address dialled is the very one that was checked"
    assert network.lookups == ["shop.example.com"] * 2


def test_every_public_address_is_tried(http: Http, network: Network) -> None:
    network.answer("shop.example.com", ["2606:4700::1111", PUBLIC])

    error = refusal(http, SHOP)

    assert (type(error), error.code) == (TransientError, "connect")
    assert network.dialled == ["2606:4700::1111", PUBLIC] * 3


def test_an_unknown_name_may_be_known_later(http: Http, network: Network) -> None:
    error = refusal(http, SHOP)

    assert (type(error), error.code) == (TransientError, "dns")


def test_nothing_tells_an_open_private_port_from_a_closed_one(http: Http, network: Network) -> None:
    network.answer("shop.example.com", ["127.0.0.1"])
    with RawServer(answer()) as server:
        network.lead_to = ("127.0.0.1", int(server.address.partition(":")[2]))
        opened = refusal(http, SHOP)
    network.lead_to = None
    closed = refusal(http, SHOP)

    assert str(opened) == str(closed)
    assert server.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "https://api.x.com/", "https://API.X.com/v1?q=1#@127.0.0.1", "https://a.myshopify.com",
        "https://a.b.myshopify.com:443/x", "https://a-b.myshopify.com?x=1",
    ],
)  # fmt: skip
def test_a_declared_host_is_allowed(url: str) -> None:
    Egress(["*.myshopify.com", "api.x.com"], []).check(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://myshopify.com/", "https://evilmyshopify.com/", "https://a.myshopify.com.evil.com/",
        "https://x.com/", "https://api.x.com.evil.com/", "https://evil.api.x.com/",
        "https://api.x.com:8443/", "https://api-x.com/", "https://.myshopify.com/",
        "http://api.x.com/", "https://a.myshopify.co/", "https://evil.com/?a.myshopify.com",
        "https://evil.com/.myshopify.com",
    ],
)  # fmt: skip
def test_other_hosts_than_the_declared_are_refused(url: str) -> None:
    with pytest.raises(RejectedError):
        Egress(["*.myshopify.com", "api.x.com"], []).check(url)


def test_a_sellers_own_server_may_be_on_a_high_port_and_http_only_where_allowed() -> None:
    own = Egress([], [], allow_http=True)

    assert str(own.check("https://shop.example.com:8443/")) == "shop.example.com:8443"
    assert str(own.check("https://xn--mnchen-3ya.example.com/")).endswith(":443")
    assert str(own.check("http://shop.example.com/")) == "shop.example.com:80"
    with pytest.raises(RejectedError):
        own.check("http://shop.example.com:443/")


def test_only_the_configured_loopback_port_is_spoken_to(network: Network) -> None:
    http = Http(loopback=["127.0.0.1:5001", "localhost:5002", "[::1]:5003"])

    for url in ("http://127.0.0.1:5001/", "http://localhost:5002/", "http://[::1]:5003/"):
        assert refusal(http, url).code == "connect"
    for url in (
        "http://127.0.0.1:5002/",
        "http://127.0.0.1/",
        "http://localhost:5001/",
        "http://127.0.0.2:5001/",
        "http://[::1]:5001/",
        "http://127.0.0.1:50010/",
    ):
        assert refusal(http, url).code == "egress_denied"

    assert network.dialled == ["127.0.0.1"] * 6 + ["::1"] * 3
    assert network.lookups == []
    http.close()


@pytest.mark.parametrize(
    "entry", ["10.0.0.1:80", "shop.example.com:443", "127.0.0.1", "localhost:x"]
)
def test_nothing_but_loopback_can_be_configured_as_loopback(entry: str) -> None:
    with pytest.raises(ValueError, match="loopback"):
        Egress([], [entry])


@pytest.mark.parametrize(
    "location",
    ["http://127.0.0.1:{port}/", "http://169.254.169.254/", "https://evil.example.com/", "/again",
     "//evil.example.com/", "http://[::1", "file:///etc/passwd", "\x80"],
)  # fmt: skip
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed_and_no_token_goes_along(status: int, location: str) -> None:
    with RawServer(answer()) as other:
        where = location.replace("{port}", other.address.partition(":")[2])
        with RawServer(answer(status, Location=where)) as server:
            http = Http(loopback=[server.address, other.address])

            error = refusal(http, server.url)

            http.close()
    assert (type(error), error.code) == (ProtocolError, str(status))
    assert (server.connections, other.connections) == (1, 0)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for shop.example.com, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.example.com")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("shop.example.com")]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "cert.pem", folder / "key.pem"


@pytest.mark.parametrize(
    ("host", "trusted", "code"),
    [
        ("shop.example.com", True, ""),
        ("shop.example.com", False, "tls"),
        ("other.example.com", True, "tls"),
    ],
)
def test_the_certificate_is_checked_against_the_name_not_the_address(
    network: Network,
    certificate: tuple[Path, Path],
    host: str,
    trusted: bool,
    code: str,
) -> None:
    asked: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    context.sni_callback = lambda _, name, __: asked.append(name)
    network.answer(host, [PUBLIC])
    with RawServer(answer(200, b"[]"), tls=context) as server:
        network.lead_to = ("127.0.0.1", int(server.address.partition(":")[2]))
        http = Http(timeout=3)
        if trusted:
            http._session.verify = str(certificate[0])
        if code:
            error = refusal(http, f"https://{host}/")
            assert (type(error), error.code) == (TransientError, code)
            assert server.requests == []
        else:
            assert http.request("GET", f"https://{host}/", write=False).json() == []
        http.close()
    assert asked == [host]
    assert network.dialled == [PUBLIC]


def test_a_body_that_drips_over_tls_is_cut_off(
    network: Network, certificate: tuple[Path, Path]
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    network.answer("shop.example.com", [PUBLIC])
    http = Http(timeout=0.5)
    http._session.verify = str(certificate[0])
    began = monotonic()

    with RawServer(drip(b"HTTP/1.1 200 OK\r\n\r\n", b" ", 0.05), tls=context) as server:
        network.lead_to = ("127.0.0.1", int(server.address.partition(":")[2]))
        error = refusal(http, SHOP)

    assert (type(error), error.code) == (TransientError, "timeout")
    assert monotonic() - began < 1.5
    http.close()


@pytest.mark.parametrize(
    "address",
    [PUBLIC, "8.8.8.8", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "2a00:1450:4001::200e"],
)
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_in_an_ipv6_coat_is_never_public(address: Any) -> None:
    octets = f"{int(address):08x}"
    for coat in (f"::ffff:{address}", f"::{address}", f"64:ff9b::{address}",
                 f"2002:{octets[:4]}:{octets[4:]}::1"):  # fmt: skip
        assert not is_public(coat)


@given(st.ip_addresses(v=4) | st.ip_addresses(v=6))
def test_what_python_knows_to_be_private_is_never_public(address: Any) -> None:
    if address.is_private or address.is_multicast or address.is_reserved or address.is_link_local:
        assert not is_public(str(address))


PIECE = st.sampled_from(["https://", "http://", "shop.example.com", "127.0.0.1", "@", "\\", "/",
                         ":", "#", "?", "[", "]", "::1", "%", "0x7f", ".", "localhost", "443",
                         "\u3002", "\n", " ", "10.0.0.1"])  # fmt: skip


@given(st.lists(PIECE, max_size=8).map("".join))
def test_whatever_url_is_allowed_leads_to_a_full_public_name(url: str) -> None:
    try:
        target = Egress([], []).check(url)
    except RejectedError:
        return

    assert target.host.endswith("com")
    assert target.scheme == "https"
