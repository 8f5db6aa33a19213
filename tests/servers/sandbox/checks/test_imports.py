"""The stage that imports every module."""

from .conftest import Checker


async def test_a_module_that_needs_what_is_not_there_is_named_once(checker: Checker) -> None:
    checker.write(
        {
            "src/app/__init__.py": "",
            "src/app/config.py": "import os\n\nURL = os.environ['APP_URL_THAT_NOBODY_SET']\n",
            "src/app/api.py": "from app.config import URL\n\nprint(URL)\n",
        }
    )
    report = await checker.run(stages=["imports"])
    assert report.rules == {("src/app/config.py", "import")}
    assert report.messages == "On import: KeyError: 'APP_URL_THAT_NOBODY_SET'"


async def test_each_way_not_to_import_is_told_in_its_own_words(checker: Checker) -> None:
    checker.write(
        {
            "name.py": "from collections import OrderedDictionary\n",
            "leaves.py": "import sys\n\nsys.exit(0)\n",
            "package.py": "import no_such_package_anywhere\n",
        }
    )
    report = await checker.run(stages=["imports"])
    assert report.rules == {("name.py", "import"), ("leaves.py", "import"), ("package.py", "import")}
    assert "cannot import name 'OrderedDictionary'" in report.messages
    assert "ends the program" in report.messages
    assert "No module named 'no_such_package_anywhere'" in report.messages


async def test_a_module_that_ends_the_process_is_not_taken_for_success(checker: Checker) -> None:
    checker.write({"a.py": "X = 1\n", "b.py": "import os\n\nos._exit(0)\n", "c.py": "raise ValueError\n"})
    report = await checker.run(stages=["imports"])
    assert report.rules == {("b.py", "import")}
    assert "ends the whole process" in report.messages


async def test_without_an_environment_other_peoples_packages_are_not_judged(checker: Checker) -> None:
    checker.environments.env = None
    checker.write({"web.py": "import starlette_of_tomorrow\n", "bad.py": "raise RuntimeError('no')\n"})
    report = await checker.run(stages=["imports"])
    assert report.rules == {("bad.py", "import")}
    (checker.root / "bad.py").unlink()
    report = await checker.run(stages=["imports"])
    assert report.stages == {"imports": "skipped"}
    assert "starlette_of_tomorrow; call `env_prepare`" in report.notes["imports"]


async def test_tests_and_scripts_are_not_imported(checker: Checker) -> None:
    failing = "raise RuntimeError('not to be imported')\n"
    checker.write(
        {
            "ok.py": "X = 1\n",
            "setup.py": failing,
            "conftest.py": failing,
            "tests/test_x.py": failing,
            "scripts/run.py": failing,
            "pkg/__init__.py": "",
            "pkg/__main__.py": failing,
        }
    )
    assert (await checker.run(stages=["imports"])).stages == {"imports": "passed"}


async def test_a_thread_left_behind_does_not_keep_the_check(checker: Checker) -> None:
    checker.write(
        {"a.py": "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()\n"}
    )
    assert (await checker.run(stages=["imports"], timeout_s=30)).ok


async def test_the_project_finds_its_own_modules_and_none_of_the_checks(checker: Checker) -> None:
    checker.write(
        {
            "inside/__init__.py": "",
            "inside/static.py": "OURS = 1\n",
            "use.py": "from inside.static import OURS\n",
        }
    )
    assert (await checker.run(stages=["imports"])).ok
    checker.write({"use.py": "import yaml\n"})
    assert "No module named 'yaml'" in (await checker.run(stages=["imports"])).messages
