"""A package index over TLS on loopback, with wheels made on the spot. No test that uses it needs a network."""

import asyncio
import io
import ssl
import zipfile
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
from anyio.abc import ByteStream
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

INDEX, FILES, EVIL = "index.test", "files.test", "evil.test"


def wheel(
    name: str, version: str, files: Mapping[str, str], requires: Iterable[str] = ()
) -> tuple[str, bytes]:
    """A wheel's file name and content."""
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {line}\n" for line in requires)
    content = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    content[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*content, f"{info}/RECORD"])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, text in content.items():
            archive.writestr(path, text)
    return f"{name}-{version}-py3-none-any.whl", packed.getvalue()


@dataclass
class LoopbackIndex:
    """The index: pages on one host, files on another, and what was asked of them. It is its own network."""

    pages: dict[str, list[str]] = field(default_factory=dict)  # package -> links
    files: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    passwords: list[str] = field(default_factory=list)
    dialled: list[tuple[str, int]] = field(default_factory=list)
    resolved: list[str] = field(default_factory=list)
    port: int = 0
    json: bool = False

    def add(self, name: str, version: str, files: Mapping[str, str], requires: Iterable[str] = ()) -> None:
        """Publish a wheel."""
        file, content = wheel(name, version, files, requires)
        self.files[f"/packages/{file}"] = content
        self.link(name, f"https://{FILES}/packages/{file}")

    def link(self, name: str, url: str) -> None:
        """Put a link on a package's page."""
        self.pages.setdefault(name.replace("_", "-"), []).append(url)

    async def resolve(self, host: str, port: int) -> list[str]:
        self.resolved.append(host)
        return ["203.0.113.7"]

    async def connect(self, address: str, port: int) -> ByteStream:
        self.dialled.append((address, port))
        return await anyio.connect_tcp("127.0.0.1", self.port)

    def answer(self, host: str, path: str) -> tuple[str, str, bytes]:
        """Status, content type (or where to) and body."""
        self.asked.append(f"{host}{path}")
        if path in self.redirects:
            return "302 Found", self.redirects[path], b""
        if host == FILES and path in self.files:
            return "200 OK", "application/octet-stream", self.files[path]
        package = path.removeprefix("/simple/").rstrip("/")
        if host == INDEX and path.startswith("/simple/") and package in self.pages:
            if self.json:
                files = ",".join(
                    f'{{"filename":"{url.rpartition("/")[2]}","url":"{url}","hashes":{{}}}}'
                    for url in self.pages[package]
                )
                body = f'{{"meta":{{"api-version":"1.0"}},"name":"{package}","files":[{files}]}}'
                return "200 OK", "application/vnd.pypi.simple.v1+json", body.encode()
            links = "".join(f'<a href="{url}">{url.rpartition("/")[2]}</a>' for url in self.pages[package])
            return "200 OK", "text/html", f"<!DOCTYPE html><html><body>{links}</body></html>".encode()
        return "404 Not Found", "text/plain", b"no such page"


@asynccontextmanager
async def serving(index: LoopbackIndex, folder: Path) -> AsyncIterator[Path]:
    """Serve `index`; the file with the authority that its certificate comes from."""
    authority, context = _certificates(folder)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await reader.readline():
                headers = {}
                while (line := await reader.readline()) not in (b"\r\n", b""):
                    name, _, value = line.decode().partition(":")
                    headers[name.lower()] = value.strip()
                if "authorization" in headers:
                    index.passwords.append(headers["authorization"])
                method, path, _ = request.decode().split(" ")
                status, kind, body = index.answer(headers["host"].partition(":")[0], path)
                place = "Location" if status.startswith("3") else "Content-Type"
                writer.write(
                    f"HTTP/1.1 {status}\r\n{place}: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                )
                writer.write(b"" if method == "HEAD" else body)
                await writer.drain()
        except (ConnectionError, ssl.SSLError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    index.port = server.sockets[0].getsockname()[1]
    try:
        yield authority
    finally:
        server.close()


def _certificates(folder: Path) -> tuple[Path, ssl.SSLContext]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Loopback authority")])
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in (INDEX, FILES, EVIL)])
    now = datetime.now(UTC)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    base = x509.CertificateBuilder().not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
    authority = (
        base.subject_name(name)
        .issuer_name(name)
        .public_key(authority_key.public_key())
        .serial_number(x509.random_serial_number())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    leaf = (
        base.subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, INDEX)]))
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "authority.pem").write_bytes(authority.public_bytes(pem))
    (folder / "leaf.pem").write_bytes(leaf.public_bytes(pem))
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "leaf.key").write_bytes(secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "leaf.pem", folder / "leaf.key")
    return folder / "authority.pem", context
