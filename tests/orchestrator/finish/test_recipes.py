"""How what starts an application on a developer's machine becomes what starts it in a container."""

import shlex

import pytest

from codegod_orchestrator.finish.recipes import COMPILED, command_of, compiled


@pytest.mark.parametrize(
    ("started", "built", "run"),
    [
        ("go run .", f"go build -o {COMPILED} .", COMPILED),
        ("go run", f"go build -o {COMPILED} .", COMPILED),
        ("go run ./cmd/list -port 8000 serve", f"go build -o {COMPILED} ./cmd/list", f"{COMPILED} -port 8000 serve"),
        ("go run main.go store.go --port=8000", f"go build -o {COMPILED} main.go store.go", f"{COMPILED} --port=8000"),
        ("go run -race -tags 'a b' ./cmd x", f"go build -o {COMPILED} -race -tags 'a b' ./cmd", f"{COMPILED} x"),
        ("./server --port 8000", "", "./server --port 8000"),
        ("python -m todo", "", "python -m todo"),
    ],
)  # fmt: skip
def test_what_compiles_as_it_starts_is_compiled_into_the_image(started: str, built: str, run: str) -> None:
    assert compiled(shlex.split(started)) == (built, tuple(shlex.split(run)))


def test_a_start_command_gives_up_its_variables_and_gets_its_port() -> None:
    assert command_of("PORT={port} MODE='a b' go run . -v", 8000) == (
        {"PORT": "8000", "MODE": "a b"},
        ("go", "run", ".", "-v"),
    )
