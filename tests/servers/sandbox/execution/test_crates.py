"""Crates of Rust: downloaded from the registry that cargo is set up with, and used without a network."""

import gzip
import io
import json
import os
import shutil
import tarfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp_types import CallToolResult

from codegod_kit import ServerSettings
from codegod_sandbox.server import build_server

from .loopback_index import FILES, INDEX, LoopbackIndex, serving

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(shutil.which("cargo") is None, reason="there is no Rust on this machine"),
]

_MANIFEST = '[package]\nname = "{name}"\nversion = "1.2.0"\nedition = "2021"\n'
_USER = (
    "//! Uses.\n\n/// Nine.\npub fn nine() -> u32 {\n    triples::triple(3)\n}\n\n"
    "#[cfg(test)]\nmod tests {\n    #[test]\n    fn nine() {\n        assert_eq!(super::nine(), 9);\n    }\n}\n"
)


class _Registry(LoopbackIndex):
    """A registry of one crate: the index on one host, its file on another."""

    def answer(self, host: str, path: str) -> tuple[str, str, bytes]:
        crate = _crate()
        entry = {"name": "triples", "vers": "1.2.0", "deps": [], "features": {}, "yanked": False}
        pages = {
            f"{INDEX}/crates/config.json": json.dumps({"dl": f"https://{FILES}/crates"}).encode(),
            f"{INDEX}/crates/tr/ip/triples": json.dumps(
                entry | {"cksum": sha256(crate).hexdigest()}
            ).encode(),
            f"{FILES}/crates/triples/1.2.0/download": crate,
        }
        body = pages.get(f"{host}{path}")
        if body is None:
            return super().answer(host, path)
        return "200 OK", "application/octet-stream", body


async def test_a_crate_is_downloaded_from_the_registry_that_cargo_is_set_up_with(state_dir: Path) -> None:
    index = _Registry()
    index.add("pytest", "9.0", {"pytest.py": ""})
    index.add("pytest_timeout", "2.0", {"pytest_timeout.py": ""}, ["pytest"])
    home, root, state = (state_dir / name for name in ("cargo", "tree", "state"))
    for folder in (home, root, state, root / "src"):
        folder.mkdir()
    registry = f'[source.mirror]\nregistry = "sparse+https://{INDEX}/crates/"\n'
    (home / "config.toml").write_text(f'[source.crates-io]\nreplace-with = "mirror"\n\n{registry}', "utf-8")
    (root / "src/lib.rs").write_text(_USER, "utf-8")
    async with serving(index, state_dir) as authority:
        own = {
            **os.environ, "CARGO_HOME": str(home), "SSL_CERT_FILE": str(authority), "UV_NO_CONFIG": "1",
            "PIP_CONFIG_FILE": os.devnull, "UV_DEFAULT_INDEX": f"https://{INDEX}/simple",
        }  # fmt: skip
        settings = ServerSettings(root=root, state=state, environment=own)
        async with Client(build_server(settings, network=index)) as client:
            prepared = await _prepare(client, root, "triples")
            assert not prepared.is_error, prepared.content
            result = await client.call_tool("check_run", {"tests": ["."]})
            report: dict[str, Any] = result.structured_content or {}
            assert report["ok"], result.content
            assert [(each["id"], each["outcome"]) for each in report["tests"]] == [
                ("src/lib.rs::tests::nine", "passed")
            ]
            refused = await _prepare(client, root, "quadruples")
    assert refused.is_error
    assert "could not be downloaded: quadruples" in str(refused.content)
    assert set(index.resolved) == {INDEX, FILES}


async def _prepare(client: Client, root: Path, crate: str) -> CallToolResult:
    manifest = f'{_MANIFEST.format(name="demo")}\n[dependencies]\n{crate} = "1"\n'
    (root / "Cargo.toml").write_text(manifest, "utf-8")
    with anyio.fail_after(120):
        return await client.call_tool("env_prepare", {})


def _crate() -> bytes:
    """A crate as a registry serves it, the same at every call."""
    files = {
        "Cargo.toml": _MANIFEST.format(name="triples"),
        "src/lib.rs": "pub fn triple(n: u32) -> u32 {\n    n * 3\n}\n",
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"triples-1.2.0/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return gzip.compress(packed.getvalue(), mtime=0)
