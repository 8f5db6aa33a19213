"""Grants, by themselves."""

import base64
import json
import time
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from codegod_kit import ExpiredGrant, ForgedGrant, Grant, GrantIssuer, GrantVerifier, current_grant
from codegod_kit.grant import holding, seconds_left

NOW = 1_000_000.0
GRANT = Grant(build="b1", task="t", attempt="t.1", tools=("git.*", "sandbox.file_read"), deadline=NOW + 10)
_ISSUER = GrantIssuer.new()
_TOKEN = _ISSUER.issue(GRANT.model_copy(update={"deadline": time.time() + 3600}))


def at(seconds: float) -> Callable[[], float]:
    return lambda: NOW + seconds


def test_a_grant_comes_back_as_it_was_issued() -> None:
    issuer = GrantIssuer.new()
    assert GrantVerifier(issuer.public_key, clock=at(0)).verify(issuer.issue(GRANT)) == GRANT


def test_a_token_is_two_parts_of_unpadded_base64() -> None:
    payload, signature = GrantIssuer.new().issue(GRANT).split(".")
    assert json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["attempt"] == "t.1"
    assert len(base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))) == 64


@pytest.mark.parametrize("late", [0.0, 5.0])
def test_a_grant_ends_at_its_deadline(late: float) -> None:
    issuer = GrantIssuer.new()
    with pytest.raises(ExpiredGrant, match=f"'t.1' ended {late:.0f} s ago"):
        GrantVerifier(issuer.public_key, clock=at(10 + late)).verify(issuer.issue(GRANT))


def test_a_grant_of_another_issuer_is_refused() -> None:
    verifier = GrantVerifier(GrantIssuer.new().public_key, clock=at(0))
    with pytest.raises(ForgedGrant, match="signature"):
        verifier.verify(GrantIssuer.new().issue(GRANT))


def test_a_payload_that_was_widened_is_refused() -> None:
    issuer = GrantIssuer.new()
    wider = issuer.issue(GRANT.model_copy(update={"tools": ("*",)})).split(".")[0]
    signature = issuer.issue(GRANT).split(".")[1]
    with pytest.raises(ForgedGrant, match="signature"):
        GrantVerifier(issuer.public_key, clock=at(0)).verify(f"{wider}.{signature}")


@pytest.mark.parametrize("token", ["", ".", "a", "a.b", "ä.ö", "a" * 20_000, "=.=", "a.b.c", "\ud800.x"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(ForgedGrant):
        GrantVerifier(GrantIssuer.new().public_key).verify(token)


@given(st.text(max_size=200))
def test_no_text_passes_for_a_token(text: str) -> None:
    with pytest.raises(ForgedGrant):
        GrantVerifier(_ISSUER.public_key).verify(text)


@pytest.mark.parametrize("spare", range(1, 16))
def test_spare_bits_at_the_end_of_a_signature_are_refused(spare: int) -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spelt = _TOKEN[:-1] + alphabet[alphabet.index(_TOKEN[-1]) ^ spare]
    with pytest.raises(ForgedGrant, match="cannot be read"):
        GrantVerifier(_ISSUER.public_key, clock=at(0)).verify(spelt)


def test_the_other_alphabet_is_refused() -> None:
    issuers = iter(GrantIssuer.new, None)
    issuer = next(issuer for issuer in issuers if {"-", "_"} & set(issuer.issue(GRANT).split(".")[1]))
    payload, signature = issuer.issue(GRANT).split(".")
    with pytest.raises(ForgedGrant, match="cannot be read"):
        GrantVerifier(issuer.public_key, clock=at(0)).verify(
            f"{payload}.{signature.replace('-', '+').replace('_', '/')}"
        )


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
@example(position=len(_TOKEN) - 1, change=1)
def test_a_token_with_one_byte_changed_is_refused(position: int, change: int) -> None:
    token = bytearray(_TOKEN.encode())
    token[position % len(token)] ^= change
    with pytest.raises(ForgedGrant):
        GrantVerifier(_ISSUER.public_key, clock=at(0)).verify(token.decode("latin-1"))


@pytest.mark.parametrize(
    ("server", "tool", "allowed"),
    [
        ("git", "git_show", True),
        ("sandbox", "file_read", True),
        ("sandbox", "file_write", False),
        ("github", "git_show", False),
        ("GIT", "git_show", False),
    ],
)
def test_a_grant_names_tools_by_patterns(server: str, tool: str, allowed: bool) -> None:
    assert GRANT.allows(server, tool) is allowed


def test_a_grant_without_an_end_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="finite"):
        GRANT.model_validate({**GRANT.model_dump(), "deadline": float("inf")})


def test_the_current_grant_is_held_for_a_block() -> None:
    assert current_grant() is None
    with holding(GRANT, at(4)):
        assert current_grant() == GRANT
        assert seconds_left(60) == 6
        assert seconds_left(2) == 2
    assert current_grant() is None
    assert seconds_left(60) == 60


def test_nothing_is_left_after_the_deadline() -> None:
    with holding(GRANT, at(11)):
        assert seconds_left(60) == 0
