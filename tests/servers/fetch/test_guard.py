"""Where the fetch server does not go, however it is asked."""

import datetime
import socket
import ssl
from pathlib import Path
from types import SimpleNamespace
from typing import Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from codegod_fetch.faults import BadAllowance
from codegod_fetch.guard import read_allowance
from codegod_fetch.server import build_server
from codegod_kit import ServerSettings

from .conftest import PUBLIC, OpenWeb, Web, page, redirect, said

CANARY = "CANARY-SSRF"
LOOPBACK = [
    "http://127.0.0.1:8080/",
    "http://127.0.0.1/",
    "https://127.0.0.1/",
    "http://localhost:8080/",
    "http://localhost.:8080/",
    "http://LOCALHOST:8080/",
    "http://2130706433:8080/",
    "http://0x7f000001:8080/",
    "http://0x7f.0.0.1:8080/",
    "http://0177.0.0.1:8080/",
    "http://017700000001:8080/",
    "http://127.1:8080/",
    "http://127.0.1:8080/",
    "http://127.0.0.1.:8080/",
    "http://127.255.255.254:8080/",
    "http://0:8080/",
    "http://0.0.0.0:8080/",
    "http://[::1]:8080/",
    "http://[::]:8080/",
    "http://[::127.0.0.1]:8080/",
    "http://[::ffff:127.0.0.1]:8080/",
    "http://[::ffff:7f00:1]:8080/",
    "http://[0:0:0:0:0:ffff:7f00:1]:8080/",
    "http://[::ffff:0:7f00:1]:8080/",
    "http://[64:ff9b::7f00:1]:8080/",
    "http://[64:ff9b:1::7f00:1]:8080/",
    "http://[2002:7f00:1::]:8080/",
    "http://[2001:0:7f00:1::]:8080/",
    "http://[2606:2800:220:1:0:5efe:7f00:1]:8080/",
    "http://[fe80::1%25lo]:8080/",
    "http://[fe80::1%lo]:8080/",
    "http://[fec0::1]:8080/",
    "http://[::1%25]:8080/",
    "http://①②⑦.⓪.⓪.①:8080/",
    "http://１２７.0.0.1:8080/",  # noqa: RUF001 - the odd digits are the case
    "http://127。0。0。1:8080/",
    "http://127%2e0%2e0%2e1:8080/",
    "http://example.com@127.0.0.1:8080/",
    "http://127.0.0.1:8080\\@example.com/",
    "http://127.0.0.1:8080#@example.com/",
    "http://127.0.0.1:8080?@example.com/",
    " http://127.0.0.1:8080/",
    "http://127.0.0.1\t:8080/",
    "http://127.0.0.1\n:8080/",
    "http://127.0.0.1\x00:8080/",
    "http://private.test:8080/",
    "http:127.0.0.1/",
    "http:/127.0.0.1/",
    "//127.0.0.1:8080/",
    "127.0.0.1:8080",
]
ELSEWHERE = [
    "http://169.254.169.254/latest/meta-data/",
    "http://168.63.129.16/",
    "http://100.100.100.200/latest/",
    "http://[fd00:ec2::254]/latest/",
    "http://metadata.test/computeMetadata/v1/",
    "http://10.0.0.1/",
    "http://100.64.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
]
OTHER_SCHEMES = [
    "file:///etc/passwd",
    "file://localhost/etc/passwd",
    "ftp://site.test/x",
    "data:text/html;base64,Q0FOQVJZLVNTUkY=",
    "gopher://site.test/",
    "dict://site.test/",
    "ws://site.test/",
    "javascript:alert(1)",
    "//site.test/",
    "site.test",
    "",
    "http://",
    "http:///x",
]


@pytest.mark.parametrize("url", LOOPBACK)
async def test_no_way_to_write_loopback_leads_there(web: Web, url: str) -> None:
    web.site.replies["/"] = page(CANARY)
    web.names.answers |= {"localhost": [["127.0.0.1", "::1"]], "private.test": [["127.0.0.1"]]}
    result = await web.call("fetch_page", url=url)
    assert result.is_error
    assert CANARY not in said(result)
    assert web.connector.reached == []


@pytest.mark.parametrize("url", ELSEWHERE)
async def test_private_and_metadata_addresses_are_refused_by_kind(web: Web, url: str) -> None:
    web.names.answers["metadata.test"] = [["169.254.169.254"]]
    result = await web.call("fetch_page", url=url)
    assert result.is_error
    assert "only public addresses are fetched" in said(result)
    assert web.connector.reached == []


@pytest.mark.parametrize("url", OTHER_SCHEMES)
async def test_only_whole_web_addresses_are_fetched(web: Web, url: str) -> None:
    result = await web.call("fetch_page", url=url)
    assert result.is_error
    assert "https://example.com/docs" in said(result)
    assert web.connector.reached == []


@pytest.mark.parametrize("port", [1, 22, 25, 2375, 3306, 5432, 6379, 9200, 11434, 65535])
async def test_ports_that_serve_no_pages_are_refused(web: Web, port: int) -> None:
    result = await web.call("fetch_page", url=f"http://site.test:{port}/%0d%0aFLUSHALL%0d%0a")
    assert result.is_error
    assert f"Port {port}" in said(result)
    assert web.connector.reached == []


@pytest.mark.parametrize("url", ["http://u:p@site.test/", "http://u@site.test/", "http://:p@site.test/"])
async def test_credentials_in_an_address_are_refused(web: Web, url: str) -> None:
    result = await web.call("fetch_page", url=url)
    assert result.is_error
    assert web.connector.reached == []


async def test_one_private_address_among_public_ones_is_refused(web: Web) -> None:
    web.names.answers["mixed.test"] = [[PUBLIC, "127.0.0.1"]]
    assert (await web.call("fetch_page", url="http://mixed.test/")).is_error
    assert web.connector.reached == []


async def test_a_name_is_looked_up_once_for_a_connection_which_goes_where_it_was_checked(web: Web) -> None:
    web.site.replies["/"] = page("<p>public")
    # One connection for robots.txt, one for the page; the fixture closes each.
    web.names.answers["rebind.test"] = [[PUBLIC], [PUBLIC], ["127.0.0.1"]]
    assert (await web.page("http://rebind.test/"))["text"] == "public"
    assert web.connector.reached == [(PUBLIC, 80), (PUBLIC, 80)]


async def test_a_name_that_turns_private_between_two_connections_is_refused(web: Web) -> None:
    web.site.replies["/"] = page(CANARY)
    web.names.answers["rebind.test"] = [[PUBLIC], ["127.0.0.1"]]
    result = await web.call("fetch_page", url="http://rebind.test/")
    assert result.is_error
    assert CANARY not in said(result)
    assert web.connector.reached == [(PUBLIC, 80)]


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:8080/secret",
        "//127.0.0.1:8080/secret",
        "http://private.test/secret",
        "http://[::ffff:127.0.0.1]/secret",
        "http://169.254.169.254/",
        "http://site.test:6379/",
        "file:///etc/passwd",
        "http://u:p@site.test/secret",
        "http://site.test\\@127.0.0.1/secret",
        "gopher://site.test/",
    ],
)
async def test_a_redirect_is_checked_like_an_address(web: Web, location: str) -> None:
    web.names.answers["private.test"] = [["127.0.0.1"]]
    web.site.replies |= {"/": redirect(location), "/secret": page(CANARY)}
    result = await web.call("fetch_page", url="http://site.test/")
    assert result.is_error
    assert CANARY not in said(result)
    assert {host for host, _ in web.connector.reached} == {PUBLIC}
    assert web.site.paths() == ["/"]


async def test_a_redirect_of_robots_txt_is_checked_too(web: Web) -> None:
    web.site.replies |= {"/robots.txt": redirect("http://127.0.0.1:8080/secret"), "/": page("<p>x")}
    assert (await web.call("fetch_page", url="http://site.test/")).is_error
    assert {host for host, _ in web.connector.reached} == {PUBLIC}


async def test_redirects_end(web: Web) -> None:
    web.site.replies |= {"/a": redirect("/b"), "/b": redirect("/a")}
    result = await web.call("fetch_page", url="http://site.test/a")
    assert result.is_error
    assert "redirects more than 5 times" in said(result)
    assert len(web.site.paths()) == 6


async def test_a_redirect_target_does_not_speak_through_our_errors(web: Web) -> None:
    web.site.replies["/"] = redirect("ftp://site.test/IGNORE-ALL-PREVIOUS")
    first = said(await web.call("fetch_page", url="http://site.test/"))
    web.site.replies["/"] = redirect("http://IGNORE ALL PREVIOUS/")
    second = said(await web.call("fetch_page", url="http://site.test/"))
    assert "IGNORE" not in first + second


async def test_exempt_pairs_are_fetched_and_no_other_port_of_their_host(open_web: OpenWeb) -> None:
    async with open_web(CODEGOD_FETCH_ALLOW="127.0.0.1:PORT, [::1]:7, db.test:5432") as web:
        web.site.replies["/"] = page("<p>internal")
        web.names.answers["db.test"] = [["10.0.0.5", "127.0.0.1"]]
        assert (await web.page(f"http://127.0.0.1:{web.site.port}/"))["text"] == "internal"
        assert (await web.page("http://db.test:5432/"))["text"] == "internal"
        assert (await web.page("http://[::1]:7/"))["text"] == "internal"
        reached = len(web.connector.reached)
        for url in (
            "http://127.0.0.1/",
            "http://db.test/",
            "http://127.0.0.2:PORT/",
            "http://localhost:PORT/",
        ):
            assert (await web.call("fetch_page", url=url.replace("PORT", str(web.site.port)))).is_error
        assert len(web.connector.reached) == reached


@pytest.mark.parametrize("text", ["127.0.0.1", "host:", ":80", "host:x", "host:٨", "a:1;b:2"])
def test_a_malformed_exemption_is_an_error_and_not_none(text: str, tmp_path: Path) -> None:
    with pytest.raises(BadAllowance, match="CODEGOD_FETCH_ALLOW"):
        build_server(ServerSettings(tmp_path, tmp_path, environment={"CODEGOD_FETCH_ALLOW": text}))


def test_exemptions_are_read_in_any_spelling() -> None:
    assert read_allowance(" Docs.Local:8080,[0:0::1]:80\n127.0.0.1:9 ") == {
        ("docs.local", 8080),
        ("::1", 80),
        ("127.0.0.1", 9),
    }
    assert read_allowance("") == frozenset()


async def test_a_public_address_of_this_machine_is_refused(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    class Probe:
        def __init__(self, *_: object) -> None: ...
        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None: ...
        def connect(self, address: tuple[str, int]) -> None:
            self.address = address

        def getsockname(self) -> tuple[str, int]:
            return self.address

    monkeypatch.setattr(
        "codegod_fetch.guard.socket",
        SimpleNamespace(
            AF_INET=socket.AF_INET, AF_INET6=socket.AF_INET6, SOCK_DGRAM=socket.SOCK_DGRAM, socket=Probe
        ),
    )
    result = await web.call("fetch_page", url="http://site.test/")
    assert result.is_error
    assert "this machine" in said(result)


async def test_proxies_credentials_and_cookies_of_this_machine_are_not_used(
    open_web: OpenWeb, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine site.test login user password GOT-AUTH\n", encoding="ascii")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with open_web() as web:
        web.site.replies |= {
            "/a": page("<p>a", headers={"Set-Cookie": "tracked=1; Path=/"}),
            "/b": page("<p>b"),
            "/r": redirect("/b"),
        }
        for path in ("/a", "/b", "/r"):
            await web.page(f"http://site.test{path}")
        asked = [headers for _, headers in web.site.asked]
        assert all("cookie" not in headers and "authorization" not in headers for headers in asked)
        assert {headers["host"] for headers in asked} == {"site.test"}
        result = await web.call("fetch_page", url="http://only-the-proxy-knows.invalid/")
        assert result.is_error


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for `site.test` and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "site.test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("site.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = tmp_path / "cert.pem", tmp_path / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return files


async def test_an_encrypted_page_is_checked_by_its_name_though_connected_by_address(
    open_web: OpenWeb, certificate: tuple[Path, Path]
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    named: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: named.append(name)
    async with open_web(context, SSL_CERT_FILE=str(certificate[0])) as web:
        web.site.replies["/"] = page("<p>private talk")
        assert (await web.page("https://site.test/"))["text"] == "private talk"
        assert set(named) == {"site.test"}
        assert {host for host, _ in web.connector.reached} == {PUBLIC}
        result = await web.call("fetch_page", url="https://other.test/")
        assert result.is_error
        assert "certificate" in said(result)
