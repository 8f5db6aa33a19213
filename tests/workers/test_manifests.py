"""What a worker is shown of a manifest: packages, commands and compiler options, or all of it in doubt."""

import pytest

from codegod_workers.manifests import short_manifest

PYPROJECT = """[build-system]
requires = ["hatchling"]

[project]
name = "app"
dependencies = [
  "starlette>=1",
]

[project.scripts]
app = "app.main:main"

[tool.pytest.ini_options]
matrix = [
[1, 2],
]

[dependency-groups]
dev = ["pytest"]
"""


def test_a_pyproject_says_what_the_project_is_and_needs() -> None:
    assert short_manifest("pyproject.toml", PYPROJECT) == (
        '[project]\nname = "app"\ndependencies = [\n  "starlette>=1",\n]\n\n'
        '[project.scripts]\napp = "app.main:main"\n\n[dependency-groups]\ndev = ["pytest"]\n'
    )


def test_a_package_json_says_what_runs_and_what_there_is() -> None:
    text = '{"name": "a", "license": "MIT", "type": "module", "scripts": {"test": "node --test"}}'
    assert short_manifest("web/package.json", text) == (
        '{\n  "type": "module",\n  "scripts": {"test": "node --test"}\n}\n'
    )


def test_a_tsconfig_says_what_the_compiler_is_told() -> None:
    text = '{"compilerOptions": {"strict": true}, "include": ["src"]}'
    assert short_manifest("tsconfig.json", text) == '{\n  "compilerOptions": {"strict": true}\n}\n'


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pyproject.toml", "[project\n"),
        ("pyproject.toml", "[tool.poetry]\nname = 'app'\n"),
        ("pyproject.toml", "project.name = 'app'\n[tool.a]\nb = 1\n"),
        ("tsconfig.json", '{\n  // strict\n  "compilerOptions": {}\n}'),
        ("package.json", "[]"),
        ("requirements.txt", "starlette>=1\n"),
        ("go.mod", "module app\n"),
    ],
)
def test_in_doubt_a_manifest_is_whole(path: str, text: str) -> None:
    assert short_manifest(path, text) == text
