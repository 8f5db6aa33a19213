"""The runner: bounded output, bounded time, no process left."""

import os
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anyio
import pytest

from codegod_git import runner
from codegod_git.faults import DeadlinePassed, GitFailed, OutputTooLarge
from codegod_git.runner import Git


@pytest.fixture
def git(alone: Any) -> Git:
    found = shutil.which("git")
    assert found is not None
    return Git(found, alone.root / ".git")


def pretending(tmp_path: Path, script: str) -> Git:
    """A program in git's place."""
    program = tmp_path / "git"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    return Git(str(program), tmp_path, variables={"PATH": os.environ["PATH"]})


def is_alive(noted: Path) -> bool:
    """Whether the process whose number is in the file `noted` still runs; one that only waits to be buried does not."""
    number = int(noted.read_text(encoding="ascii"))
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{number}/stat")
    return not (status.exists() and ") Z " in status.read_text(encoding="utf-8"))


async def test_output_is_bounded_before_it_is_kept(git: Git, alone: Any) -> None:
    alone.write({"big": "x" * 10_000_000})
    blob = alone.git("hash-object", "-w", "big")
    with pytest.raises(OutputTooLarge):
        await git.run("cat-file", "blob", blob, limit=1000)
    assert len(await git.run("cat-file", "blob", blob, limit=10_000_000)) == 10_000_000


async def test_a_late_command_ends_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = pretending(tmp_path, "sh -c 'trap \"\" TERM; echo $$ > child; sleep 600' & wait")
    monkeypatch.setattr(runner, "COMMAND_SECONDS", 0.5)
    with pytest.raises(DeadlinePassed), anyio.fail_after(10):
        await git.run("status")
    with anyio.fail_after(5):
        while is_alive(tmp_path / "child"):  # noqa: ASYNC110 - nobody tells when a grandchild has ended
            await anyio.sleep(0.01)


@pytest.mark.long
async def test_a_command_that_will_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git = pretending(tmp_path, "trap '' TERM; echo $$ > pid; while :; do sleep 0.05; done")
    monkeypatch.setattr(runner, "COMMAND_SECONDS", 0.5)
    monkeypatch.setattr(runner, "_GRACE_SECONDS", 0.1)
    with pytest.raises(DeadlinePassed), anyio.fail_after(10):
        await git.run("status")
    assert not is_alive(tmp_path / "pid")


async def test_a_cancelled_call_leaves_no_process(tmp_path: Path) -> None:
    git = pretending(tmp_path, "echo $$ > pid; exec sleep 600")
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(git.run, "status")
            while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text(encoding="ascii"):
                await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
    assert not is_alive(tmp_path / "pid")


async def test_a_command_that_reads_nothing_is_judged_by_its_status(git: Git) -> None:
    with pytest.raises(GitFailed) as failed:
        await git.run("cat-file", "blob", "0" * 40, stdin=b"x" * 1_000_000)
    assert failed.value.status == 128


async def test_a_failure_does_not_tell_where_the_repository_lies(git: Git, alone: Any) -> None:
    (alone.root / ".git" / "HEAD").write_text("nonsense\n", encoding="utf-8")
    with pytest.raises(GitFailed) as failed:
        await git.run("rev-parse", "HEAD")
    assert str(alone.root) not in str(failed.value)


async def test_what_is_fed_may_fail_and_the_command_ends(git: Git) -> None:
    async def failing() -> AsyncGenerator[bytes, None]:
        yield b"blob\n"
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"), anyio.fail_after(10):
        await git.run("fast-import", "--quiet", "--done", stdin=failing())


async def test_the_servers_environment_is_not_git_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    told = (await pretending(tmp_path, "env").run("status")).decode()
    assert "ANTHROPIC" not in told
    assert "GIT_CONFIG_NOSYSTEM=1" in told
