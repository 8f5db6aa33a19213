"""What is found on a machine, and what is said about what is missing."""

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from codegod_kit.serving import ServerSettings
from codegod_sandbox import ground, launcher, process
from codegod_sandbox.egress import EgressPolicy
from codegod_sandbox.execution import PYTHON, RunSpec, Sandbox
from codegod_sandbox.execution_faults import BadSetting, NoEgress, SandboxMissing


def _program(folder: Path, name: str, script: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def on_machine(state: Path, environment: Mapping[str, str]) -> Callable[..., Sandbox]:
    """A sandbox with settings of its own."""
    return lambda **own: Sandbox(ServerSettings(state, state, environment={**environment, **own}))


async def test_bubblewrap_comes_first(on_machine: Callable[..., Sandbox]) -> None:
    found = await on_machine().ground()
    assert found.jail is not None
    assert found.jail.level == "bubblewrap"


async def test_without_bubblewrap_landlock_is_used_and_named(
    on_machine: Callable[..., Sandbox], workspace: Path, state_dir: Path
) -> None:
    sandbox = on_machine(PATH=str(state_dir))
    status = await sandbox.status()
    assert status.level == "landlock"
    assert any("apt install bubblewrap" in problem for problem in status.problems)
    assert any(problem.startswith("Level landlock") for problem in status.problems)
    assert (await sandbox.run(RunSpec(("true",), workspace))).level == "landlock"


async def test_who_asks_for_bubblewrap_gets_nothing_weaker(
    on_machine: Callable[..., Sandbox], workspace: Path, state_dir: Path
) -> None:
    sandbox = on_machine(PATH=str(state_dir), CODEGOD_SANDBOX="bubblewrap")
    with pytest.raises(SandboxMissing, match="apt install bubblewrap"):
        await sandbox.run(RunSpec(("touch", "ran"), workspace))
    assert not (workspace / "ran").exists()


_HELP = 'if [ "$1" = --help ]; then exec /usr/bin/bwrap --help; fi'


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (
            f"{_HELP}; echo 'bwrap: setting up uid map: Permission denied' >&2; exit 1",
            ["bwrap-userns-restrict", "apparmor_parser -r"],
        ),
        (
            f"{_HELP}; echo 'bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted' >&2; exit 1",
            ["bwrap-userns-restrict"],
        ),
        (
            f"{_HELP}; echo 'bwrap: No permissions to create new namespace' >&2; exit 1",
            ["user namespaces", "systempaths=unconfined"],
        ),
        (f"{_HELP}; exit 1", ["it says nothing"]),
        (f"{_HELP}; echo '{{' >&9; kill -9 $$", ["does not work here"]),
        ("echo '  --args FD'", ["too old", "--seccomp"]),
    ],
)
async def test_a_bubblewrap_that_fails_is_explained(
    on_machine: Callable[..., Sandbox], state_dir: Path, script: str, words: list[str]
) -> None:
    _program(state_dir, "bwrap", script)
    status = await on_machine(PATH=str(state_dir), CODEGOD_SANDBOX="bubblewrap").status()
    assert status.level == "none"
    said = " ".join(status.problems)
    assert all(word in said for word in words), said


async def test_a_bubblewrap_that_never_speaks_is_given_up_and_killed(
    on_machine: Callable[..., Sandbox],
    state_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    alive: Callable[[str], list[str]],
) -> None:
    monkeypatch.setattr(process, "_START_SECONDS", 0.3)
    marker = f"marker-{state_dir.name}"
    _program(state_dir, "bwrap", f"{_HELP}; sh -c 'sleep 60; : {marker}' & sleep 60; : {marker}")
    status = await on_machine(PATH=str(state_dir), CODEGOD_SANDBOX="bubblewrap").status()
    assert "did not start in time" in " ".join(status.problems)
    assert alive(marker) == []


async def test_mending_the_machine_needs_no_restart(
    on_machine: Callable[..., Sandbox], state_dir: Path, workspace: Path
) -> None:
    sandbox = on_machine(PATH=str(state_dir), CODEGOD_SANDBOX="bubblewrap")
    assert (await sandbox.status()).level == "none"
    (state_dir / "bwrap").symlink_to("/usr/bin/bwrap")
    assert (await sandbox.run(RunSpec(("true",), workspace))).level == "bubblewrap"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CODEGOD_SANDBOX", "docker"),
        ("CODEGOD_SANDBOX", ""),
        ("CODEGOD_SANDBOX_UID", "0"),
        ("CODEGOD_SANDBOX_UID", "me"),
    ],
)
async def test_a_setting_that_means_nothing_is_named(
    on_machine: Callable[..., Sandbox], name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(BadSetting, match=name) as caught:
        await on_machine(**{name: value}).status()
    assert repr(value) in str(caught.value)


async def test_a_state_folder_that_is_closed_is_named(
    environment: Mapping[str, str], state_dir: Path
) -> None:
    closed = state_dir / "closed"
    closed.mkdir(mode=0o700)
    settings = ServerSettings(closed, closed / "state", environment={**environment})
    status = await Sandbox(settings).status()
    if os.geteuid() == 0:
        assert status.level == "none"
        assert any(f"chmod o+x {closed}" in problem for problem in status.problems)
    else:
        assert status.level != "none"  # it is our own


@pytest.mark.parametrize("version", [0, 1, 2])
async def test_a_landlock_that_protects_too_little_is_refused(
    on_machine: Callable[..., Sandbox], monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    monkeypatch.setattr(launcher, "abi", lambda: version)
    status = await on_machine(CODEGOD_SANDBOX="landlock").status()
    assert status.level == "none"
    assert any("Linux 6.2" in problem for problem in status.problems)


@pytest.mark.parametrize("version", [3, 4, 5])
async def test_an_older_landlock_keeps_signals_in_another_way(
    on_machine: Callable[..., Sandbox], monkeypatch: pytest.MonkeyPatch, workspace: Path, version: int
) -> None:
    monkeypatch.setattr(launcher, "abi", lambda: version)
    sandbox = on_machine(CODEGOD_SANDBOX="landlock")
    code = f"import os\nfor n in ({os.getpid()}, os.getppid()):\n    try: os.kill(n, 0); print('ESCAPE')\n    except OSError: print('BLOCKED')"
    result = await sandbox.run(RunSpec((PYTHON, "-c", code), workspace))
    assert result.stdout.split() == [b"BLOCKED"] * 2
    assert any("signals" in problem for problem in (await sandbox.status()).problems)


async def test_a_landlock_without_network_rules_downloads_nothing(
    on_machine: Callable[..., Sandbox], monkeypatch: pytest.MonkeyPatch, workspace: Path
) -> None:
    monkeypatch.setattr(launcher, "abi", lambda: 3)
    sandbox = on_machine(CODEGOD_SANDBOX="landlock")
    with pytest.raises(NoEgress, match="bubblewrap"):
        await sandbox.run(RunSpec(("true",), workspace, egress=EgressPolicy(frozenset({"index.test"}))))


async def test_on_another_system_the_answer_is_no(
    on_machine: Callable[..., Sandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.delattr("os.geteuid")
    status = await on_machine().status()
    assert (status.level, status.user, status.python) == ("none", -1, "")
    assert "win32" in status.problems[0]


def test_which_folder_closes_the_way(state_dir: Path) -> None:
    (state_dir / "a" / "b").mkdir(parents=True)
    assert ground.closed_to(state_dir / "a" / "b", 12345) is None
    (state_dir / "a").chmod(stat.S_IRWXU)
    assert ground.closed_to(state_dir / "a" / "b", 12345) == state_dir / "a"
    assert ground.closed_to(state_dir / "a" / "b", None) is None
    assert ground.closed_to(state_dir / "new" / "place", 12345) is None
