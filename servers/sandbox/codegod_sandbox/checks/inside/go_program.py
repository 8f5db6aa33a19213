"""`go run …` without `go run`, which ends with status 1 whatever its program ended with, and stays alive beside it."""

import json
import os
import shlex
import subprocess
import sys
import tempfile

# `go run -exec` hands over the compiled program and its words, so no flag of `go` has to be understood here.
_KEEPING = (
    "import json, os, shutil, sys; folder, program, *rest = sys.argv[1:]; "
    'kept = shutil.copy(program, folder); json.dump([kept, *rest], open(os.path.join(folder, "words.json"), "w"))'
)


def compiled(words: list[str], seconds: float) -> list[str]:
    """The words of `go run …` with the program that it compiles in its place; any other words, and a program that does
    not compile, stay as they are: running it says why.
    """
    if words[1:2] != ["run"]:
        return words
    folder = tempfile.mkdtemp()
    keeping = shlex.join([sys.executable, "-I", "-S", "-c", _KEEPING, folder])
    try:
        subprocess.run(
            [words[0], "run", "-exec", keeping, *words[2:]],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=True,
        )  # fmt: skip
        with open(os.path.join(folder, "words.json"), encoding="utf-8") as file:
            found: list[str] = json.load(file)
    except (OSError, ValueError, subprocess.SubprocessError):
        return words
    return found
