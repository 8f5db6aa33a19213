"""ruff and ty, as processes of this one: started together, read when they are done."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import Any

from .finding import Finding
from .lint_rules import ADVICE, BLOCKING, HINTS, NEEDS_CONTEXT, NOT_IN_TESTS, SETTINGS, is_harmless
from .project import Project, Source
from .type_rules import ADVISED_TYPES, HARD_TYPES, KNOWN_IN_TESTS, PACKAGE_RULE
from .type_rules import HINTS as TYPE_HINTS

# Where the name of a short function stands.
_CONTEXT_LINES = 6
# Both are done in a second; what takes longer is stuck.
_SECONDS = 60


class ValidatorBroken(Exception):
    """The validator is not there, or did not answer as it should; the message says which and how."""


@dataclass
class Running:
    """A validator at work."""

    name: str
    process: "subprocess.Popen[bytes]"

    def answer(self) -> Any:
        """Its JSON, once it is done."""
        try:
            output, errors = self.process.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired as error:
            self.process.kill()
            raise ValidatorBroken(f"{self.name} did not end within {_SECONDS} s") from error
        try:
            return json.loads(output or b"[]")
        except json.JSONDecodeError as error:
            said = errors.decode(errors="replace").strip()[-200:]
            raise ValidatorBroken(f"{self.name} failed: {said or 'it said nothing'}") from error


def start_ruff(tools: str, folder: str, project: Project) -> Running:
    """Run ruff on the Python files that parse; the project's own settings do not count."""
    command = [
        os.path.join(tools, "ruff"),
        "check",
        "--isolated",
        "--no-cache",
        "--exit-zero",
        "--preview",
        "--quiet",
    ]
    command += ["--output-format", "json", "--target-version", f"py3{sys.version_info.minor}"]
    command += ["--select", ",".join(sorted(BLOCKING | ADVICE))]
    for setting in SETTINGS:
        command += ["--config", setting]
    return _start("ruff", [*command, "--", *_files(project)], folder)


def start_ty(tools: str, folder: str, project: Project, env: str) -> Running:
    """Run ty on the Python files that parse, with the packages of `env` when there is one."""
    roots = [f"./{root}".rstrip("/") or "." for root in project.roots]
    rules = "".join(f'{rule} = "error"\n' for rule in sorted(HARD_TYPES))
    settings = f"[environment]\nroot = {json.dumps(roots)}\n\n[rules]\n{rules}"
    with tempfile.NamedTemporaryFile("w", suffix=".toml", delete=False, encoding="utf-8") as file:
        file.write(settings)
    command = [
        os.path.join(tools, "ty"),
        "check",
        "--output-format",
        "gitlab",
        "--exit-zero",
        "--no-progress",
    ]
    command += [
        "--config-file",
        file.name,
        "--python-version",
        f"3.{sys.version_info.minor}",
        "--color",
        "never",
    ]
    if env:
        command += ["--python", env]
    return _start("ty", [*command, "--", *_files(project)], folder)


def read_ruff(running: Running, project: Project) -> list[Finding]:
    """What ruff found."""
    findings = []
    for each in running.answer():
        code = each["code"] or "invalid-syntax"
        path = os.path.relpath(each["filename"], os.getcwd())
        source = project.sources.get(path)
        if source is None or code not in BLOCKING | ADVICE:
            continue
        if source.is_test_code and code in NOT_IN_TESTS:
            continue
        line = each["location"]["row"]
        advice = code in ADVICE or is_harmless(code, each["message"], _text(source, line, code))
        message = f"{each['message'].rstrip('.')}. {HINTS.get(code, '')}".strip()
        findings.append(Finding(path, line, code, message, advice))
    return findings


def read_ty(running: Running, project: Project, env: str) -> list[Finding]:
    """What ty found. Without an environment it cannot know other people's packages, and says nothing of them."""
    findings = []
    for each in running.answer():
        rule = each["check_name"]
        path = os.path.normpath(each["location"]["path"])
        source = project.sources.get(path)
        if source is None or (each["severity"] != "major" and rule not in ADVISED_TYPES):
            continue
        if source.is_test_code and rule not in KNOWN_IN_TESTS:
            continue
        message = each["description"].removeprefix(f"{rule}: ")
        if rule == PACKAGE_RULE and not env and not _is_ours(message, project):
            continue
        line = each["location"]["positions"]["begin"]["line"]
        told = f"{message.rstrip('.')}. {TYPE_HINTS.get(rule, '')}".strip()
        findings.append(Finding(path, line, rule, told, rule in ADVISED_TYPES))
    return findings


def _start(name: str, command: list[str], folder: str) -> Running:
    try:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    except OSError as error:
        raise ValidatorBroken(f"{name} cannot be started: {error.strerror}") from error
    return Running(name, process)


def _files(project: Project) -> list[str]:
    # Named one by one: an ignore file or an exclude list must not hide any.
    return [source.path for source in project.parsed]


def _text(source: Source, number: int, code: str) -> str:
    """The line that a finding is about; for rules that depend on what it is for, with the lines before it."""
    before = _CONTEXT_LINES if code in NEEDS_CONTEXT else 0
    return "\n".join(source.lines[max(0, number - 1 - before) : number])


def _is_ours(message: str, project: Project) -> bool:
    """Whether the module that cannot be found would be one of the project."""
    module = message.partition("`")[2].partition("`")[0]
    return module.startswith(".") or module.split(".")[0] in project.top_level
