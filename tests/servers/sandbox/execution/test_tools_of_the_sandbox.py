"""The interpreter and the validators, where any user can read them."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from codegod_sandbox.toolchain import NoInterpreter, find_toolchain

_UID = 59_998 if os.geteuid() == 0 else None


def _script(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    path.chmod(0o755)
    return path


async def test_the_same_tools_are_gathered_once(state_dir: Path, environment: Mapping[str, str]) -> None:
    first = await find_toolchain(state_dir, _UID, environment)
    second = await find_toolchain(state_dir, _UID, environment)
    assert first == second
    assert first.missing == ()
    assert sorted(path.name for path in first.tools.iterdir()) == ["python", "python3", "ruff", "ty", "uv"]
    assert [path.name for path in (state_dir / "tools").iterdir()] == [first.tools.name]
    assert all((first.tools / name).stat().st_mode & 0o005 == 0o005 for name in ("ruff", "ty", "uv"))


async def test_tools_that_cannot_be_linked_are_copied(
    state_dir: Path, environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("another file system")

    monkeypatch.setattr("os.link", refuse)
    found = await find_toolchain(state_dir, _UID, environment)
    assert (found.tools / "uv").stat().st_nlink == 1


@pytest.mark.parametrize(
    "system",
    ["gone", "exit 1", "echo garbage", 'echo \'["/usr/bin/python3", "/usr", [3, 9, 0]]\''],
)
async def test_a_copy_of_our_own_interpreter_is_made_where_none_can_be_used(
    state_dir: Path, environment: Mapping[str, str], system: str
) -> None:
    other = state_dir / "gone" if system == "gone" else _script(state_dir, "python3", system)
    closed = state_dir / "closed"
    closed.mkdir(mode=0o700)
    own = _script(closed, "python", f'exec {sys.base_prefix}/bin/python3 "$@"')
    found = await find_toolchain(state_dir / "state", _UID, environment, system=other, own=own)
    assert found.python_version == sys.version_info[:3]
    assert found.outside_usr == (() if found.python.is_relative_to("/usr") else (found.outside_usr[0],))
    if _UID is not None:
        assert found.python.is_relative_to(state_dir / "state" / "tools")
        assert found.outside_usr == (found.python.parents[1],)


async def test_without_any_interpreter_it_is_said_what_was_tried(
    state_dir: Path, environment: Mapping[str, str]
) -> None:
    old = _script(state_dir, "old", 'echo \'["/x/python", "/x", [3, 9, 1]]\'')
    with pytest.raises(NoInterpreter, match=r"it is 3\.9\.1") as caught:
        await find_toolchain(state_dir / "state", _UID, environment, system=state_dir / "gone", own=old)
    assert "gone" in str(caught.value)


async def test_a_version_managers_script_is_no_tool(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(state_dir))
    monkeypatch.setattr("sys.executable", str(state_dir / "python"))
    _script(state_dir, "ruff", "echo shim")
    found = await find_toolchain(state_dir / "state", _UID, {"PATH": str(state_dir)})
    assert found.missing == ("ruff", "ty", "uv")
