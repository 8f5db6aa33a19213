"""What every run of Go needs: its modules in a copy of the project, and the toolchain without a network."""

import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from .project import Project

TEST_FUNCTION = re.compile(r"^func (Test[A-Z_0-9]\w*)\(\w+ \*testing\.T\)", re.MULTILINE)
_PLACE = re.compile(r"^(?:vet: )?(?:\./)?([^\s:]+\.go):(\d+)(?::\d+)?: (.*)")


@dataclass(frozen=True)
class Toolchain:
    """The commands of Go, and the folders that they may write to."""

    root: str
    kit: str
    modules: str  # downloaded modules of others, '' when there are none
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, folder: str, *arguments: str, seconds: float) -> tuple[int, str, str]:
        """Run `go`, or another program of its folder when the first argument ends so: exit code, output, errors."""
        name = "go" if arguments[0] != "gofmt" else "gofmt"
        rest = arguments if name == "go" else arguments[1:]
        try:
            done = subprocess.run(
                [os.path.join(self.root, "bin", name), *rest],
                cwd=folder, env=self.environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return 124, "", f"go {' '.join(arguments)} did not end within {seconds:.0f} s"
        return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")

    def environment(self) -> dict[str, str]:
        """Variables that keep Go where it is: no network, no other toolchain, a cache that it reads."""
        own = {
            "GOROOT": self.root, "GOCACHE": own_cache(self.kit), "GOPATH": os.path.join(tempfile.gettempdir(), "go"), "GOFLAGS": "-mod=mod",
            "GOPROXY": "off", "GOSUMDB": "off", "GOTOOLCHAIN": "local", "GOTELEMETRY": "off", "CGO_ENABLED": "0",
        }  # fmt: skip
        if self.modules:
            own["GOMODCACHE"] = self.modules
        return {**os.environ, **own}


def own_cache(kit: str) -> str:
    """A cache of this run over the kit's: what the kit has compiled is linked, and what it has not is written.

    Go refuses a project whose imports it cannot put into its index, and that index lies in the cache.
    """
    cache = os.path.join(tempfile.gettempdir(), "go-cache")
    if not os.path.isdir(cache):
        with os.scandir(os.path.join(kit, "cache")) as folders:
            for folder in folders:
                if folder.is_dir():
                    os.makedirs(os.path.join(cache, folder.name))
                    for name in os.listdir(folder.path):
                        os.symlink(os.path.join(folder.path, name), os.path.join(cache, folder.name, name))
        # Go throws away what it has not touched for days, and it touches nothing of the kit's: it has looked just now.
        Path(cache, "trim.txt").write_text(str(int(time.time())), "utf-8")
    return cache


def read_toolchain() -> Toolchain:
    """From the command line: kit, environment, root of Go."""
    kit, env, root = sys.argv[2:5]
    modules = os.path.join(env, "gomod") if env else ""
    return Toolchain(root, kit, modules if modules and os.path.isdir(modules) else "")


def modules_of(project: Project, folder: str) -> list[str]:
    """Folders of the modules, '' for the project itself; one that has no manifest is given one, in the copy."""
    found = sorted(path.rpartition("/")[0] for path in project.sources if path.rpartition("/")[2] == "go.mod")
    if not found and any(path.endswith(".go") for path in project.sources):
        Path(folder, "go.mod").write_text("module project\n\ngo 1.21\n", "utf-8")
        found = [""]
    return found


def places(text: str, module: str) -> list[tuple[str, int, str]]:
    """The places that a message of Go names, relative to the project."""
    found = []
    for line in text.splitlines():
        if match := _PLACE.match(line):
            path = os.path.normpath(os.path.join(module, match[1]))
            found.append((path, int(match[2]), match[3]))
    return found
