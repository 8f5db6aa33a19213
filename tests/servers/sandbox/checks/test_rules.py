"""The checks that no linter has, each on a bad file and on the good one beside it."""

import pytest

from codegod_sandbox.checks.inside.dockerfiles import check_dockerfiles
from codegod_sandbox.checks.inside.exposure import check_exposure
from codegod_sandbox.checks.inside.flow import check_flow
from codegod_sandbox.checks.inside.injection import check_injection
from codegod_sandbox.checks.inside.needed import check_needed
from codegod_sandbox.checks.inside.placeholders import check_placeholders
from codegod_sandbox.checks.inside.repetition import check_repetition
from codegod_sandbox.checks.inside.rules import check_rules
from codegod_sandbox.checks.inside.scripts import check_scripts
from codegod_sandbox.checks.inside.syntax import check_syntax
from codegod_sandbox.checks.inside.tampering import check_tampering

from .conftest import failing, project_of


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("a.py", "```python\nx = 1\n```\n", (1, "markdown-fence")),
        ("a.py", "x = 1\n```\n", (2, "markdown-fence")),
        ("a.py", "Here is the updated file:\n\nx = 1\n", (1, "prose")),
        ("a.py", "Sure! I have fixed the bug.\nx = 1\n", (1, "prose")),
        ("a.py", "const add = (a, b) => a + b;\n", (1, "syntax")),
        ("a.py", "def f():\nreturn 1\n", (2, "syntax")),
        ("a.py", "return 1\n", (1, "syntax")),
        ("a.py", "", (1, "empty-file")),
        ("a.py", "x = '\0'\n", (1, "syntax")),
        ("a.ts", "```typescript\nexport const a = 1;\n```\n", (1, "markdown-fence")),
        ("a.json", '{"a": 1,}\n', (1, "syntax")),
        ("a.toml", "[project]\nname = demo\n", (2, "syntax")),
        ("a.yaml", "a: 1\n b: 2\n", (2, "syntax")),
        ("a.yml", "a: [1, 2\n", (2, "syntax")),
        ("compose.yaml", "services:\n  web:\n    ports: [80]\n", (2, "compose")),
        ("compose.yaml", "services:\n  web:\n    image: x\n    depends_on: [db]\n", (2, "compose")),
        ("docker-compose.yml", "version: '3'\n", (1, "compose")),
    ],
)
def test_a_file_that_is_not_what_it_is_called_is_found(path: str, text: str, found: tuple[int, str]) -> None:
    assert failing(check_syntax(project_of({path: text}))) == [(path, *found)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", '"""Use it so:\n\n```python\nx = 1\n```\n"""\nx = 1\n'),
        ("a.py", "# -*- coding: latin-1 -*-\nx = 'caf\xe9'\n"),
        ("src/a/__init__.py", ""),
        ("a.ts", "const text = `\n```\ncode\n```\n`;\n"),
        ("README.md", "```python\nx = 1\n```\n"),
        ("a.json", '{"a": 1}\n'),
        ("tsconfig.json", "{\n  // comments are allowed here\n}\n"),
        ("a.yaml", "---\na: 1\n---\nb: !Ref thing\n"),
        (
            "compose.yaml",
            "services:\n  web:\n    build: .\n    depends_on:\n      db: {condition: service_healthy}\n  db: {image: x}\n",
        ),
    ],
)
def test_a_file_that_parses_is_left_alone(path: str, text: str) -> None:
    assert failing(check_syntax(project_of({path: text}))) == []


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("def f():\n    pass\n", "placeholder"),
        ("def f():\n    ...\n", "placeholder"),
        ('def f():\n    """Adds."""\n', "placeholder"),
        ("async def f():\n    raise NotImplementedError('later')\n", "placeholder"),
        ("class A:\n    def f(self):\n        raise NotImplementedError\n", "placeholder"),
        ("def f():\n    x = 1\n    # ... rest of the code remains unchanged ...\n    return x\n", "elision"),
        ("# existing code here\nx = 1\n", "elision"),
        ("# ... existing imports ...\nx = 1\n", "elision"),
        ("# rest of the methods\nx = 1\n", "elision"),
        ("def f():\n    # TODO: implement\n    return 1\n", "elision"),
        ("def f():\n    return 1  # your code here\n", "elision"),
        ("# implementation omitted for brevity\nx = 1\n", "elision"),
    ],
)
def test_code_that_is_not_there_is_found(code: str, rule: str) -> None:
    assert [found[2] for found in failing(check_placeholders(project_of({"a.py": code})))] == [rule]


@pytest.mark.parametrize(
    "code",
    [
        "from abc import ABC, abstractmethod\n\n\nclass A(ABC):\n    @abstractmethod\n    def f(self):\n        ...\n",
        "from typing import Protocol\n\n\nclass A(Protocol):\n    def f(self) -> int: ...\n",
        "class Base:\n    def f(self):\n        raise NotImplementedError\n\n\nclass A(Base):\n    def f(self):\n        return 1\n",
        "from typing import overload\n\n\n@overload\ndef f(x: int) -> int: ...\ndef f(x):\n    return x\n",
        "class Handler(Base):\n    def log_message(self, *args):\n        pass\n",
        "class Error(Exception):\n    pass\n",
        "def f(x):\n    # so the rest of the code can rely on it\n    return x\n",
        "def f(x):\n    # skip the remaining fields of the header\n    return x\n",
        "# one placeholder for each id\nx = ','.join('?')\n",
        "def f(os):\n    if os == 'nt':\n        raise NotImplementedError('Windows')\n    return 1\n",
        "try:\n    x = 1\nexcept ValueError:\n    pass\n",
        'text = """\n# ... rest of the code ...\n"""\n',
    ],
)
def test_bodies_that_are_meant_to_be_empty_are_left_alone(code: str) -> None:
    assert failing(check_placeholders(project_of({"a.py": code}))) == []


def test_an_elision_is_found_in_other_languages_too() -> None:
    files = {
        "a.ts": "// ... rest of the code ...\n",
        "b.sql": "-- existing code unchanged\n",
        "c.css": "/* other */\n",
    }
    assert failing(check_placeholders(project_of(files))) == [("a.ts", 1, "elision"), ("b.sql", 1, "elision")]


def test_a_model_that_repeats_itself_is_found() -> None:
    body = "    found = []\n    for item in items:\n        if item:\n            found.append(item)\n    return found\n"
    twice = f"def a(items):\n{body}\n\ndef b(items):\n{body}"
    assert failing(check_repetition(project_of({"a.py": twice}))) == [("a.py", 9, "repeated-body")]
    twins = (
        f"class A:\n    def f(self, items):\n{_in(body)}\n\nclass B:\n    def f(self, items):\n{_in(body)}"
    )
    assert failing(check_repetition(project_of({"a.py": twins, "tests/test_a.py": twice}))) == []
    assert failing(check_repetition(project_of({"a.py": "print('hello world')\n" * 20}))) == [
        ("a.py", 15, "repeated-line")
    ]


def _in(code: str) -> str:
    return "".join(f"    {line}\n" for line in code.splitlines())


@pytest.mark.parametrize(
    "loop",
    [
        "i = 0\n    while i < n:\n        print(i)",
        "while n > 0:\n        n2 = n - 1\n        print(n2)",
    ],
)
def test_a_loop_that_cannot_end_is_found(loop: str) -> None:
    assert [found[2] for found in failing(check_flow(project_of({"a.py": f"def f(n):\n    {loop}\n"})))] == [
        "endless-loop"
    ]


@pytest.mark.parametrize(
    "loop",
    [
        "i = 0\n    while i < n:\n        i += 1",
        "while n > 0:\n        if input():\n            break",
        "while n > 0:\n        n, rest = divmod(n, 2)",
        "while items:\n        items.pop()",
        "while n.left > 0:\n        n.step()",
        "while n != 1:\n        for n in range(3):\n            print(n)",
        "global m\n    while m > 0:\n        step()",
        "while True:\n        step()",
    ],
)
def test_a_loop_that_can_end_is_left_alone(loop: str) -> None:
    assert failing(check_flow(project_of({"a.py": f"def f(n, items):\n    {loop}\n"}))) == []


@pytest.mark.parametrize(
    ("query", "bad"),
    [
        ("f\"SELECT * FROM t WHERE name = '{name}'\"", True),
        ('f"SELECT * FROM t WHERE id = {name}"', True),
        ('f"SELECT * FROM t LIMIT {name}"', True),
        ('"SELECT * FROM t WHERE name = \'" + name + "\'"', True),
        ('"SELECT * FROM t WHERE name = %s" % name', True),
        ('"DELETE FROM t WHERE id = {}".format(name)', True),
        ('f"SELECT * FROM t WHERE id IN ({marks})", ids', False),
        ('f"UPDATE t SET {columns} WHERE id = ?", values', False),
        ('f"SELECT * FROM {table} ORDER BY {column}"', False),
        ('"SELECT * FROM t WHERE id = ?", (name,)', False),
        ('"SELECT 1 " + "FROM t"', False),
        ('f"SELECT * FROM t LIMIT {int(name)}"', False),
        ("f\"INSERT INTO t VALUES ({', '.join('?' for _ in name)})\"", False),
    ],
)
def test_a_value_in_sql_is_found_and_a_column_is_not(query: str, bad: bool) -> None:
    found = failing(check_injection(project_of({"a.py": f"def f(db, name):\n    db.execute({query})\n"})))
    assert found == ([("a.py", 2, "sql-injection")] if bad else [])


@pytest.mark.parametrize(
    ("line", "bad"),
    [
        ('KEY = "AKIA' + 'QYLPMN5HHHFPZAM2"', True),
        ('KEY = "sk-live-' + 'abcdef0123456789"', True),
        ('TOKEN = "ghp_' + "a1B2" * 9 + '"', True),
        ('KEY = "AKIAIOSFODNN7EXAMPLE"', False),
        ('KEY = "sk-live-xxxxxxxxxxxxxxxxxxxxxx"', False),
        ('KEY = os.environ["KEY"]', False),
    ],
)
def test_a_real_looking_secret_is_found_in_any_file(line: str, bad: bool) -> None:
    found = failing(check_exposure(project_of({"a.py": line, ".env.example": line})))
    assert {path for path, _, _ in found} == ({"a.py", ".env.example"} if bad else set())


def test_a_query_that_was_put_together_before_is_found_too() -> None:
    code = "def f(db, name):\n    query = f\"SELECT * FROM t WHERE name = '{name}'\"\n    return db.execute(query)\n"
    assert failing(check_injection(project_of({"a.py": code, "tests/test_a.py": code}))) == [
        ("a.py", 3, "sql-injection")
    ]


def test_a_token_that_nobody_verifies_is_found() -> None:
    code = "import jwt\n\n\ndef f(t):\n    return jwt.decode(t, options={'verify_signature': False})\n"
    assert failing(check_exposure(project_of({"a.py": code}))) == [("a.py", 5, "unverified-token")]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("def f():\n    return 1\n    print('x')\n", [(3, "unreachable")]),
        ("def f():\n    raise ValueError\n    return 1\n", [(3, "unreachable")]),
        ("def f():\n    for x in y:\n        continue\n        print(x)\n", [(4, "unreachable")]),
        ("try:\n    f()\nexcept Exception:\n    g()\nexcept ValueError:\n    h()\n", [(5, "unreachable")]),
        ("def f(x):\n    if x == 'a' or 'b':\n        return 1\n    return 2\n", [(2, "always-true")]),
        ("def fact(n):\n    return n * fact(n - 1)\n", [(2, "endless-recursion")]),
        ("class A:\n    def f(self):\n        return self.f()\n", [(3, "endless-recursion")]),
        ("def f():\n    return\n    yield\n", []),
        ("try:\n    f()\nexcept Exception:\n    g()\nexcept BaseException:\n    h()\n", []),
        ("def f(x):\n    if x:\n        return 1\n    return 2\n", []),
        ("def f(x, name):\n    if x or name:\n        return name or 'nobody'\n    return ''\n", []),
        ("def fact(n):\n    return 1 if n < 2 else n * fact(n - 1)\n", []),
        ("class A:\n    def f(self):\n        return self.other.f()\n", []),
        ("class A(B):\n    def f(self):\n        return super().f()\n", []),
        ("try:\n    f()\nexcept ValueError:\n    g()\nexcept Exception:\n    h()\n", []),
    ],
)
def test_a_path_that_is_never_taken_or_never_left_is_found(code: str, found: list[tuple[int, str]]) -> None:
    assert [each[1:] for each in failing(check_flow(project_of({"a.py": code})))] == found


MANIFEST = '[project]\nname = "x"\ndependencies = ["pyyaml>=6", "python-dotenv", "Flask[async]"]\n'


@pytest.mark.parametrize(
    ("code", "bad"),
    [
        ("import fastapi_magic_auth\n", True),
        ("from fastapi.magic import x\n", True),
        ("import yaml, dotenv, flask, os, pytest\n", False),
        ("import mine.inner\nfrom . import sibling\nimport shapes\n", False),
        ("try:\n    import uvloop\nexcept ImportError:\n    uvloop = None\n", False),
        ("import installed_one\n", False),
    ],
)
def test_a_package_that_nobody_has_is_found(code: str, bad: bool) -> None:
    files = {
        "src/mine/__init__.py": "",
        "src/mine/inner.py": code,
        "tests/shapes.py": "x = 1\n",
        "pyproject.toml": MANIFEST,
    }
    found = failing(check_needed(project_of(files), frozenset({"installed_one"})))
    assert [rule for _, _, rule in found] == (["unknown-package"] if bad else [])


def test_without_a_manifest_and_an_environment_packages_are_not_judged() -> None:
    assert check_needed(project_of({"a.py": "import anything\n"}), None) == []


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("src/a.py", "import pytest\n"),
        ("src/a.py", "from _pytest import outcomes\n"),
        ("src/a.py", "import os\n\n\ndef stop():\n    os._exit(0)\n"),
        ("tests/test_a.py", "from _pytest.runner import runtestprotocol\n"),
        ("tests/conftest.py", "def pytest_runtest_makereport(item, call):\n    return None\n"),
        ("conftest.py", "collect_ignore = ['tests/test_a.py']\n"),
        ("tests/test_a.py", "import pytest\n\npytest.raises = None\n"),
        ("tests/test_a.py", "import sys\n\nsys.modules['pytest'] = None\n"),
        ("sitecustomize.py", "x = 1\n"),
        ("src/pytest.py", "x = 1\n"),
        ("hook.pth", "import os\n"),
    ],
)
def test_meddling_with_the_tests_is_found_unless_it_was_there_before(path: str, code: str) -> None:
    project = project_of({path: code})
    assert {rule for _, _, rule in failing(check_tampering(project, {}))} == {"tampering"}
    if path.startswith(("tests/", "conftest")):
        assert check_tampering(project, {path: code}) == []


def test_ordinary_fixtures_and_hooks_are_left_alone() -> None:
    conftest = (
        "import pytest\n\n\n@pytest.fixture\ndef db():\n    yield 1\n\n\n"
        "def pytest_configure(config):\n    config.addinivalue_line('markers', 'slow')\n"
    )
    assert (
        check_tampering(project_of({"tests/conftest.py": conftest, "a.py": "import sys\nsys.exit\n"}), {})
        == []
    )


DOCKERFILE = "FROM python:3.12-slim AS base\nRUN apt-get update && \\\n    apt-get install -y curl\nFROM base\nUSER 1000\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (DOCKERFILE, []),
        (DOCKERFILE + "ENV PORT=80 TOKEN_SECONDS=60 API_KEY=\n", []),
        (DOCKERFILE + "ENV API_KEY=sk-abcdef\n", [(6, "secret")]),
        (DOCKERFILE + "ARG DB_PASSWORD=hunter2\n", [(6, "secret")]),
        ("FROM python:latest\nUSER 1\n", [(1, "latest-image")]),
        ("FROM registry.example:5000/python\nUSER 1\n", [(1, "latest-image")]),
        ("FROM python@sha256:0000\nUSER 1\n", []),
        ("FROM python:3\nRUN apt-get install curl\nUSER 1\n", [(2, "apt-asks")]),
        ("FROM python:3\nINSTALL curl\nUSER 1\n", [(2, "dockerfile")]),
        ("FROM python:3\nRUN <<EOF\nINSTALL curl\nEOF\nUSER 1\n", []),
        ("# only words\n", [(1, "dockerfile")]),
    ],
)
def test_what_spoils_an_image_is_found(text: str, found: list[tuple[int, str]]) -> None:
    assert [each[1:] for each in failing(check_dockerfiles(project_of({"Dockerfile": text})))] == found


def test_silenced_errors_and_lonely_tests_are_found_in_scripts() -> None:
    files = {
        "a.ts": "// @ts-ignore\nexport const n: number = 'x';\n",
        "b.test.ts": "it.only('a', () => {\n  [2, 1].sort();\n});\n",
        "c.test.ts": "it('a', () => {\n  expect([2, 1].sort()).toEqual([1, 2]);\n});\n",
    }
    assert failing(check_scripts(project_of(files))) == [
        ("a.ts", 1, "silenced-type"),
        ("b.test.ts", 1, "skipped-test"),
        ("b.test.ts", 1, "no-assertion"),
    ]


def test_a_message_is_one_short_line_with_what_to_do() -> None:
    files = {
        "a.py": "def f():\n    pass\n",
        "tests/test_a.py": "def test_a():\n    f()\n",
        "Dockerfile": "FROM x\nRUN apt install y\n",
    }
    findings = check_rules(project_of(files), {"tests/test_b.py": "def test_b():\n    assert f()\n"}, None)
    assert len(findings) > 4
    for finding in findings:
        assert "\n" not in finding.message
        assert 20 < len(finding.message) < 200
