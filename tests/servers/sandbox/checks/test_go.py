"""Go through the whole pipeline, with its real toolchain."""

import pytest

from .conftest import INSTALL_SECONDS, Workshop, said

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


TOOL = (
    'package main\n\nimport (\n\t"fmt"\n\t"net/http"\n\t"os"\n\n\t"demo/calc"\n)\n\n'
    'func main() {\n\tif len(os.Args) > 2 && os.Args[1] == "-port" {\n'
    '\t\thttp.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, calc.Add(1, 2)) })\n'
    '\t\t_ = http.ListenAndServe("127.0.0.1:"+os.Args[2], nil)\n\t\treturn\n\t}\n'
    '\tfmt.Println(os.Args[1:])\n\tos.Exit(calc.Add(1, 2))\n}\n'
)  # fmt: skip
FROM_OUTSIDE = """\
import os
import shlex
import subprocess
import urllib.request


def test_the_status_is_its_own(tmp_path):
    command = [*shlex.split(os.environ["APP_COMMAND"]), "a b"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (3, "[-v a b]\\n")


def test_it_adds():
    with urllib.request.urlopen(os.environ["APP_URL"]) as answer:
        assert answer.read() == b"3"
"""


async def test_a_program_that_go_runs_ends_with_its_own_status_and_serves(workshop: Workshop) -> None:
    workshop.fill(GOOD | {"main.go": TOOL, "acceptance/test_tool.py": FROM_OUTSIDE})
    await workshop.prepare()
    path = "acceptance/test_tool.py"
    arguments = {"command": "go run -trimpath . -v", "tests": [f"{path}::test_the_status_is_its_own"]}
    report = await workshop.client.call_tool("app_check", arguments)
    assert report.structured_content and report.structured_content["ok"], said(report)
    arguments = {"command": "go run . -port {port}", "health": "/", "tests": [f"{path}::test_it_adds"]}
    report = await workshop.client.call_tool("app_check", arguments)
    assert report.structured_content and report.structured_content["ok"], said(report)


async def test_a_program_that_does_not_compile_says_so(workshop: Workshop) -> None:
    broken = TOOL.replace("calc.Add(1, 2))\n}", 'calc.Add("1", 2))\n}')
    workshop.fill(GOOD | {"main.go": broken, "acceptance/test_tool.py": FROM_OUTSIDE})
    await workshop.prepare()
    arguments = {"command": "go run . -port {port}", "tests": ["acceptance/test_tool.py::test_it_adds"]}
    report = await workshop.client.call_tool("app_check", arguments)
    assert "it ended with status 1 before it answered" in said(report)
    assert 'cannot use "1"' in said(report)
