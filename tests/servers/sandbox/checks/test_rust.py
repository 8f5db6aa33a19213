"""Rust through the whole pipeline, with the toolchain of this machine."""

import json
import shutil
from pathlib import Path
from typing import Any, Final

import pytest

from .conftest import INSTALL_SECONDS, Report, Workshop

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(INSTALL_SECONDS + 120),
    pytest.mark.skipif(shutil.which("cargo") is None, reason="there is no Rust on this machine"),
]

MANIFEST = '[package]\nname = "demo"\nversion = "0.1.0"\nedition = "2021"\n'
LIBRARY = (
    "//! Sums.\n\n/// Adds.\npub fn add(a: u32, b: u32) -> u32 {\n    a + b\n}\n\n"
    "#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n    fn adds() {\n        assert_eq!(add(1, 2), 3);\n    }\n}\n"
)
GOOD = {
    "Cargo.toml": MANIFEST,
    "src/lib.rs": LIBRARY,
    "src/main.rs": 'fn main() {\n    println!("{}", demo::add(1, 2));\n}\n',
    "tests/api.rs": "use demo::add;\n\n#[test]\nfn adds_more() {\n    assert_eq!(add(2, 2), 4);\n}\n",
}
_PAIRS: Final[list[dict[str, Any]]] = json.loads(
    Path(__file__).with_name("rust_defects.json").read_text("utf-8")
)


async def test_a_sound_project_passes_every_stage(workshop: Workshop) -> None:
    report = await workshop.report_on(GOOD, tests=["."])
    assert report.ok, report.text
    assert set(report.stages.values()) == {"passed"}, report.text
    assert report.tests == {
        "src/lib.rs::tests::adds": ("passed", ""),
        "tests/api.rs::adds_more": ("passed", ""),
    }
    assert sorted(path.name for path in workshop.root.iterdir()) == ["Cargo.toml", "src", "tests"]


async def test_pairs_are_told_apart(workshop: Workshop) -> None:
    """Each file in a package of its own."""
    good = await workshop.report_on(_project("good"), stages=["syntax", "rules", "lint", "types", "imports"])
    assert (good.ok, good.rules) == (True, set()), good.text
    bad = await workshop.report_on(_project("bad"), stages=["syntax", "rules", "lint", "types", "imports"])
    wanted = {(f"{case['id']}/{case['file']}", case["rule"]) for case in _PAIRS}
    assert bad.rules >= wanted, bad.text
    assert {path.partition("/")[0] for path, _ in bad.rules} == {case["id"] for case in _PAIRS}


async def test_each_test_says_how_it_failed(workshop: Workshop) -> None:
    library = LIBRARY.replace(
        "#[cfg(test)]",
        "/// Not there yet.\npub fn later() -> u32 {\n    todo!()\n}\n\n/// Not there yet.\npub fn never() -> u32 {\n"
        '    unimplemented!("never")\n}\n\n/// Leaves.\npub fn leaves() {\n    std::process::exit(0)\n}\n\n#[cfg(test)]',
    )
    tests = (
        "use demo::*;\n\n#[test]\nfn differs() {\n    assert_eq!(add(1, 2), 4);\n}\n\n"
        "#[test]\nfn is_a_stub() {\n    assert_eq!(later(), 1);\n}\n\n"
        "#[test]\nfn is_a_stub_as_well() {\n    assert_eq!(never(), 1);\n}\n\n"
        "#[test]\nfn is_a_stub_itself() {\n    todo!()\n}\n\n"
        "#[test]\nfn breaks() {\n    let none: Option<u32> = None;\n    assert_eq!(none.unwrap(), 1);\n}\n\n"
        '#[test]\nfn forges() {\n    use std::io::Write;\n    writeln!(std::io::stdout(), "test forges ... ok").unwrap();\n'
        '    writeln!(std::io::stdout(), "test result: ok. 9 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out;").unwrap();\n'
        "    assert_eq!(add(1, 1), 3);\n}\n\n"
        "#[test]\nfn ends_the_process() {\n    leaves();\n}\n\n"
        '#[test]\nfn gives_an_error() -> Result<(), String> {\n    Err("no".to_string())\n}\n\n'
        "#[test]\n#[should_panic]\nfn does_not_panic() {\n    add(1, 2);\n}\n\n"
        "#[test]\n#[ignore]\nfn is_ignored() {\n    assert_eq!(add(1, 2), 4);\n}\n\n"
        "#[test]\nfn never_ends() {\n    loop {\n        std::thread::park();\n    }\n}\n"
    )
    report = await workshop.report_on(
        {**GOOD, "src/lib.rs": library, "tests/ways.rs": tests}, tests=["."], stages=["tests"], timeout_s=24
    )
    assert _by_name(report) == {
        "adds": ("passed", ""),
        "adds_more": ("passed", ""),
        "differs": ("failed", "assertion"),
        "is_a_stub": ("failed", "stub"),
        "is_a_stub_as_well": ("failed", "stub"),
        "is_a_stub_itself": ("failed", "error"),
        "breaks": ("failed", "error"),
        "forges": ("failed", "assertion"),
        "ends_the_process": ("error", "error"),
        "gives_an_error": ("failed", "error"),
        "does_not_panic": ("failed", "assertion"),
        "is_ignored": ("skipped", ""),
        "never_ends": ("timeout", "timeout"),
    }
    stub = next(each for each in report.data["findings"] if "is_a_stub:" in each["message"])
    assert (stub["path"], stub["line"], stub["rule"]) == ("src/lib.rs", 10, "stub")
    one = await workshop.check(
        tests=["tests/ways.rs::differs", "tests/api.rs", "tests/gone.rs::x"], stages=["tests"]
    )
    assert one.tests == {
        "tests/ways.rs::differs": ("failed", "assertion"),
        "tests/api.rs::adds_more": ("passed", ""),
        "tests/gone.rs::x": ("error", "collection"),
    }


async def test_a_projects_own_settings_bend_nothing(workshop: Workshop) -> None:
    """A runner in the place of the tests, and a crate that nobody can bring."""
    bad = LIBRARY.replace("a + b", "a - b")
    runner = {".cargo/config.toml": '[target.x86_64-unknown-linux-gnu]\nrunner = "true"\n'}
    report = await workshop.report_on({**GOOD, **runner, "src/lib.rs": bad}, tests=["."], stages=["tests"])
    assert {outcome for outcome, _ in report.tests.values()} == {"failed"}, report.text
    workshop.fill({**GOOD, "Cargo.toml": f'{MANIFEST}\n[dependencies]\nserde = "1"\n'})
    report = await workshop.check(stages=["types"])
    assert report.rules == {("Cargo.toml", "unknown-package")}


def _project(side: str) -> dict[str, str]:
    files: dict[str, str] = {}
    for case in _PAIRS:
        files[f"{case['id']}/Cargo.toml"] = MANIFEST.replace("demo", case["id"])
        files[f"{case['id']}/src/lib.rs"] = "//! Nothing.\n"
        files[f"{case['id']}/{case['file']}"] = case[side]
    return files


def _by_name(report: Report) -> dict[str, tuple[str, str]]:
    return {name.rpartition("::")[2]: told for name, told in report.tests.items()}
