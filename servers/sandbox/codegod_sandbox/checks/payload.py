"""The checks' own code, packed to travel into the sandbox."""

import io
import marshal
import zipfile
from functools import cache
from importlib import resources
from importlib.util import MAGIC_NUMBER, source_hash
from pathlib import Path
from typing import Final

from codegod_sandbox.checks import inside
from codegod_sandbox.spec import FILES, PYTHON

ARCHIVE: Final = "checks.zip"
_BOOT: Final = "import sys; sys.path.insert(0, sys.argv[1]); from inside.{module} import main; main()"
# What every archive is dated with, so that equal code is an equal archive.
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_BY_HASH_UNCHECKED: Final = (1).to_bytes(
    4, "little"
)  # PEP 552: what is beside it in the archive is its source


def command(module: str, *arguments: str, site: bool) -> tuple[str, ...]:
    """The command line that runs `inside.<module>.main`; `site`: with the packages of the environment."""
    isolated = ("-I",) if site else ("-I", "-S")
    return (PYTHON, *isolated, "-c", _BOOT.format(module=module), f"{FILES}/{ARCHIVE}", *arguments)


@cache
def archive() -> bytes:
    """The package `inside`, and PyYAML beside it: the sandbox's interpreter has no packages.

    Bytecode goes along, or every run would compile all of it again; an interpreter of another version takes the source.
    """
    import yaml

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as file:
        for name, folder in (("inside", _folder(inside.__file__)), ("yaml", _folder(yaml.__file__))):
            for source in sorted(folder.glob("*.py")):
                text, place = source.read_bytes(), f"{name}/{source.name}"
                file.writestr(zipfile.ZipInfo(place, _EPOCH), text)
                file.writestr(zipfile.ZipInfo(f"{place}c", _EPOCH), _bytecode(text, place))
    return packed.getvalue()


def _bytecode(text: bytes, place: str) -> bytes:
    """What a `.pyc` file beside the source `text` holds."""
    code = compile(text, f"{ARCHIVE}/{place}", "exec", dont_inherit=True, optimize=0)
    return MAGIC_NUMBER + _BY_HASH_UNCHECKED + source_hash(text) + marshal.dumps(code)


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
