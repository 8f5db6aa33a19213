"""Tests that prove nothing are found; those that prove something are left alone."""

import pytest

from codegod_sandbox.checks.inside.baseline import check_baseline
from codegod_sandbox.checks.inside.fixtures import check_fixtures
from codegod_sandbox.checks.inside.testing import check_tests

from .conftest import failing, project_of


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("def test_a():\n    sorted([2, 1])\n", "no-assertion"),
        ("def test_a():\n    sorted([2, 1])\n    assert True\n", "assert-true"),
        ("def test_a():\n    x = f()\n    assert x == x\n", "assert-true"),
        ("def test_a():\n    assert f() == 1 or True\n", "assert-true"),
        (
            "def test_a():\n    try:\n        assert f() == 1\n    except Exception:\n        pass\n",
            "swallowed-assert",
        ),
        (
            "def test_a():\n    try:\n        assert f() == 1\n    except:\n        print('x')\n",
            "swallowed-assert",
        ),
        (
            "import pytest\n\n\n@pytest.mark.skip(reason='later')\ndef test_a():\n    assert f()\n",
            "skipped-test",
        ),
        (
            "import pytest\n\npytestmark = pytest.mark.skip\n\n\ndef test_a():\n    assert f()\n",
            "skipped-test",
        ),
        (
            "import pytest\n\n\n@pytest.mark.skipif(True, reason='')\ndef test_a():\n    assert f()\n",
            "skipped-test",
        ),
        (
            "import pytest\n\n\n@pytest.mark.xfail(reason='hard')\ndef test_a():\n    assert f()\n",
            "skipped-test",
        ),
        ("import pytest\n\n\ndef test_a():\n    pytest.skip('later')\n    assert f()\n", "skipped-test"),
        ("async def test_a():\n    assert await f() == 2\n", "async-test"),
        ("def check_a():\n    assert f() == 1\n", "not-collected"),
        ("import os\n", "empty-test-file"),
        (
            "from unittest.mock import MagicMock\n\n\ndef test_a():\n    add = MagicMock(return_value=3)\n"
            "    assert add(1, 2) == 3\n",
            "tests-mock",
        ),
    ],
)
def test_a_test_that_shows_nothing_is_found(code: str, rule: str) -> None:
    assert [found[2] for found in failing(check_tests(project_of({"tests/test_a.py": code})))] == [rule]


@pytest.mark.parametrize(
    "code",
    [
        "def test_a():\n    assert sorted([2, 1]) == [1, 2]\n",
        "import pytest\n\n\ndef test_a():\n    with pytest.raises(ValueError):\n        f()\n",
        "def test_a():\n    _same(f())\n\n\ndef _same(x):\n    assert x == 1\n",
        "import unittest\n\n\nclass ATest(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(f(), 1)\n",
        "def test_a(mocker):\n    mock = mocker.Mock()\n    f(mock)\n    mock.assert_called_once()\n",
        "def test_a():\n    try:\n        assert f() == 1\n    finally:\n        g()\n",
        "def test_a():\n    try:\n        assert f() == 1\n    except Exception as e:\n        raise RuntimeError from e\n",
        "import pytest\n\n\n@pytest.mark.skipif(sys.platform == 'win32', reason='')\ndef test_a():\n    assert f()\n",
        "import pytest\n\n\n@pytest.mark.anyio\nasync def test_a():\n    assert await f() == 1\n",
        "import pytest\n\npytestmark = pytest.mark.anyio\n\n\nasync def test_a():\n    assert await f() == 1\n",
        "import asyncio\n\n\ndef test_a():\n    async def run():\n        assert await f() == 1\n\n    asyncio.run(run())\n",
        "def test_a():\n    fetch = Mock(return_value=3)\n    assert total(fetch) == 3\n",
        "class TestGroup:\n    def test_a(self):\n        assert f() == 1\n",
    ],
)
def test_a_test_that_shows_something_is_left_alone(code: str) -> None:
    assert failing(check_tests(project_of({"tests/test_a.py": code}))) == []


def test_async_tests_run_where_the_project_says_so() -> None:
    files = {
        "tests/test_a.py": "async def test_a():\n    assert await f() == 1\n",
        "pyproject.toml": '[tool.pytest.ini_options]\nasyncio_mode = "auto"\n',
    }
    assert check_tests(project_of(files)) == []


@pytest.mark.parametrize(
    ("test", "bad"),
    [
        ("def test_a(db_session_fixture):\n    assert db_session_fixture\n", True),
        ("def test_a(tmp_path, capsys, client, shared):\n    assert client\n", False),
        (
            "import pytest\n\n\n@pytest.mark.parametrize('a, b', [(1, 2)])\ndef test_a(a, b):\n    assert a\n",
            False,
        ),
        (
            "import pytest\n\n\n@pytest.mark.parametrize(NAMES, [(1, 2)])\ndef test_a(a, b):\n    assert a\n",
            False,
        ),
        ("@given(st.integers())\ndef test_a(number):\n    assert number\n", False),
        ("@patch('x')\ndef test_a(mock):\n    assert mock\n", False),
        ("class TestA:\n    def test_a(self, nowhere):\n        assert nowhere\n", True),
        ("from shapes import *\n\n\ndef test_a(anything):\n    assert anything\n", False),
    ],
)
def test_a_fixture_that_is_nowhere_is_found(test: str, bad: bool) -> None:
    files = {
        "tests/unit/test_a.py": "import pytest\n\n\n@pytest.fixture(name='client')\ndef make():\n    return 1\n\n\n"
        + test,
        "tests/conftest.py": "import pytest\n\n\n@pytest.fixture\ndef shared():\n    return 1\n",
    }
    assert [found[2] for found in failing(check_fixtures(project_of(files)))] == (
        ["unknown-fixture"] if bad else []
    )


def test_a_plugin_may_bring_fixtures_of_any_name() -> None:
    files = {
        "tests/test_a.py": "def test_a(mocker):\n    assert mocker\n",
        "pyproject.toml": '[dependency-groups]\ndev = ["pytest-mock"]\n',
    }
    assert check_fixtures(project_of(files)) == []


BEFORE = {
    "tests/test_a.py": (
        "import pytest\n\n\ndef test_a():\n    assert f(1) == 2\n    assert f(2) == 3\n\n\n"
        "def test_b():\n    with pytest.raises(ValueError):\n        f(-1)\n"
    )
}


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("def test_b():\n    with pytest.raises(ValueError):\n        f(-1)\n", "", "deleted-test"),
        ("def test_b", "def check_b", "deleted-test"),
        ("    assert f(2) == 3\n", "", "weakened-test"),
        ("assert f(1) == 2", "assert f(1)", "weakened-test"),
        ("assert f(1) == 2", "assert f(1) is not None", "weakened-test"),
        ("assert f(1) == 2", "assert f(1) == 2 or f(1)", "weakened-test"),
        ("assert f(1) == 2", "assert True", "weakened-test"),
        ("raises(ValueError)", "raises(Exception)", "weakened-test"),
        ("def test_b", "@pytest.mark.skip\ndef test_b", "weakened-test"),
    ],
)
def test_a_test_that_demands_less_than_before_is_found(old: str, new: str, rule: str) -> None:
    now = {path: text.replace(old, new) for path, text in BEFORE.items()}
    assert now != BEFORE
    assert [found[2] for found in failing(check_baseline(project_of(now), BEFORE))] == [rule]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("assert f(1) == 2", "result = f(1)\n    assert result == 2"),
        ("assert f(1) == 2", "assert f(1) == 2\n    assert f(0) == 1"),
        ("assert f(1) == 2", "assert f(1) == 4"),
        ("def test_b", "def test_new():\n    assert f(0) == 1\n\n\ndef test_b"),
    ],
)
def test_a_test_that_demands_as_much_is_left_alone(old: str, new: str) -> None:
    now = {path: text.replace(old, new) for path, text in BEFORE.items()}
    assert check_baseline(project_of(now), BEFORE) == []


def test_a_test_file_that_is_gone_is_one_finding() -> None:
    assert failing(check_baseline(project_of({}), BEFORE)) == [("tests/test_a.py", 0, "deleted-test")]
