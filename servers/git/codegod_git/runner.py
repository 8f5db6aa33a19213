"""The one way in which this server runs git.

Plain subprocesses instead of GitPython's command class: that class copies `os.environ` into every child, turns keyword
arguments into options, reads whatever a command prints into memory and stops a late one from a thread, and each of
these would have to be taken out again. What remains here is small: a clean environment, settings that the repository
cannot override, bounded output, a deadline, and the end of the whole process group.

Two rules for callers: text from outside (revisions, paths) goes in on stdin or behind `--`, never in front of it; and
git is never given a work tree that a model has written to. Files come in and go out through `walk` and `checkout`.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import anyio
from anyio.abc import ByteReceiveStream, ByteSendStream, Process

from codegod_git.faults import DeadlinePassed, GitFailed, OutputTooLarge
from codegod_kit import ToolFault, seconds_left

# Long enough to record the largest tree that is taken, on a slow disk.
COMMAND_SECONDS = 60.0
# The names and ids of a tree with 100,000 files; single texts have limits of their own.
OUTPUT_LIMIT_BYTES = 16 * 1024 * 1024
_ERROR_LIMIT_BYTES = 64 * 1024
# Long enough for git to take its lock files away after SIGTERM.
_GRACE_SECONDS = 1.0
_SAID_LIMIT_CHARS = 300

# Given on the command line, these win over every file that git reads, and pass to its children.
_SETTINGS = (
    f"core.hooksPath={os.devnull}",
    "core.fsmonitor=false",
    f"core.attributesFile={os.devnull}",
    f"core.excludesFile={os.devnull}",
    "core.autocrlf=false",
    "core.protectHFS=true",
    "core.protectNTFS=true",
    "core.quotePath=false",
    "core.sparseCheckout=false",
    "core.splitIndex=false",
    "core.untrackedCache=false",
    # A landing that was answered must survive a power cut: objects and refs reach the disk first (git 2.36 and newer).
    "core.fsync=committed,reference",
    # One flush of the disk for many objects; each by itself would make a first commit five times as slow.
    "core.fsyncMethod=batch",
    "commit.gpgSign=false",
    "credential.helper=",
    "gc.auto=0",
    "i18n.commitEncoding=UTF-8",
    "i18n.logOutputEncoding=UTF-8",
    "log.showSignature=false",
    "maintenance.auto=false",
    "pack.writeBitmaps=false",
    "protocol.allow=never",
    "submodule.recurse=false",
)
# Names no tree on purpose: git (2.43 and newer) then takes the empty one, so that no `.gitattributes` hides a diff.
_NO_ATTRIBUTES = "attr.tree=refs/codegod/no-attributes"
_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_ASKPASS": "false",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_EDITOR": "false",
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "cat",
    "GIT_TERMINAL_PROMPT": "0",
    "HOME": os.devnull,
    "LC_ALL": "C",
    "TZ": "UTC0",
    "XDG_CONFIG_HOME": os.devnull,
}


@dataclass(frozen=True, slots=True)
class Git:
    """git on one git directory, without any of its liberties."""

    program: str
    git_dir: Path
    work_tree: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)

    def on(self, work_tree: Path) -> Self:
        """The same, seeing `work_tree`, which must be a folder that only this server writes to."""
        return replace(self, work_tree=work_tree)

    def indexed(self, index: Path) -> Self:
        """The same, with the index file `index`."""
        return replace(self, variables={**self.variables, "GIT_INDEX_FILE": str(index)})

    def quarantined(self, objects: Path) -> Self:
        """The same, writing new objects to the folder `objects` instead of into the repository."""
        # Quoted, because colons would separate several folders.
        inside = str(self.git_dir / "objects").replace("\\", "\\\\").replace('"', '\\"')
        outside = {"GIT_OBJECT_DIRECTORY": str(objects), "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{inside}"'}
        return replace(self, variables={**self.variables, **outside})

    async def run(
        self,
        *arguments: str,
        stdin: bytes | AsyncGenerator[bytes, None] = b"",
        limit: int = OUTPUT_LIMIT_BYTES,
        statuses: Collection[int] = (0,),
    ) -> bytes:
        """What `git *arguments` prints; another status than `statuses`, too much output or time is a fault."""
        command, seconds = arguments[0], seconds_left(COMMAND_SECONDS)
        with anyio.move_on_after(seconds) as deadline:
            async with self._started(arguments) as process:
                said = await _Exchange(stdin, limit).over(process)
                if said.fault is not None:
                    raise said.fault
                if said.overflowed:
                    raise OutputTooLarge(command, limit)
                status = await process.wait()
        if deadline.cancelled_caught:
            raise DeadlinePassed(command, seconds)
        if status not in statuses:
            raise GitFailed(command, status, self._reason(bytes(said.errors)))
        return bytes(said.output)

    async def object_format(self) -> str:
        """How objects are named here: sha1 or sha256."""
        return (await self.run("rev-parse", "--show-object-format")).decode("ascii").strip()

    async def create(self, *, bare: bool, object_format: str = "sha1") -> None:
        """Make the repository, or complete one that was half made; no template of the user's gets in."""
        kind, folder = (["--bare"], self.git_dir) if bare else ([], self.git_dir.parent)
        options = ["--quiet", "--template=", "--initial-branch=main", f"--object-format={object_format}"]
        command = [self.program, *_given(_SETTINGS), "init", *options, *kind, str(folder)]
        environment = {"PATH": str(Path(self.program).parent), **_ENVIRONMENT}
        done = await anyio.run_process(command, cwd=folder, env=environment, check=False)
        if done.returncode:
            raise GitFailed("init", done.returncode, self._reason(done.stderr))

    @contextlib.asynccontextmanager
    async def _started(self, arguments: tuple[str, ...]) -> AsyncIterator[Process]:
        process = await anyio.open_process(
            self._command(arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.git_dir,
            env={"PATH": str(Path(self.program).parent), **_ENVIRONMENT, **self.variables},
            start_new_session=True,
        )
        try:
            yield process
        finally:
            with anyio.CancelScope(shield=True):
                await _end(process)
                await process.aclose()

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        wanted = _SETTINGS if self.work_tree is not None else (*_SETTINGS, _NO_ATTRIBUTES)
        # The git directory stands in for the work tree of commands that need none: nobody plants files there.
        work_tree = self.git_dir if self.work_tree is None else self.work_tree
        places = [f"--git-dir={self.git_dir}", f"--work-tree={work_tree}"]
        # check-ignore knows no literal paths; it is given them as `./path`, which starts no pathspec magic.
        literal = [] if arguments[0] == "check-ignore" else ["--literal-pathspecs"]
        return [self.program, "--no-pager", *literal, *_given(wanted), *places, *arguments]

    def _reason(self, errors: bytes) -> str:
        text = errors.decode("utf-8", "replace").replace(str(self.git_dir), "<repository>")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        first = next((line for line in lines if line.startswith(("fatal:", "error:"))), "".join(lines[:1]))
        return "".join(char if char.isprintable() else "?" for char in first)[:_SAID_LIMIT_CHARS].rstrip(".")


def _given(settings: Sequence[str]) -> list[str]:
    return [part for setting in settings for part in ("-c", setting)]


class _Exchange:
    """Everything said to and by one process; nothing here raises, so that no task group wraps a fault."""

    def __init__(self, stdin: bytes | AsyncGenerator[bytes, None], limit: int) -> None:
        self._stdin = stdin
        self._limit = limit
        self.output = bytearray()
        self.errors = bytearray()
        self.overflowed = False
        self.fault: Exception | None = None

    async def over(self, process: Process) -> Self:
        """Feed and drain `process` until it closes its output, or has said too much."""
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise AssertionError("the process was started with three pipes")
        async with anyio.create_task_group() as group:
            group.start_soon(self._feed, process.stdin, group.cancel_scope)
            group.start_soon(self._drain, process.stderr, self.errors, _ERROR_LIMIT_BYTES)
            self.overflowed = not await self._drain(process.stdout, self.output, self._limit, stop=True)
            if self.overflowed:
                group.cancel_scope.cancel()
        return self

    async def _feed(self, stream: ByteSendStream, scope: anyio.CancelScope) -> None:
        try:
            if isinstance(self._stdin, bytes):
                await stream.send(self._stdin)
            else:
                async with contextlib.aclosing(self._stdin) as chunks:
                    async for chunk in chunks:
                        await stream.send(chunk)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            return  # git ended before it had read everything; its status says why
        except (ToolFault, OSError) as error:
            self.fault = error
            scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await stream.aclose()

    async def _drain(
        self, stream: ByteReceiveStream, into: bytearray, limit: int, *, stop: bool = False
    ) -> bool:
        """Read to the end, keeping `limit` bytes; with `stop`, give up as soon as there is more."""
        whole = True
        while True:
            try:
                chunk = await stream.receive()
            except anyio.EndOfStream:
                return whole
            room = limit - len(into)
            into += chunk[:room]
            whole = whole and len(chunk) <= room
            if stop and not whole:
                return False


async def _end(process: Process) -> None:
    """End the process and all that it started: politely first, so that git removes its lock files."""
    if process.returncode is not None:
        return
    _signal_group(process, signal.SIGTERM)
    with anyio.move_on_after(_GRACE_SECONDS):
        await process.wait()
    # Also when git itself has ended by now: what it started may not have listened.
    _signal_group(process, getattr(signal, "SIGKILL", signal.SIGTERM))
    await process.wait()


def _signal_group(process: Process, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, number)
        else:
            process.send_signal(signal.Signals(number))
