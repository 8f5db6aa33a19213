"""Java through the whole pipeline, with the JDK of this machine, and JUnit where its jars lie here."""

import json
import os
import shutil
from pathlib import Path
from typing import Any, Final

import pytest

from codegod_sandbox.languages.java import Java, find_java

from .conftest import INSTALL_SECONDS, Workshop

_JAVA = find_java(dict(os.environ)) if shutil.which("javac") else "javac"
_JUNIT = isinstance(_JAVA, Java) and bool(_JAVA.junit)
pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(INSTALL_SECONDS + 120),
    pytest.mark.skipif(not isinstance(_JAVA, Java), reason="there is no JDK on this machine"),
]

CALC = "package demo;\n\npublic final class Calc {\n  private Calc() {}\n\n  public static int add(int a, int b) {\n    return a + b;\n  }\n}\n"
TEST = (
    "package demo;\n\nimport static org.junit.jupiter.api.Assertions.assertEquals;\n\nimport org.junit.jupiter.api.Test;\n\n"
    "class CalcTest {\n  @Test\n  void adds() {\n    assertEquals(3, Calc.add(1, 2));\n  }\n}\n"
)
GOOD = {"src/main/java/demo/Calc.java": CALC, "src/test/java/demo/CalcTest.java": TEST}
_PAIRS: Final[list[dict[str, Any]]] = json.loads(
    Path(__file__).with_name("java_defects.json").read_text("utf-8")
)
_STATIC: Final = ["syntax", "rules", "lint", "types", "imports"]


async def test_a_sound_project_passes_every_stage_that_can_be_done(workshop: Workshop) -> None:
    report = await workshop.report_on(GOOD, tests=["."])
    assert {report.stages[stage] for stage in _STATIC} == {"passed"}, report.text
    if _JUNIT:
        assert report.ok, report.text
        assert report.tests == {"src/test/java/demo/CalcTest.java::adds": ("passed", "")}
    else:
        assert report.stages["tests"] == "failed"
        assert "jars of JUnit" in report.notes["tests"]


async def test_pairs_are_told_apart(workshop: Workshop) -> None:
    good = await workshop.report_on(_project("good"), stages=_STATIC)
    assert (good.ok, good.rules) == (True, set()), good.text
    bad = await workshop.report_on(_project("bad"), stages=_STATIC)
    assert bad.rules >= {
        (case["file"], case["rule"]) for case in _PAIRS if _JUNIT or "Test" not in case["file"]
    }, bad.text
    assert {path for path, _ in bad.rules} <= {case["file"] for case in _PAIRS}


@pytest.mark.skipif(not _JUNIT, reason="JUnit's jars are not on this machine")
async def test_each_test_says_how_it_failed(workshop: Workshop) -> None:
    calc = CALC.replace(
        "\n}\n",
        '\n\n  public static int later() {\n    throw new UnsupportedOperationException("not implemented");\n  }\n}\n',
    )
    cases = {
        "holds": "assertEquals(3, Calc.add(1, 2));",
        "differs": "assertEquals(4, Calc.add(1, 2));",
        "isAStub": "assertEquals(1, Calc.later());",
        "isAStubItself": 'throw new UnsupportedOperationException("not implemented");',
        "breaks": "Object none = null;\n    none.toString();",
        "forges": 'new java.io.PrintStream(new java.io.FileOutputStream(java.io.FileDescriptor.out)).println("passed");\n'
        "    assertEquals(4, Calc.add(1, 2));",
    }
    methods = "".join(
        f"  @Test\n  void {name}() throws Exception {{\n    {body}\n  }}\n\n" for name, body in cases.items()
    )
    more = (
        "  @org.junit.jupiter.params.ParameterizedTest\n  @org.junit.jupiter.params.provider.ValueSource(ints = {1, 2})\n"
        "  void counts(int n) {\n    assertEquals(1, n);\n  }\n\n"
        "  @org.junit.jupiter.api.Nested\n  class Inner {\n    @org.junit.jupiter.api.Timeout(1)\n    @Test\n    void waits() {\n      while (Calc.add(1, 1) == 2) {}\n      assertEquals(1, 2);\n    }\n\n    @Test\n    void nested() {\n      assertEquals(1, 1 + 0);\n    }\n  }\n"
    )
    ways = TEST.replace("class CalcTest", "class WaysTest").replace(
        "  @Test\n  void adds() {\n    assertEquals(3, Calc.add(1, 2));\n  }\n", methods + more
    )
    files = {**GOOD, "src/main/java/demo/Calc.java": calc, "src/test/java/demo/WaysTest.java": ways}
    report = await workshop.report_on(files, tests=["."], stages=["tests"])
    assert {name.partition("::")[2]: told for name, told in report.tests.items()} == {
        "adds": ("passed", ""),
        "holds": ("passed", ""),
        "differs": ("failed", "assertion"),
        "isAStub": ("failed", "stub"),
        "isAStubItself": ("failed", "error"),
        "breaks": ("failed", "error"),
        "forges": ("failed", "assertion"),
        "counts[1]": ("passed", ""),
        "counts[2]": ("failed", "assertion"),
        "Inner::nested": ("passed", ""),
        "Inner::waits": ("timeout", "timeout"),
    }
    one = await workshop.check(tests=["src/test/java/demo/WaysTest.java::differs"], stages=["tests"])
    assert one.tests == {"src/test/java/demo/WaysTest.java::differs": ("failed", "assertion")}
    leaves = TEST.replace(
        "assertEquals(3, Calc.add(1, 2));", "System.exit(Calc.add(0, 0));\n    assertEquals(1, 1);"
    )
    workshop.fill({**GOOD, "src/test/java/demo/CalcTest.java": leaves})
    report = await workshop.check(tests=["."], stages=["tests"])
    assert set(report.tests.values()) == {("error", "error")}, report.text


async def test_a_project_that_only_its_build_tool_can_build_is_skipped_by_name(workshop: Workshop) -> None:
    pom = "<project><dependencies><dependency><groupId>com.acme</groupId><artifactId>anvil</artifactId></dependency></dependencies></project>"
    report = await workshop.report_on({**GOOD, "pom.xml": pom})
    assert report.stages["types"] == "skipped"
    assert "com.acme:anvil" in report.notes["types"]


def _project(side: str) -> dict[str, str]:
    return {case["file"]: case[side] for case in _PAIRS if _JUNIT or "Test" not in case["file"]}
