"""Dockerfiles: what makes one fail, or gives a secret away."""

import re

from .finding import Finding
from .project import Project, Source

_INSTRUCTIONS = frozenset(
    [
        "ADD",
        "ARG",
        "CMD",
        "COPY",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "FROM",
        "HEALTHCHECK",
        "LABEL",
        "MAINTAINER",
        "ONBUILD",
        "RUN",
        "SHELL",
        "STOPSIGNAL",
        "USER",
        "VOLUME",
        "WORKDIR",
    ]
)
_SECRET_NAME = re.compile(r"(PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY)", re.IGNORECASE)
_ASSIGNED = re.compile(r"""(\w+)[=\s]\s*("[^"]*"|'[^']*'|\S+)""")
# Nothing, a variable, a number, a switch.
_HARMLESS = re.compile(r"|\$.*|[0-9.]+|true|false|yes|no", re.IGNORECASE)
_APT_INSTALL = re.compile(r"\bapt(-get)?\s+install\b")
_ASSUMED_YES = re.compile(r"\s(-y|-yq|-qy|-qqy|-yqq|--yes|--assume-yes)\b")


def check_dockerfiles(project: Project) -> list[Finding]:
    """What is wrong with the project's Dockerfiles."""
    return [
        finding
        for source in project.sources.values()
        if source.name == "Dockerfile"
        or source.name.startswith("Dockerfile.")
        or source.name.endswith(".Dockerfile")
        for finding in _check(source)
    ]


def _check(source: Source) -> list[Finding]:
    instructions = _instructions(source)
    findings = []
    stages: set[str] = set()
    for line, word, rest in instructions:
        if word == "FROM":
            findings += _image(source, line, rest, stages)
        elif word in ("ENV", "ARG"):
            findings += _secrets(source, line, word, rest)
        elif word == "RUN" and _APT_INSTALL.search(rest) and not _ASSUMED_YES.search(rest):
            findings.append(
                Finding(source.path, line, "apt-asks", "`apt-get install` without `-y` waits for an answer.")
            )
        elif word not in _INSTRUCTIONS:
            findings.append(
                Finding(source.path, line, "dockerfile", f"`{word}` is no Dockerfile instruction.")
            )
    words = {word for _, word, _ in instructions}
    if not {"FROM"} & words:
        findings.append(Finding(source.path, 1, "dockerfile", "There is no FROM: name the base image first."))
    if "USER" not in words:
        message = "The program runs as root: add a USER line."
        findings.append(Finding(source.path, 1, "root-user", message, advice=True))
    return findings


def _instructions(source: Source) -> list[tuple[int, str, str]]:
    """Each instruction with its line: continued lines joined, comments and here-documents left out."""
    found: list[tuple[int, str, str]] = []
    heredoc = ""
    pending: tuple[int, str] | None = None
    for number, line in enumerate(source.lines, start=1):
        if heredoc:
            heredoc = "" if line.strip() == heredoc else heredoc
            continue
        if line.lstrip().startswith("#") or not line.strip():
            continue
        start, text = pending or (number, "")
        text = f"{text} {line.strip()}".strip()
        if text.endswith("\\"):
            pending = (start, text[:-1])
            continue
        pending = None
        word, _, rest = text.partition(" ")
        found.append((start, word.upper(), rest))
        opened = re.search(r"<<-?[\"']?(\w+)", rest)
        heredoc = opened[1] if opened else ""
    return found


def _image(source: Source, line: int, rest: str, stages: set[str]) -> list[Finding]:
    words = [word for word in rest.split() if not word.startswith("--")]
    image = words[0] if words else ""
    known = image.lower() in stages or image == "scratch" or "$" in image
    if len(words) == 3 and words[1].upper() == "AS":
        stages.add(words[2].lower())
    if (
        image
        and not known
        and (image.endswith(":latest") or (":" not in image.rpartition("/")[2] and "@" not in image))
    ):
        message = f"`{image}` is another image every month: name a version, e.g. `python:3.12-slim`."
        return [Finding(source.path, line, "latest-image", message)]
    return []


def _secrets(source: Source, line: int, word: str, rest: str) -> list[Finding]:
    for name, value in _ASSIGNED.findall(rest):
        plain = value.strip("\"'")
        if (
            _SECRET_NAME.search(name)
            and not _HARMLESS.fullmatch(plain)
            and not name.upper().endswith("_FILE")
        ):
            message = f"{word} {name} puts a secret into the image: pass it when the container starts."
            return [Finding(source.path, line, "secret", message)]
    return []
