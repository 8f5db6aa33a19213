"""The JDK of this machine, and the jars of JUnit that lie here."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_ASK_SECONDS: Final = 30
_FOLDERS: Final = ("/usr/share/java", "/usr/share/maven-repo")
_PLATFORM: Final = ("junit-platform-launcher", "junit-platform-engine", "junit-platform-commons")
_JUPITER: Final = ("junit-jupiter-api", "junit-jupiter-engine", "junit-jupiter-params")
# They change once in years, and any version goes with any JUnit of today.
_BESIDE: Final = ("opentest4j", "apiguardian-api")
_OLDEST_PLATFORM: Final = (1, 8)
_FIRST_FOR_17: Final = 6
_VERSION = re.compile(r"^(?P<name>[a-z0-9-]+?)-(?P<version>\d+(?:\.\d+)+)\.jar$")
JARS: Final = "jars"
"""The folder of the kit that holds them; it is empty where there are none."""


@dataclass(frozen=True, slots=True)
class Java:
    """A JDK below /usr, the folders outside that it needs, and JUnit's jars."""

    root: Path
    version: int
    settings: tuple[Path, ...]
    junit: tuple[Path, ...]


def find_java(environment: Mapping[str, str]) -> Java | str:
    """The JDK whose javac is found on PATH; else the name of what is missing."""
    javac = shutil.which("javac", path=environment.get("PATH", os.defpath))
    if javac is None:
        return "javac"
    root = Path(javac).resolve().parents[1]
    if not root.is_relative_to("/usr"):
        return "a JDK below /usr"
    said = subprocess.run(
        [str(root / "bin" / "javac"), "-version"], capture_output=True, text=True, timeout=_ASK_SECONDS,
        check=False, stdin=subprocess.DEVNULL, env={"PATH": os.defpath},
    )  # fmt: skip
    version = re.search(r"javac (\d+)", said.stdout + said.stderr)
    if said.returncode != 0 or version is None:
        return "a javac that works"
    number = int(version[1])
    return Java(root, number, _settings(root), _junit(_jars(environment), number))


def copy_jars(java: Java, kit: Path) -> None:
    """Lay JUnit's jars into `kit`: a user's own lie in a home that is closed to the sandbox's user."""
    (kit / JARS).mkdir()
    (kit / JARS).chmod(0o755)
    for jar in java.junit:
        shutil.copyfile(jar, kit / JARS / jar.name)
        (kit / JARS / jar.name).chmod(0o644)


def _settings(root: Path) -> tuple[Path, ...]:
    """Distributions keep a JDK's settings in /etc; without them it does not start."""
    found = {
        path.resolve().parent
        for folder in ("conf", "lib")
        for path in (root / folder).rglob("*")
        if path.is_symlink()
    }
    tops = {
        Path(*folder.parts[:3]) for folder in found if folder.is_relative_to("/etc") and len(folder.parts) > 2
    }
    return tuple(sorted(each for each in tops if "java" in each.name and each.is_dir()))


def _jars(environment: Mapping[str, str]) -> dict[str, dict[tuple[int, ...], Path]]:
    """Every jar of JUnit that lies here: name, version, place."""
    found: dict[str, dict[tuple[int, ...], Path]] = {}
    for jar in _places(environment):
        if (match := _VERSION.match(jar.name)) and match["name"] in (*_PLATFORM, *_JUPITER, *_BESIDE):
            version = tuple(int(part) for part in match["version"].split("."))
            found.setdefault(match["name"], {})[version] = jar
    return found


def _places(environment: Mapping[str, str]) -> Iterator[Path]:
    home = environment.get("HOME")
    own = Path(home, ".m2", "repository") if home else None
    for group in ("org/junit", "org/opentest4j", "org/apiguardian"):
        if own is not None and (own / group).is_dir():
            yield from (own / group).rglob("*.jar")
    for folder in map(Path, _FOLDERS):
        if folder.is_dir():
            yield from folder.glob("*.jar")


def _junit(jars: Mapping[str, Mapping[tuple[int, ...], Path]], java: int) -> tuple[Path, ...]:
    """The newest JUnit of which every part is there."""
    beside = [jars[name][max(jars[name])] for name in _BESIDE if jars.get(name)]
    for platform in sorted(jars.get(_PLATFORM[0], {}), reverse=True):
        # The platform counts 1.x.y beside Jupiter 5.x.y, and both the same since 6.
        jupiter = (5, *platform[1:]) if platform[0] == 1 else platform
        parts = [
            *(jars.get(name, {}).get(platform) for name in _PLATFORM),
            *(jars.get(name, {}).get(jupiter) for name in _JUPITER),
        ]
        whole = [each for each in parts if each is not None]
        fits = platform >= _OLDEST_PLATFORM and (platform[0] < _FIRST_FOR_17 or java >= 17)
        if fits and len(whole) == len(parts) and len(beside) == len(_BESIDE):
            return (*whole, *beside)
    return ()
