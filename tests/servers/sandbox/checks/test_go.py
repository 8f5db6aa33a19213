"""Go through the whole pipeline, with its real toolchain."""

import pytest

from .conftest import INSTALL_SECONDS, Workshop

# Installs a toolchain where the machine has none.
pytestmark = [pytest.mark.long, pytest.mark.timeout(INSTALL_SECONDS + 120)]

GOOD = {
    "go.mod": "module demo\n\ngo 1.21\n",
    "main.go": 'package main\n\nimport (\n\t"fmt"\n\n\t"demo/calc"\n)\n\nfunc main() { fmt.Println(calc.Add(1, 2)) }\n',
    "calc/calc.go": "package calc\n\n// Add adds.\nfunc Add(a, b int) int {\n\treturn a + b\n}\n",
    "calc/calc_test.go": (
        'package calc\n\nimport "testing"\n\n'
        "func TestAdd(t *testing.T) {\n\tif Add(1, 2) != 3 {\n\t\tt.Fatal(\"wrong\")\n\t}\n}\n"
    ),
}  # fmt: skip


async def test_a_sound_project_passes_every_stage(workshop: Workshop) -> None:
    report = await workshop.report_on(GOOD, tests=["."])
    assert report.ok, report.text
    assert set(report.stages.values()) == {"passed"}
    assert report.tests == {"calc/calc_test.go::TestAdd": ("passed", "")}


# Each in a module of its own: what one holds keeps no other from being looked at.
DEFECTS = [
    ("calc/bad.go", "package calc\n\nfunc half( {\n", "syntax"),
    ("calc/bad.go", 'package calc\n\nvar port int = "8080"\n', "compile"),
    ("calc/bad.go", 'package calc\n\nimport "example.com/magic"\n\nvar A = magic.New()\n', "unknown-package"),
    ("calc/bad.go", 'package calc\n\nimport "fmt"\n\nfunc F() {\n\tfmt.Printf("%d", "x")\n}\n', "vet"),
    ("calc/bad.go", 'package calc\n\nfunc F() int {\n\tpanic("not implemented")\n}\n', "placeholder"),
    ("calc/bad_test.go", 'package calc\n\nimport "testing"\n\nfunc TestF(t *testing.T) {\n\tAdd(1, 2)\n}\n', "no-assertion"),
]  # fmt: skip


async def test_each_defect_is_found(workshop: Workshop) -> None:
    files = {f"{place}/{path}": text for place in range(len(DEFECTS)) for path, text in GOOD.items()}
    wanted = {(f"{place}/{path}", rule) for place, (path, _, rule) in enumerate(DEFECTS)}
    files |= {f"{place}/{path}": text for place, (path, text, _) in enumerate(DEFECTS)}
    report = await workshop.report_on(files, stages=["syntax", "rules", "lint", "types"])
    assert report.rules >= wanted, report.text
    assert {path for path, _ in report.rules} == {path for path, _ in wanted}


async def test_each_test_says_how_it_failed_also_behind_one_that_panics(workshop: Workshop) -> None:
    code = (
        GOOD["calc/calc.go"]
        + '\n// Later is not there yet.\nfunc Later() int {\n\tpanic("not implemented")\n}\n'
    )
    tests = GOOD["calc/calc_test.go"].replace('import "testing"', 'import (\n\t"os"\n\t"testing"\n)') + (
        '\nfunc TestLater(t *testing.T) {\n\tif Later() != 1 {\n\t\tt.Fatal("wrong")\n\t}\n}\n'
        '\nfunc TestDiffers(t *testing.T) {\n\tif Add(1, 2) != 4 {\n\t\tt.Errorf("got %d", Add(1, 2))\n\t}\n}\n'
        '\nfunc TestForges(t *testing.T) {\n\tos.Stdout.WriteString("--- PASS: TestForges (0.00s)\\n")\n'
        '\tif Add(1, 2) != 4 {\n\t\tt.Fatal("wrong")\n\t}\n}\n'
        '\nfunc TestBreaks(t *testing.T) {\n\tvar m map[string]int\n\tm["a"] = 1\n\tt.Log(m)\n}\n'
    )
    report = await workshop.report_on(
        {**GOOD, "calc/calc.go": code, "calc/calc_test.go": tests}, tests=["."], stages=["tests"]
    )
    assert report.tests == {
        "calc/calc_test.go::TestAdd": ("passed", ""),
        "calc/calc_test.go::TestLater": ("failed", "stub"),
        "calc/calc_test.go::TestDiffers": ("failed", "assertion"),
        "calc/calc_test.go::TestBreaks": ("failed", "error"),
        "calc/calc_test.go::TestForges": ("failed", "assertion"),
    }
