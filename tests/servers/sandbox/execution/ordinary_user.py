"""Run as a script: becomes an ordinary user, then runs programs at a level and prints what came of them as JSON.

`ordinary_user.py FOLDER LEVEL UID`; as another user than root it stays who it is.
"""

# Everything is imported before the user changes: the interpreter may lie where only root can read it.
import codecs
import concurrent.futures.thread  # noqa: F401
import json
import os
import shutil
import sys
from pathlib import Path

import anyio

import codegod_sandbox.environments  # noqa: F401
from codegod_kit.serving import ServerSettings
from codegod_sandbox import bridge, launcher
from codegod_sandbox.execution import PYTHON, Limits, RunSpec, Sandbox

_SCRIPTS = {
    "who": "import os; print(os.getuid() != 0)",
    "forks": (
        "import os, time\n"
        "made = 0\n"
        "try:\n"
        "    while made < 500:\n"
        "        if os.fork() == 0: time.sleep(60); os._exit(0)\n"
        "        made += 1\n"
        "except OSError: pass\n"
        "print(made)\n"
    ),
    "memory": (
        "import mmap, time\n"
        "memory = mmap.mmap(-1, 600 << 20)\n"
        "for place in range(0, 600 << 20, 4096): memory[place] = 1\n"
        "time.sleep(20)\n"
    ),
    "secret": "print(open('{secret}').read())",
    "kill": "import os; os.kill({server}, 0); print('ESCAPE')",
    "sleep": "import time; time.sleep(60)  # {marker}",
    "usernamespace": "import ctypes; print(ctypes.CDLL(None).unshare(0x10000000))",
}


async def _main(folder: Path, level: str) -> None:
    tree = folder / "tree"
    tree.mkdir()
    (tree / "file").write_text("mine", "utf-8")
    environment = {"PATH": os.environ["PATH"], "CODEGOD_SANDBOX": level}
    sandbox = Sandbox(ServerSettings(tree, folder / "state", environment=environment))
    answers: dict[str, object] = {"status": (await sandbox.status()).model_dump()}
    words = {"secret": folder / "secret", "server": os.getpid(), "marker": folder.name}
    for name, code in _SCRIPTS.items():
        for word, value in words.items():
            code = code.replace(f"{{{word}}}", str(value))
        limits = Limits(wall_seconds=1 if name == "sleep" else 20, memory_bytes=300 << 20, processes=60)
        result = await sandbox.run(RunSpec((PYTHON, "-c", code), tree, limits=limits))
        answers[name] = [
            result.status,
            result.exit_code,
            result.stdout.decode(),
            result.stderr.decode()[-300:],
        ]
    answers["owner"] = (tree / "file").stat().st_uid
    print(json.dumps(answers))  # noqa: T201 - it is what this script is for


def _become(folder: Path, uid: int) -> None:
    """Give up root; what only root can read is replaced first."""
    (folder / "secret").write_text("secret", "utf-8")
    for module in (launcher, bridge):
        copy = folder / Path(str(module.__file__)).name
        shutil.copy(str(module.__file__), copy)
        module.__file__ = str(copy)
    for codec in ("ascii", "idna"):
        codecs.lookup(codec)
    if os.geteuid() == 0:
        os.chown(folder, uid, uid)
        for path in folder.iterdir():
            os.chown(path, uid, uid)
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    if not os.access(sys.executable, os.X_OK):
        sys.executable = "/usr/bin/python3"


if __name__ == "__main__":
    _become(Path(sys.argv[1]), int(sys.argv[3]))
    anyio.run(_main, Path(sys.argv[1]), sys.argv[2])
