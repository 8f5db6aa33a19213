"""What the test stage says of each test, and when it does not believe what it is told."""

import pytest

from .conftest import Checker

SHOP = {
    "src/shop/__init__.py": "",
    "src/shop/cart.py": (
        "class Cart:\n"
        "    def add(self, price: int) -> int:\n"
        "        raise NotImplementedError\n\n"
        "    def total(self) -> int:\n"
        "        return 1\n"
    ),
}


async def test_each_way_to_fail_has_its_reason(checker: Checker) -> None:
    checker.write(SHOP)
    checker.write(
        {
            "tests/test_ways.py": """
import time
import pytest
from shop.cart import Cart


@pytest.fixture
def broken():
    raise RuntimeError("no database")


@pytest.fixture
def filled():
    cart = Cart()
    cart.add(1)
    return cart


def test_passes():
    assert Cart().total() == 1


def test_assertion():
    assert Cart().total() == 2


def test_stub():
    assert Cart().add(1) == 1


def test_stub_where_another_error_is_expected():
    with pytest.raises(ValueError):
        Cart().add(-1)


def test_own_not_implemented():
    raise NotImplementedError


def test_raises_nothing():
    with pytest.raises(ValueError):
        Cart().total()


def test_error():
    Cart().nothing()


def test_import():
    import no_such_module


def test_fixture(broken):
    assert broken


def test_stub_in_fixture(filled):
    assert filled


def test_missing_fixture(nowhere):
    assert nowhere


@pytest.mark.skip(reason="later")
def test_skipped():
    assert False


@pytest.mark.xfail
def test_expected_to_fail():
    assert False


class TestGroup:
    @pytest.mark.parametrize("price", [1, 2])
    def test_prices(self, price):
        assert price == 1


async def test_chained():
    assert True


def test_wrapped():
    try:
        Cart().add(1)
    except NotImplementedError as error:
        raise RuntimeError("wrapped") from error


def test_teardown(request):
    request.addfinalizer(lambda: 1 / 0)
    assert Cart().total() == 1


@pytest.mark.timeout(1)
def test_endless():
    while True:
        time.sleep(0.01)
"""
        }
    )
    report = await checker.run(stages=["tests"], tests=["tests"])
    prefix = "tests/test_ways.py::"
    assert {name.removeprefix(prefix): outcome for name, outcome in report.tests.items()} == {
        "test_passes": ("passed", ""),
        "test_assertion": ("failed", "assertion"),
        "test_stub": ("failed", "stub"),
        "test_stub_where_another_error_is_expected": ("failed", "stub"),
        "test_own_not_implemented": ("failed", "error"),
        "test_raises_nothing": ("failed", "assertion"),
        "test_error": ("failed", "error"),
        "test_import": ("failed", "import"),
        "test_fixture": ("error", "fixture"),
        "test_stub_in_fixture": ("error", "stub"),
        "test_missing_fixture": ("error", "fixture"),
        "test_skipped": ("skipped", ""),
        "test_expected_to_fail": ("skipped", ""),
        "TestGroup::test_prices[1]": ("passed", ""),
        "TestGroup::test_prices[2]": ("failed", "assertion"),
        "test_chained": ("failed", "assertion"),
        "test_wrapped": ("failed", "stub"),
        "test_teardown": ("error", "fixture"),
        "test_endless": ("timeout", "timeout"),
    }
    stub = next(each for each in report.data["findings"] if each["message"].startswith(f"{prefix}test_stub:"))
    assert (stub["path"], stub["line"], stub["rule"]) == ("src/shop/cart.py", 3, "stub")
    assert "assert 1 == 2" in report.messages
    assert "fixture `nowhere` not found" in report.messages


async def test_what_was_compared_is_told_without_advice_for_a_terminal(checker: Checker) -> None:
    checker.write(SHOP)
    checker.write({"tests/test_lists.py": "def test_lists():\n    assert [1, 2, 3] == [1, 2, 4]\n"})
    messages = (await checker.run(stages=["tests"], tests=["tests"])).messages
    assert "At index 2 diff: 3 != 4" in messages
    assert "Use -v" not in messages


async def test_a_file_that_cannot_be_collected_does_not_hide_the_others(checker: Checker) -> None:
    checker.write(SHOP)
    checker.write(
        {
            "tests/test_a.py": "from shop.cart import Trolley\n\n\ndef test_a():\n    assert Trolley\n",
            "tests/test_b.py": "def test_b(:\n",
            "tests/test_c.py": "from shop.cart import Cart\n\n\ndef test_c():\n    assert Cart().total() == 1\n",
        }
    )
    report = await checker.run(
        stages=["tests"], tests=["tests", "tests/test_missing.py", "tests/test_c.py::test_no"]
    )
    assert report.tests == {
        "tests/test_a.py": ("error", "import"),
        "tests/test_b.py": ("error", "collection"),
        "tests/test_c.py::test_c": ("passed", ""),
        "tests/test_missing.py": ("error", "collection"),
        "tests/test_c.py::test_no": ("error", "collection"),
    }
    assert "cannot import name 'Trolley'" in report.messages


async def test_only_the_wanted_tests_run(checker: Checker) -> None:
    checker.write(
        {"tests/test_x.py": "def test_a():\n    assert 1\n\n\ndef test_b():\n    raise SystemExit(3)\n"}
    )
    report = await checker.run(stages=["tests"], tests=["tests/test_x.py::test_a"])
    assert report.tests == {"tests/test_x.py::test_a": ("passed", "")}
    assert report.ok


CONFTEST_TRICKS = {
    "deselects": (
        "def pytest_collection_modifyitems(items):\n    items[:] = [item for item in items if 'bad' not in item.name]\n",
        "hidden-test",
    ),
    "ignores": ("collect_ignore_glob = ['*bad*']\n", "hidden-test"),
    "leaves with success": ("import os\n\nos._exit(0)\n", "report-cut"),
    "changes the exit code": (
        "import pytest\n\n\n@pytest.hookimpl(trylast=True)\n"
        "def pytest_sessionfinish(session):\n    session.exitstatus = 0\n    session.testsfailed = 0\n",
        "report-disagrees",
    ),
    "rewrites reports": (
        "import pytest\n\n\n@pytest.hookimpl(wrapper=True)\ndef pytest_runtest_makereport(item, call):\n"
        "    report = yield\n    report.outcome = 'passed'\n    return report\n",
        "report-disagrees",
    ),
    "ends on the first test": (
        "import os\n\n\ndef pytest_runtest_call(item):\n    os._exit(0)\n",
        "report-cut",
    ),
    "stops": ("import pytest\n\n\ndef pytest_runtest_setup(item):\n    pytest.exit('done', 0)\n", "tests"),
}


@pytest.mark.long
@pytest.mark.parametrize("trick", CONFTEST_TRICKS)
async def test_a_conftest_cannot_make_a_failure_vanish(checker: Checker, trick: str) -> None:
    conftest, rule = CONFTEST_TRICKS[trick]
    checker.write(
        {
            "tests/conftest.py": conftest,
            "tests/test_good.py": "def test_good():\n    assert 1 + 1 == 2\n",
            "tests/test_bad.py": "def test_bad():\n    assert 1 + 1 == 3\n",
        }
    )
    report = await checker.run(stages=["tests"], tests=["."])
    assert not report.ok
    assert rule == "tests" or rule in {finding["rule"] for finding in report.data["findings"]}
    assert ("passed", "") not in [report.tests.get("tests/test_bad.py::test_bad")]


@pytest.mark.long
@pytest.mark.parametrize(
    "settings",
    [
        'addopts = "-k good"',
        'addopts = "--ignore=tests/test_bad.py --deselect x -m good -x"',
        'python_files = ["test_good.py"]',
        'python_functions = ["test_good"]',
        'testpaths = ["elsewhere"]',
        'norecursedirs = ["tests"]',
        'addopts = ["-p", "no:python"]',
    ],
)
async def test_settings_cannot_hide_a_test(checker: Checker, settings: str) -> None:
    checker.write(
        {
            "pyproject.toml": f"[tool.pytest.ini_options]\n{settings}\n",
            "tests/test_good.py": "def test_good():\n    assert 1 + 1 == 2\n",
            "tests/test_bad.py": "def test_bad():\n    assert 1 + 1 == 3\n",
        }
    )
    report = await checker.run(stages=["tests"], tests=["."])
    assert report.tests == {
        "tests/test_good.py::test_good": ("passed", ""),
        "tests/test_bad.py::test_bad": ("failed", "assertion"),
    }


async def test_settings_that_tests_need_are_kept(checker: Checker) -> None:
    checker.write(
        {
            "pyproject.toml": '[tool.pytest.ini_options]\nanyio_mode = "auto"\naddopts = "--import-mode=importlib -k no"\n',
            "tests/a/test_same.py": "async def test_a():\n    assert 1 + 1 == 2\n",
            "tests/b/test_same.py": "async def test_b():\n    assert 1 + 1 == 2\n",
            "tests/conftest.py": "import pytest\n\n\n@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n",
        }
    )
    assert (await checker.run(stages=["tests"], tests=["tests"])).ok


@pytest.mark.long
async def test_a_suite_that_does_not_end_says_which_test(checker: Checker) -> None:
    endless = "import signal\n\n\ndef test_b():\n    signal.signal(signal.SIGALRM, signal.SIG_IGN)\n    while True:\n        pass\n"
    checker.write(
        {
            "tests/test_a.py": "def test_a():\n    assert 1\n",
            "tests/test_b.py": endless,
            "tests/test_c.py": "def test_c():\n    assert 1\n",
        }
    )
    report = await checker.run(stages=["tests"], tests=["."], timeout_s=4)
    assert report.tests == {
        "tests/test_a.py::test_a": ("passed", ""),
        "tests/test_b.py::test_b": ("timeout", "timeout"),
        "tests/test_c.py::test_c": ("error", "timeout"),
    }


async def test_no_tests_is_no_success(checker: Checker) -> None:
    checker.write({"tests/test_x.py": "def check_a():\n    assert 1\n", "tests/test_y.py": ""})
    assert not (await checker.run(stages=["tests"], tests=["."])).ok
    checker.write({"tests/test_x.py": "import pytest\n\n\n@pytest.mark.skip\ndef test_a():\n    assert 1\n"})
    report = await checker.run(stages=["tests"], tests=["."])
    assert report.rules == {("", "no-tests")}


async def test_broken_settings_are_told_as_such(checker: Checker) -> None:
    checker.write(
        {
            "pyproject.toml": '[tool.pytest.ini_options]\nminversion = "99"\n',
            "tests/test_x.py": "def test_a():\n    assert 1\n",
        }
    )
    report = await checker.run(stages=["tests"], tests=["."])
    assert report.rules == {("", "tests-broken")}
    assert "99" in report.messages


@pytest.mark.long
async def test_a_suite_with_much_to_say_is_still_read(checker: Checker) -> None:
    checker.write(
        {
            "tests/test_many.py": "import pytest\n\n\n@pytest.mark.parametrize('n', range(400))\ndef test_n(n):\n"
            "    print('x' * 10_000)\n    assert n < 0, 'y' * 5000\n"
        }
    )
    report = await checker.run(stages=["tests"], tests=["."])
    assert len(report.tests) == 400
    assert set(report.tests.values()) == {("failed", "assertion")}


async def test_what_only_looks_like_a_test_need_not_run(checker: Checker) -> None:
    checker.write(
        {
            "tests/test_x.py": (
                "import sys\nimport pytest\n\n\n@pytest.fixture\ndef test_client():\n    return 1\n\n\n"
                "class TestData:\n    __test__ = False\n\n    def test_data(self):\n        return 1\n\n\n"
                "if sys.platform == 'win32':\n\n    def test_windows():\n        assert 1\n\n\n"
                "class TestReal:\n    def test_a(self, test_client):\n        assert test_client == 1\n"
            )
        }
    )
    report = await checker.run(stages=["tests"], tests=["."])
    assert report.tests == {"tests/test_x.py::TestReal::test_a": ("passed", "")}
    assert report.ok


async def test_a_pytest_plugin_of_the_environment_and_unittest_work(checker: Checker) -> None:
    checker.write(
        {
            "test_flat.py": (
                "import unittest\n\nimport pytest\n\n\nclass Sums(unittest.TestCase):\n    def test_sum(self):\n"
                "        for n in (1, 2):\n            with self.subTest(n=n):\n                self.assertEqual(n, 1)\n\n\n"
                "@pytest.mark.anyio\nasync def test_async():\n    assert 1 + 1 == 2\n"
            ),
            "conftest.py": "import pytest\n\n\n@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n",
        }
    )
    report = await checker.run(stages=["tests"], tests=["."])
    assert report.tests == {
        "test_flat.py::Sums::test_sum": ("failed", "assertion"),
        "test_flat.py::test_async": ("passed", ""),
    }
