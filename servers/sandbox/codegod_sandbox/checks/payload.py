"""The checks' own code, packed to travel into the sandbox."""

import io
import zipfile
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

from codegod_sandbox.checks import inside
from codegod_sandbox.spec import FILES, PYTHON

ARCHIVE: Final = "checks.zip"
_BOOT: Final = "import sys; sys.path.insert(0, sys.argv[1]); from inside.{module} import main; main()"
# What every archive is dated with, so that equal code is an equal archive.
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


def command(module: str, *arguments: str, site: bool) -> tuple[str, ...]:
    """The command line that runs `inside.<module>.main`; `site`: with the packages of the environment."""
    isolated = ("-I",) if site else ("-I", "-S")
    return (PYTHON, *isolated, "-c", _BOOT.format(module=module), f"{FILES}/{ARCHIVE}", *arguments)


@cache
def archive() -> bytes:
    """The package `inside`, and PyYAML beside it: the sandbox's interpreter has no packages."""
    import yaml

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as file:
        for name, folder in (("inside", _folder(inside.__file__)), ("yaml", _folder(yaml.__file__))):
            for source in sorted(folder.glob("*.py")):
                file.writestr(zipfile.ZipInfo(f"{name}/{source.name}", _EPOCH), source.read_bytes())
    return packed.getvalue()


@cache
def scripts() -> dict[str, bytes]:
    """Our own programs for Node.js and for Java."""
    places = [resources.files("codegod_sandbox.checks") / name for name in ("inside_js", "inside_java")]
    return {
        each.name: each.read_bytes()
        for place in places
        for each in place.iterdir()
        if each.name.endswith((".mjs", ".java"))
    }


def _folder(module_file: str | None) -> Path:
    if module_file is None:
        raise AssertionError("a package of ours is not made of files")
    return Path(module_file).parent
