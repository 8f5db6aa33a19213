"""What a run is told, and what it tells."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from codegod_sandbox.execution import (
    FILES,
    PYTHON,
    TOOLS,
    WORKSPACE,
    Limits,
    RunResult,
    RunSpec,
    Sandbox,
    mounted,
)
from codegod_sandbox.execution_faults import ForeignFile, SandboxBroken, UnreachableFolder

Run = Callable[..., Awaitable[RunResult]]


async def test_a_program_reads_its_input_and_its_output_comes_back(run: Run, level: str) -> None:
    result = await run("sh", "-c", "cat; echo problem >&2", stdin=b"hello")
    assert (result.status, result.exit_code, result.level) == ("exit", 0, level)
    assert (result.stdout, result.stderr, result.truncated) == (b"hello", b"problem\n", False)
    assert 0 < result.seconds < 20


@pytest.mark.parametrize(
    ("command", "status", "code"),
    [
        (("sh", "-c", "exit 77"), "exit", 77),
        (("sh", "-c", "exit 1"), "exit", 1),
        (("sh", "-c", "kill -TERM $$"), "signal", 143),
        (("sh", "-c", "exec /nonexistent/program"), "exit", 127),
        (("no-such-program",), "exit", 127),
        (("/etc/alternatives",), "exit", 126),
    ],
)
async def test_how_a_program_ended_is_told_as_a_shell_would(
    run: Run, command: tuple[str, ...], status: str, code: int
) -> None:
    result = await run(*command)
    assert (result.status, result.exit_code) == (status, code)


async def test_a_program_that_reads_no_input_does_no_harm(run: Run) -> None:
    result = await run("true", stdin=b"x" * (1 << 20))
    assert (result.status, result.exit_code) == ("exit", 0)


async def test_the_workspace_is_the_working_directory_and_belongs_to_the_program(
    run: Run, workspace: Path
) -> None:
    (workspace / "src").mkdir()
    (workspace / "src" / "ours.py").write_text("before\n", "utf-8")
    result = await run("sh", "-c", "pwd; echo after > src/ours.py; mkdir made; touch made/file")
    assert result.stdout.decode().strip() == result.workspace
    assert (workspace / "src" / "ours.py").read_text("utf-8") == "after\n"
    assert (workspace / "made" / "file").exists()


async def test_a_workspace_can_be_shown_without_being_given(run: Run, workspace: Path) -> None:
    (workspace / "file").write_text("content", "utf-8")
    owner = (workspace / "file").stat().st_uid
    result = await run("sh", "-c", "cat file; echo x > file || echo x > new", workspace_writable=False)
    assert (result.stdout, result.exit_code) == (b"content", 2)
    assert (workspace / "file").read_text("utf-8") == "content"
    assert (workspace / "file").stat().st_uid == owner


async def test_files_and_mounts_are_found_where_their_tokens_say(run: Run, state_dir: Path) -> None:
    shown, given = state_dir / "shown", state_dir / "given"
    for folder in (shown, given):
        folder.mkdir()
    (shown / "text").write_text("shown", "utf-8")
    result = await run(
        "sh",
        "-c",
        f'cat {FILES}/plugin.py "$SHOWN/text"; echo made > {mounted("given")}/new; '
        f'(echo x > {FILES}/plugin.py; echo x > "$SHOWN/text") 2>/dev/null; test "$PWD" = {WORKSPACE}',
        files={"plugin.py": b"plugin "},
        read_only={"shown": shown},
        writable={"given": given},
        variables={"SHOWN": mounted("shown")},
    )
    assert (result.stdout, result.exit_code) == (b"plugin shown", 0)
    assert (given / "new").read_text("utf-8") == "made\n"
    assert (shown / "text").read_text("utf-8") == "shown"


async def test_a_folder_can_be_shown_at_its_own_path(run: Run, state_dir: Path) -> None:
    packages = state_dir / "packages"
    packages.mkdir()
    (packages / "index.html").write_text("page", "utf-8")
    result = await run("sh", "-c", f"cat {packages}/index.html; touch {packages}/new", in_place=(packages,))
    assert (result.stdout, result.exit_code) == (b"page", 1)
    assert not (packages / "new").exists()


async def test_python_and_the_validators_are_there(run: Run) -> None:
    version = await run(PYTHON, "-c", "import sys; print(sys.version_info >= (3, 11))")
    assert version.stdout == b"True\n"
    for command in (
        ("ruff", "--version"),
        (f"{TOOLS}/ty", "--version"),
        ("uv", "--version"),
        ("python", "-V"),
    ):
        result = await run(*command)
        assert (result.status, result.exit_code) == ("exit", 0), result.stderr


async def test_an_argument_with_a_nul_is_a_mistake_of_the_caller(run: Run) -> None:
    with pytest.raises(ValueError, match="cannot be passed"):
        await run("echo", "a\0b")


async def test_the_servers_secrets_are_in_no_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary-key")
    look = (
        "import os\n"
        "for process in [name for name in os.listdir('/proc') if name.isdigit()]:\n"
        "    for kind in ('environ', 'cmdline'):\n"
        "        try: content = open(f'/proc/{process}/{kind}', 'rb').read()\n"
        "        except OSError: continue\n"
        "        print('ESCAPE' if b'can' + b'ary' in content else 'seen')\n"
    )
    result = await run(PYTHON, "-c", look)
    assert b"ESCAPE" not in result.stdout
    if result.level == "bubblewrap":
        assert result.stdout.count(b"seen") >= 4  # init and the program itself
    else:
        assert b"PermissionError" in result.stderr  # the list of processes is closed


async def test_variables_are_on_nobody_elses_command_line(run_bubblewrap: Run) -> None:
    look = "import os; print(open('/proc/1/cmdline').read(), os.environ['PASSWORD'])"
    result = await run_bubblewrap(PYTHON, "-c", look, variables={"PASSWORD": "only-mine"})
    assert result.stdout.count(b"only-mine") == 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives trees away")
async def test_a_tree_that_the_programs_user_cannot_reach_is_named(sandbox: Sandbox, state_dir: Path) -> None:
    closed = state_dir / "closed"
    (closed / "tree").mkdir(parents=True)
    closed.chmod(0o700)
    with pytest.raises(UnreachableFolder, match="chmod o\\+x") as caught:
        await sandbox.run(RunSpec(("true",), closed / "tree"))
    assert caught.value.closed == str(closed)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives trees away")
async def test_a_second_name_of_a_foreign_file_is_not_given_away(
    run: Run, workspace: Path, state_dir: Path
) -> None:
    (state_dir / "precious").write_text("ours", "utf-8")
    (workspace / "link").hardlink_to(state_dir / "precious")
    owner = (state_dir / "precious").stat().st_uid
    with pytest.raises(ForeignFile, match="'link'"):
        await run("true")
    assert (state_dir / "precious").stat().st_uid == owner


async def test_a_link_is_given_and_never_its_target(run: Run, workspace: Path, state_dir: Path) -> None:
    (state_dir / "precious").mkdir()
    owner = (state_dir / "precious").stat().st_uid
    (workspace / "way").symlink_to(state_dir / "precious")
    result = await run("sh", "-c", "touch way/in")
    assert result.exit_code == 1
    assert (state_dir / "precious").stat().st_uid == owner
    assert list((state_dir / "precious").iterdir()) == []


async def test_what_bubblewrap_cannot_do_is_no_exit_of_the_program(
    sandboxes: dict[str, Sandbox], workspace: Path
) -> None:
    spec = RunSpec(("true",), workspace, read_only={"gone": workspace / "gone"})
    with pytest.raises(SandboxBroken, match="find source path"):
        await sandboxes["bubblewrap"].run(spec)


async def test_a_program_may_not_look_like_a_broken_sandbox(run: Run) -> None:
    result = await run("sh", "-c", "echo 'bwrap: setting up uid map: Permission denied' >&2; exit 1")
    assert (result.status, result.exit_code) == ("exit", 1)


async def test_the_repository_inside_a_workspace_is_read_only(run_bubblewrap: Run, workspace: Path) -> None:
    (workspace / ".git" / "hooks").mkdir(parents=True)
    (workspace / ".git" / "config").write_text("[core]\n", "utf-8")
    result = await run_bubblewrap(
        "sh",
        "-c",
        "cat .git/config; touch .git/hooks/post-checkout; echo x >> .git/config; mv .git elsewhere; rm -r .git",
    )
    assert result.stdout == b"[core]\n"
    assert (workspace / ".git" / "config").read_text("utf-8") == "[core]\n"
    assert list((workspace / ".git" / "hooks").iterdir()) == []


async def test_a_worktrees_pointer_is_read_only(run_bubblewrap: Run, workspace: Path) -> None:
    (workspace / ".git").write_text("gitdir: /elsewhere\n", "utf-8")
    result = await run_bubblewrap("sh", "-c", "cat .git; echo x > .git; rm .git")
    assert result.stdout == b"gitdir: /elsewhere\n"
    assert (workspace / ".git").read_text("utf-8") == "gitdir: /elsewhere\n"


async def test_a_link_called_git_shows_nothing(run_bubblewrap: Run, workspace: Path, state_dir: Path) -> None:
    (state_dir / "secret").write_text("secret", "utf-8")
    (workspace / ".git").symlink_to(state_dir / "secret")
    result = await run_bubblewrap("cat", ".git")
    assert (result.stdout, result.exit_code) == (b"", 1)


async def test_many_runs_at_once_do_not_disturb_each_other(sandbox: Sandbox, state_dir: Path) -> None:
    import anyio

    answers: dict[int, bytes] = {}

    async def one(number: int) -> None:
        tree = state_dir / f"tree-{number}"
        tree.mkdir()
        result = await sandbox.run(
            RunSpec(("sh", "-c", "cat > own; cat own"), tree, stdin=str(number).encode())
        )
        answers[number] = result.stdout

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(one, number)
    assert answers == {number: str(number).encode() for number in range(20)}


async def test_output_keeps_its_beginning_and_its_end(run: Run) -> None:
    limits = Limits(wall_seconds=20, output_bytes=1000)
    result = await run("sh", "-c", "echo first; seq 100000; echo last", limits=limits)
    assert (result.status, result.truncated) == ("exit", True)
    assert result.stdout.startswith(b"first\n1\n2\n")
    assert result.stdout.endswith(b"100000\nlast\n")
    assert b"bytes left out" in result.stdout
    assert len(result.stdout) < 1100
