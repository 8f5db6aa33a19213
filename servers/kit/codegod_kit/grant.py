"""Grants: what one attempt may use, signed by whoever runs the build and checked by every server.

A token is `base64url(json).base64url(signature)`, without padding; Ed25519 signs the first part as it stands. It
travels in a request's `_meta` under `META_KEY`, on stdio, over HTTP and in-process alike.
"""

import base64
import binascii
import fnmatch
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from codegod_kit.faults import ToolFault

META_KEY = "codegod/grant"
# Says what the signature is for, so that the same key never vouches for bytes of another kind.
_PURPOSE = b"codegod-grant-1:"
# A grant holds a few dozen patterns; anything longer is not ours and is not worth decoding.
_TOKEN_LIMIT_CHARS = 16 * 1024


class GrantRefused(ToolFault):
    """The request's grant does not allow what it asks for."""


class MissingGrant(GrantRefused):
    """A server that demands grants was asked without one."""

    def __init__(self) -> None:
        super().__init__(
            f"This server demands a grant in the request's _meta under {META_KEY!r}. "
            "Ask the orchestrator for one, or start the server without a grant key."
        )


class ForgedGrant(GrantRefused):
    """The token is not one that the orchestrator signed."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The grant is refused: {reason}. Ask the orchestrator for a new one.")
        self.reason = reason


class ExpiredGrant(GrantRefused):
    """The grant's time is over."""

    def __init__(self, attempt: str, seconds: float) -> None:
        super().__init__(
            f"The grant of attempt {attempt!r} ended {seconds:.0f} s ago. Stop here; nothing more is counted."
        )
        self.attempt = attempt


class ToolNotGranted(GrantRefused):
    """The tool exists, and this grant does not name it."""

    def __init__(self, tool: str, available: tuple[str, ...]) -> None:
        names = ", ".join(available) or "none on this server"
        super().__init__(f"The tool {tool!r} is not granted to this task. Use one of: {names}.")
        self.tool = tool
        self.available = available


class Grant(BaseModel):
    """What one attempt of one task may do, and until when."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    build: str
    task: str
    attempt: str = Field(description="Attempt id, e.g. `storage.2`")
    tools: tuple[str, ...] = Field(description='Patterns on "server.tool", e.g. `sandbox.file_*`')
    workspace: str = Field(
        default="", description="Handle; `b1/*` is every tree of that build, empty is none"
    )
    write: tuple[str, ...] = Field(default=("**",), description="Globs of paths that file tools may change")
    network: bool = Field(default=False, description="Whether env_prepare may use the egress proxy")
    source: str = Field(default="", description="The one absolute folder that repo_import may read")
    deliver: str = Field(default="", description="The one absolute folder that a delivery may write to")
    branch: str = Field(
        default="",
        description="The one branch that branch_deliver may make there; empty: none, but a new folder",
    )
    deadline: float = Field(allow_inf_nan=False, description="Epoch seconds; no call outlives it")

    def allows(self, server: str, tool: str) -> bool:
        """Whether the tool `tool` of the server `server` is named by this grant."""
        name = f"{server}.{tool}"
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.tools)


class GrantIssuer:
    """Signs grants. Only the orchestrator holds one."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def new(cls) -> Self:
        """An issuer with a fresh key, good for the life of this process."""
        return cls(Ed25519PrivateKey.generate())

    @property
    def public_key(self) -> bytes:
        """The 32 raw bytes that servers check signatures with."""
        return self._key.public_key().public_bytes_raw()

    def issue(self, grant: Grant) -> str:
        """The signed token of `grant`."""
        payload = _encode(grant.model_dump_json().encode())
        return f"{payload}.{_encode(self._key.sign(_PURPOSE + payload.encode()))}"


class GrantVerifier:
    """Checks tokens against one public key."""

    def __init__(self, public_key: bytes, *, clock: Callable[[], float] = time.time) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(public_key)
        self.clock = clock

    def verify(self, token: str) -> Grant:
        """The grant that `token` carries; raises a `GrantRefused` that says why there is none."""
        grant = self._read(token)
        late = self.clock() - grant.deadline
        if late >= 0:
            raise ExpiredGrant(grant.attempt, late)
        return grant

    def seconds_left(self, grant: Grant) -> float:
        """How long a call under `grant` may still run."""
        return max(0.0, grant.deadline - self.clock())

    def _read(self, token: str) -> Grant:
        if len(token) > _TOKEN_LIMIT_CHARS:
            raise ForgedGrant(f"it is longer than {_TOKEN_LIMIT_CHARS} characters")
        payload, dot, signature = token.partition(".")
        if not dot:
            raise ForgedGrant("it is not payload.signature")
        try:
            self._key.verify(_decode(signature), _PURPOSE + payload.encode())
            return Grant.model_validate_json(_decode(payload))
        except InvalidSignature as error:
            raise ForgedGrant("its signature is not the orchestrator's") from error
        except (ValidationError, binascii.Error, UnicodeError) as error:
            raise ForgedGrant("it cannot be read") from error


_current: ContextVar[tuple[Grant, Callable[[], float]] | None] = ContextVar("codegod_grant", default=None)


def current_grant() -> Grant | None:
    """The grant of the call being served, in async and in sync tools; None when nothing is demanded."""
    held = _current.get()
    return None if held is None else held[0]


def seconds_left(wanted: float) -> float:
    """`wanted`, or less when the current grant ends before that: the limit to give to what a tool starts."""
    held = _current.get()
    if held is None:
        return wanted
    grant, clock = held
    return max(0.0, min(wanted, grant.deadline - clock()))


@contextmanager
def holding(grant: Grant, clock: Callable[[], float] = time.time) -> Iterator[None]:
    """Make `grant` the current one inside the block, as a server does around each call."""
    mark = _current.set((grant, clock))
    try:
        yield
    finally:
        _current.reset(mark)


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    padded = text.encode("ascii") + b"=" * (-len(text) % 4)
    data = base64.b64decode(padded, altchars=b"-_", validate=True)
    if _encode(data) != text:  # the decoder takes other alphabets and spare bits: one grant, one token
        raise binascii.Error("not the one way to write these bytes")
    return data
