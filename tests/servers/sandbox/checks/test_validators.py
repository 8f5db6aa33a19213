"""ruff and ty as they are tuned here: defects are found, good code of the usual frameworks passes."""

import os
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from codegod_sandbox.checks.inside.static import check


def stages(folder: Path, files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    monkeypatch.chdir(folder)
    request = {"stages": ["lint", "types"], "baseline": {}}
    return check(os.getcwd(), request, sysconfig.get_path("scripts"), "")


def codes(answer: dict[str, Any], *, advice: bool = False) -> set[tuple[str, str]]:
    return {
        (finding["path"], finding["rule"])
        for stage in answer.values()
        for finding in stage["findings"]
        if finding["advice"] == advice
    }


BAD = {
    "default.py": ("def add(x: int, to: list[int] = []) -> list[int]:\n    return [*to, x]\n", "B006"),
    "bare.py": ("try:\n    X = 1\nexcept:\n    X = 2\n", "E722"),
    "fstring.py": ("def hi(name: str) -> str:\n    return 'hello {name}'\n", "RUF027"),
    "twice.py": ("def get() -> int:\n    return 1\n\n\ndef get() -> int:\n    return 2\n", "F811"),
    "undefined.py": ("def f() -> int:\n    return undefined_name\n", "F821"),
    "debug.py": ("def f() -> None:\n    breakpoint()\n", "T100"),
    "evaluates.py": ("def f(x: str) -> object:\n    return eval(x)\n", "S307"),
    "loads.py": ("import pickle\n\n\ndef f(b: bytes) -> object:\n    return pickle.loads(b)\n", "S301"),
    "shell.py": ("import os\n\n\ndef f(x: str) -> None:\n    os.system('rm ' + x)\n", "S605"),
    "password.py": ('DB_PASSWORD = "hunter2-Pr0d!"\n', "S105"),
    "weak.py": (
        "import hashlib\n\n\ndef hash_password(p: str) -> str:\n    return hashlib.md5(p.encode()).hexdigest()\n",
        "S324",
    ),
    "guess.py": ("import random\n\n\ndef new_token() -> str:\n    return str(random.random())\n", "S311"),
    "skips.py": (
        "def f(xs: list[int]) -> None:\n    for x in xs:\n        if x:\n            xs.remove(x)\n",
        "B909",
    ),
    "sleeps.py": ("import time\n\n\nasync def f() -> None:\n    time.sleep(1)\n", "ASYNC251"),
    "awaits.py": ("async def f() -> None: ...\n\n\nasync def g() -> None:\n    f()\n", "unused-awaitable"),
    "optional.py": (
        "import re\n\n\ndef f(s: str) -> str:\n    return re.match('a', s).group()\n",
        "missing-union-attribute",
    ),
    "returns.py": ("def f() -> int:\n    return '1'\n", "invalid-explicit-return"),
    "falls.py": ("def f(n: int) -> int:\n    if n > 0:\n        return 1\n", "invalid-implicit-return"),
    "method.py": ("def f(s: str) -> bool:\n    return s.contains('x')\n", "missing-attribute"),
    "wrong_name.py": (
        "from collections import OrderedDictionary\n\nprint(OrderedDictionary)\n",
        "missing-module-member",
    ),
}


def test_each_defect_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = codes(stages(tmp_path, {path: text for path, (text, _) in BAD.items()}, monkeypatch))
    assert {(path, rule) for path, (_, rule) in BAD.items()} <= found
    assert {path for path, _ in found} == set(BAD)


GOOD = {
    "src/shop/__init__.py": "from shop.app import create\n\n__all__ = ['create']\n",
    "src/shop/app.py": (
        "import random\nimport subprocess\nimport sys\nfrom typing import Any\n\n"
        "TOKEN_URL = '/auth/token'\nTOKEN_TYPE = 'bearer'\n_cache: dict[str, Any] | None = None\n\n\n"
        "def create(host: str = '0.0.0.0') -> dict[str, Any]:\n"
        "    global _cache\n    if _cache is None:\n        _cache = {'host': host, 'route': '/items/{host}'}\n"
        "    assert _cache\n    print(_cache, file=sys.stderr)\n    return _cache\n\n\n"
        "def dice() -> int:\n    return random.randint(1, 6)\n\n\n"
        "def version() -> str:\n    return subprocess.run(['git', '--version'], capture_output=True, text=True).stdout\n\n\n"
        "def number(text: str) -> int:\n    try:\n        return int(text)\n    except ValueError:\n"
        "        raise KeyError(text)\n"
    ),
    "src/shop/api.py": (
        "from fastapi import Depends, FastAPI\n\nfrom shop.app import create\n\napp = FastAPI()\n\n\n"
        "@app.get('/items/{item_id}')\n"
        "async def item(item_id: int, settings: dict[str, str] = Depends(create)) -> dict[str, int]:\n"
        "    return {'id': item_id, 'n': len(settings)}\n"
    ),
    "tests/test_app.py": (
        "import pytest\n\nfrom shop.app import create, number\n\nPASSWORD = 'correct-horse-1'\n\n\n"
        "def test_wrong_type():\n    with pytest.raises(TypeError):\n        number(None)\n\n\n"
        "def test_create():\n    assert create().get('host').upper() == '0.0.0.0'\n"
    ),
}


def test_good_code_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = stages(tmp_path, GOOD, monkeypatch)
    assert codes(answer) == set()
    assert not any("skipped" in stage for stage in answer.values())


def test_old_ways_and_left_overs_are_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "old.py": "import os\nimport warnings\nfrom typing_extensions import deprecated\n\n\n@deprecated('use g')\n"
        "def f() -> int:\n    return 1\n\n\nX = f()\n"
    }
    answer = stages(tmp_path, files, monkeypatch)
    assert codes(answer) == set()
    assert {("old.py", "F401")} <= codes(answer, advice=True)


def test_a_file_that_does_not_parse_hides_nothing_in_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"half.py": "def half(:\n", "returns.py": BAD["returns.py"][0]}
    assert codes(stages(tmp_path, files, monkeypatch)) == {("returns.py", "invalid-explicit-return")}


def test_a_validator_that_is_missing_is_a_skipped_stage(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    answer = check(str(tmp_path), {"stages": ["lint", "types"], "baseline": {}}, str(tmp_path), "")
    assert {stage["skipped"] for stage in answer.values()} == {
        "ruff cannot be started: No such file or directory",
        "ty cannot be started: No such file or directory",
    }
