"""What every run of JavaScript needs: the files it is about, the packages beside them, Node.js."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from .project import Project

SCRIPT = re.compile(r"\.([cm]?[jt]s|[jt]sx)$")
TEST_FILE = re.compile(r"(\.(test|spec)\.([cm]?[jt]s|[jt]sx)$)")
TYPED = re.compile(r"\.([cm]?ts|tsx|jsx)$")
_MODULES = "node_modules"
_GROUPS = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")


@dataclass(frozen=True)
class Ground:
    """Where things lie: the kit of tools, the packages of the environment ('' when there are none), our own scripts."""

    node: str
    kit: str
    modules: str
    scripts: str

    def command(self, *options: str) -> list[str]:
        """Node.js, so that it reads TypeScript."""
        return [self.node, "--import", f"file://{self.kit}/{_MODULES}/tsx/dist/loader.mjs", *options]

    def tool(self, path: str) -> str:
        """A file of the kit."""
        return os.path.join(self.kit, _MODULES, path)


def read_ground() -> Ground:
    """From the command line: kit, environment, folder of our own scripts, Node.js."""
    kit, env, scripts, node = sys.argv[2:6]
    modules = os.path.join(env, _MODULES) if env else ""
    return Ground(node, kit, modules if modules and os.path.isdir(modules) else "", scripts)


def link_packages(ground: Ground, folder: str) -> None:
    """Give the copy in `folder` the packages of the environment: each a link, in a folder that is the run's own."""
    if not ground.modules:
        return
    target = os.path.join(folder, _MODULES)
    os.makedirs(target, exist_ok=True)
    for name in os.listdir(ground.modules):
        source = os.path.join(ground.modules, name)
        if name.startswith("@"):
            os.makedirs(os.path.join(target, name), exist_ok=True)
            for part in os.listdir(source):
                _link(os.path.join(source, part), os.path.join(target, name, part))
        elif name != ".package-lock.json":
            _link(source, os.path.join(target, name))


def _link(source: str, target: str) -> None:
    if not os.path.lexists(target):
        os.symlink(source, target)


def manifests(project: Project) -> list[dict[str, Any]]:
    """Every package.json that can be read."""
    found = []
    for source in project.sources.values():
        if source.name == "package.json":
            try:
                document = json.loads(source.text)
            except (ValueError, RecursionError):
                continue
            if isinstance(document, dict):
                found.append(document)
    return found


def declared(documents: list[dict[str, Any]]) -> list[str]:
    """Names of the packages that the manifests ask for, their own included."""
    names = {str(document.get("name", "")) for document in documents}
    for document in documents:
        for group in _GROUPS:
            table = document.get(group)
            names |= set(table) if isinstance(table, dict) else set()
    return sorted(names - {""})


def installed(ground: Ground) -> list[str] | None:
    """Names of the packages in the environment; None without one."""
    if not ground.modules:
        return None
    names = []
    for name in os.listdir(ground.modules):
        inner = os.listdir(os.path.join(ground.modules, name)) if name.startswith("@") else []
        names += [f"{name}/{part}" for part in inner] or [name]
    return names


def quietly(
    command: list[str], folder: str, seconds: float, *, said: bytes = b"", **more: Any
) -> tuple[int, str]:
    """Run to the end, or for so long: exit code (124 when it was stopped) and the end of what it said."""
    environment = {**os.environ, "NODE_NO_WARNINGS": "1", "NO_COLOR": "1", "CI": "true"}
    process = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=environment, start_new_session=True, **more,
    )  # fmt: skip
    try:
        output, _ = process.communicate(said, timeout=seconds)
        return process.returncode, output.decode(errors="replace")[-4000:]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        output, _ = process.communicate()
        return 124, output.decode(errors="replace")[-4000:]
