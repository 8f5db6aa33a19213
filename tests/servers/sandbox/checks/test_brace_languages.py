"""What is said of Rust and Java without any tool of theirs, and how their tools are found."""

import tomllib
from pathlib import Path

import pytest

from codegod_kit.beneath import Beneath
from codegod_sandbox.checks.baseline_tests import test_files as files_with_tests
from codegod_sandbox.checks.inside.java_rules import check_java
from codegod_sandbox.checks.inside.rust_rules import check_rust
from codegod_sandbox.checks.inside.rust_source import RustFile
from codegod_sandbox.checks.inside.source_text import code_of
from codegod_sandbox.languages import java, rust
from codegod_sandbox.languages.crates import crate_needs
from codegod_sandbox.languages.java_build import needs_a_build
from codegod_sandbox.languages.spoken import survey
from codegod_sandbox.manifest import RequirementRefused

from .conftest import failing, project_of

RUST = """//! Not code: fn fake() { todo!() }
pub struct Words<'a>(&'a str);
const BRACE: char = '{';
const RAW: &str = r#"fn no() { todo!() } ""#;

pub fn one() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        assert_eq!(one(), 1);
    }

    mod inner {
        #[tokio::test]
        async fn waits() -> Result<(), String> {
            super::one().to_string().parse::<u32>().map_err(|error| error.to_string())?;
            Ok(())
        }
    }
}
"""


def test_the_tests_of_a_rust_file_are_found_whatever_stands_in_strings_and_comments() -> None:
    file = RustFile("src/lib.rs", RUST)
    assert [each.title for each in file.tests] == ["tests::counts", "tests::inner::waits"]
    assert check_rust(project_of({"src/lib.rs": RUST})) == []
    assert len(code_of(RUST, rust=True)) == len(RUST)


@pytest.mark.parametrize("text", ['"', "/*", 'r#"', "'", "/*" * 20_000, '"\\', "fn f(" * 5_000, "#[" * 5_000])
def test_text_that_is_never_closed_is_read_to_its_end(text: str) -> None:
    RustFile("a.rs", text).functions  # noqa: B018 - it is to come back
    assert len(code_of(text, rust=False)) == len(text)


@pytest.mark.parametrize(
    ("text", "line", "rule"),
    [
        ("pub fn f() -> u32 {\n    todo!()\n}\n", 2, "placeholder"),
        ('pub fn f() -> u32 {\n    unimplemented!("later")\n}\n', 2, "placeholder"),
        ('pub fn f() -> u32 {\n    panic!("not implemented: f")\n}\n', 2, "placeholder"),
        ("impl A {\n    pub fn f(&mut self, n: u32) {}\n}\n", 2, "placeholder"),
        (
            "fn f(n: &str) -> String {\n    format!(\"DELETE FROM t WHERE n = '{n}'\")\n}\n",
            2,
            "sql-injection",
        ),
        ("#[test]\nfn f() {\n    g();\n}\n", 2, "no-assertion"),
        ("#[test]\nfn f() {\n    assert!(true);\n}\n", 3, "assert-true"),
        ("#[test]\n#[ignore]\nfn f() {\n    assert!(g());\n}\n", 3, "skipped-test"),
    ],
)
def test_a_defect_of_rust_is_found(text: str, line: int, rule: str) -> None:
    assert failing(check_rust(project_of({"src/lib.rs": text}))) == [("src/lib.rs", line, rule)]


@pytest.mark.parametrize(
    "text",
    [
        'pub fn f(n: u32) {\n    panic!("{n} is too large")\n}\n',
        "impl Drop for A {\n    fn drop(&mut self) {}\n}\n",
        "pub fn f(_: u32) {\n    // Nothing is kept, so nothing is let go.\n}\n",
        "impl A {\n    pub fn start(&self) {}\n}\n",
        '#[test]\n#[should_panic(expected = "empty")]\nfn f() {\n    g();\n}\n',
        "#[cfg(test)]\nmod tests {\n    fn later() {\n        todo!()\n    }\n}\n",
        'fn f(n: &str) -> String {\n    format!("no row WHERE {n} = 1")\n}\n',
    ],
)
def test_what_only_looks_like_a_defect_of_rust_is_none(text: str) -> None:
    assert check_rust(project_of({"src/lib.rs": text})) == []


@pytest.mark.parametrize(
    ("path", "text", "line", "rule"),
    [
        ("A.java", 'class A {\n  int f() {\n    throw new UnsupportedOperationException("Not implemented yet");\n  }\n}\n', 3, "placeholder"),
        ("A.java", 'class A {\n  int f() {\n    throw new RuntimeException("TODO: not implemented");\n  }\n}\n', 3, "placeholder"),
        ("A.java", "class A {\n  public void f(int n) {}\n}\n", 2, "placeholder"),
        ("A.java", 'class A {\n  String q(String n) {\n    return "SELECT a FROM t WHERE n = \'" + n;\n  }\n}\n', 3, "sql-injection"),
        ("ATest.java", "class ATest {\n  @Test\n  public void f() {\n    new A().f();\n  }\n}\n", 3, "no-assertion"),
        ("ATest.java", "class ATest {\n  @Test void f() {\n    assertTrue(true);\n  }\n}\n", 3, "assert-true"),
        ("ATest.java", "class ATest {\n  @Disabled\n  @Test void f() {\n    assertTrue(g());\n  }\n}\n", 2, "skipped-test"),
    ],
)  # fmt: skip
def test_a_defect_of_java_is_found(path: str, text: str, line: int, rule: str) -> None:
    assert failing(check_java(project_of({path: text}))) == [(path, line, rule)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (
            "A.java",
            'class A {\n  void f() {\n    throw new UnsupportedOperationException("the list is fixed");\n  }\n}\n',
        ),
        ("A.java", "class A implements B {\n  @Override public void f(int n) {}\n}\n"),
        ("A.java", "class A {\n  public void f(int n) {\n    // Nobody listens.\n  }\n}\n"),
        ("A.java", 'class A {\n  // "SELECT a FROM t WHERE n = \'" + n\n}\n'),
        ("ATest.java", "class ATest {\n  @Test void f() {\n    assertThrows(E.class, () -> g());\n  }\n}\n"),
    ],
)
def test_what_only_looks_like_a_defect_of_java_is_none(path: str, text: str) -> None:
    assert check_java(project_of({path: text})) == []


def test_tests_of_rust_are_found_in_any_file_and_those_of_java_by_name(tmp_path: Path) -> None:
    for path, text in (
        ("src/lib.rs", RUST), ("src/main.rs", "fn main() {}\n"), ("src/test/java/ATest.java", ""), ("src/A.java", ""),
    ):  # fmt: skip
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    seen = survey(tmp_path)
    assert dict(seen.tests) == {"rust": ("src/lib.rs",), "java": ("src/test/java/ATest.java",)}
    with Beneath(tmp_path) as files:
        assert "src/lib.rs" in files_with_tests(files)


def test_a_build_tool_is_needed_for_packages_that_are_not_junits() -> None:
    one = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId></dependency>"
    junit = one.format("org.junit.jupiter", "junit-jupiter")
    assert needs_a_build("pom.xml", f"<project>{junit}</project>") == ""
    assert "com.acme:anvil" in needs_a_build(
        "pom.xml", f"<project>{junit}{one.format('com.acme', 'anvil')}</project>"
    )
    assert (
        needs_a_build("build.gradle.kts", 'testImplementation("org.junit.jupiter:junit-jupiter:5.10.0")\n')
        == ""
    )
    assert "com.acme:anvil:1" in needs_a_build(
        "app/build.gradle", "dependencies {\n  implementation 'com.acme:anvil:1'\n}\n"
    )


def test_the_newest_whole_junit_is_taken(tmp_path: Path) -> None:
    parts = ("junit-platform-launcher", "junit-platform-engine", "junit-platform-commons")
    names = (
        [f"{part}-1.10.2" for part in parts]
        + [f"{part}-6.0.1" for part in parts]
        + ["junit-platform-launcher-1.13.0"]
    )
    for version in ("5.10.2", "6.0.1"):
        names += [f"junit-jupiter-{part}-{version}" for part in ("api", "engine", "params")]
    for name in (*names, "opentest4j-1.3.0", "apiguardian-api-1.1.2"):
        place = tmp_path / ".m2/repository/org/junit" / name / f"{name}.jar"
        place.parent.mkdir(parents=True)
        place.write_bytes(b"")
    jars = java._jars({"HOME": str(tmp_path)})
    assert {each.name for each in java._junit(jars, 11)} >= {"junit-jupiter-engine-5.10.2.jar"}
    assert {each.name for each in java._junit(jars, 17)} >= {"junit-jupiter-engine-6.0.1.jar"}
    assert java._junit({}, 17) == ()


def test_crates_of_a_registry_are_asked_for_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "Cargo.toml").write_text(
        '[package]\nname = "a"\n\n[dependencies]\nserde = "1"\nb = { path = "b" }\nc = { workspace = true }\n\n'
        '[dev-dependencies]\ninsta = { version = "1", features = ["json"], optional = true }\n\n'
        '[target."cfg(unix)".dependencies]\nlibc = "0.2"\n\n[workspace.dependencies]\naxum = "0.8"\n',
        "utf-8",
    )
    needs = crate_needs(tmp_path)
    assert needs is not None
    assert needs.names == ("axum", "insta", "libc", "serde")
    assert tomllib.loads(needs.manifests[0])["dev-dependencies"] == {
        "insta": {"version": "1", "features": ["json"]}
    }


@pytest.mark.parametrize(
    "wanted",
    [
        '{ git = "https://evil.test/a" }',
        '{ version = "1", registry-index = "https://evil.test" }',
        "{ version = 1 }",
    ],
)
def test_a_crate_from_elsewhere_is_refused(tmp_path: Path, wanted: str) -> None:
    (tmp_path / "Cargo.toml").write_text(f"[dependencies]\na = {wanted}\n", "utf-8")
    with pytest.raises(RequirementRefused):
        crate_needs(tmp_path)


def test_without_a_compiler_it_is_said_which_is_missing(tmp_path: Path) -> None:
    assert rust.find_rust({"PATH": str(tmp_path)}) == "rustc"
    assert java.find_java({"PATH": str(tmp_path)}) == "javac"
    (tmp_path / "rustc").write_text("#!/bin/sh\nexit 1\n", "utf-8")
    (tmp_path / "rustc").chmod(0o755)
    assert rust.find_rust({"PATH": str(tmp_path)}) == "a rustc that works"
