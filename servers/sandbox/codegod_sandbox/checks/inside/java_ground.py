"""What every run of Java needs: the sources in a copy of the project, JUnit's jars, and a JVM that stays small."""

import base64
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

from .java_rules import is_test
from .project import Project

# Little memory, no second compiler, no file in /tmp that another process could read.
JVM = (
    "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-XX:CompressedClassSpaceSize=64m",
    "-XX:ReservedCodeCacheSize=64m", "-Dfile.encoding=UTF-8", "-Duser.language=en",
)  # fmt: skip
_MARK = "look "


@dataclass(frozen=True)
class Jdk:
    """Where things lie: the JDK, JUnit's jars ('' when there are none), our own programs."""

    root: str
    jars: tuple[str, ...]
    programs: str

    @property
    def class_path(self) -> str:
        """The jars, as java wants them."""
        return os.pathsep.join(self.jars)

    def run(self, folder: str, *arguments: str, seconds: float, said: bytes = b"") -> tuple[int, str, str]:
        """Run java: exit code (124 when it was stopped), output, errors."""
        try:
            done = subprocess.run(
                [os.path.join(self.root, "bin", "java"), *JVM, *arguments], cwd=folder, input=said, capture_output=True,
                timeout=max(1.0, seconds), check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return 124, "", f"java did not end within {seconds:.0f} s"
        return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


@dataclass(frozen=True)
class Said:
    """One thing that the compiler said."""

    stage: str
    kind: str
    code: str
    line: int
    path: str
    words: str


def read_jdk() -> Jdk:
    """From the command line: JDK, folder of jars, folder of our own programs."""
    root, jars, programs = sys.argv[2:5]
    found = sorted(os.listdir(jars)) if os.path.isdir(jars) else []
    return Jdk(root, tuple(os.path.join(jars, name) for name in found), programs)


def java_files(project: Project, *, tests: bool) -> list[str]:
    """The files of Java; those with tests can be read only where JUnit is."""
    return [
        source.path
        for source in project.sources.values()
        if source.name.endswith(".java") and (tests or not is_test(source))
    ]


def look(
    jdk: Jdk, folder: str, files: list[str], into: str, *, load: bool, seconds: float
) -> list[Said] | str:
    """What the compiler says about `files`; or why it says nothing that can be read."""
    program = os.path.join(jdk.programs, "Look.java")
    modules = ("--add-modules", "jdk.compiler")
    more = ("load",) if load else ()
    code, output, errors = jdk.run(
        folder, *modules, program, jdk.class_path, into, *more, seconds=seconds, said="\n".join(files).encode()
    )  # fmt: skip
    found = list(_lines(output))
    if not found or found[-1].stage != "end":
        return f"the compiler fell over ({code}): {(errors or output).strip()[-300:]}"
    return found[:-1]


def classes() -> str:
    """A new folder for classes."""
    return tempfile.mkdtemp(prefix="classes-")


def _lines(output: str) -> Iterator[Said]:
    for line in output.splitlines():
        if line.startswith(_MARK):
            _, stage, kind, code, number, path, words = line.split(" ")
            yield Said(stage, kind, code, max(0, int(number)), os.path.normpath(_text(path)), _text(words))


def _text(coded: str) -> str:
    return "" if coded == "-" else base64.b64decode(coded).decode(errors="replace")
