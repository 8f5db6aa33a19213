"""What is left of a file that a worker only calls."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegod_workers.outline import outline
from codegod_workers.syntax import symbols

SOURCE = '''from __future__ import annotations

import json
from typing import Any, Mapping

LIMIT = 3
_HIDDEN = 4
_DEFAULT = 5

class Store:
    """Keeps things.

      - an indented line
    """

    size: int = 0

    def add(self, thing: str, *, at: int = _DEFAULT) -> Mapping[str, int]:
        """Add a thing.

        Raises ValueError when it is empty.
        """
        self.size += 1
        return json.loads(self.size)

    @property
    def _count(self) -> int:
        return self.size

    async def drop(self) -> None:
        self.size = _HIDDEN

def short(): return 1
'''

SHOWN = '''from typing import Mapping

LIMIT = 3
_DEFAULT = 5

class Store:
    """Keeps things.

      - an indented line
    """

    size: int = 0

    def add(self, thing: str, *, at: int = _DEFAULT) -> Mapping[str, int]:
        """Add a thing.

        Raises ValueError when it is empty.
        """
        ...

    async def drop(self) -> None:
        ...

def short(): ...
'''


def test_an_outline_is_the_authors_text_with_an_ellipsis_for_each_body() -> None:
    assert outline("a.py", SOURCE) == SHOWN


def test_a_packages_file_keeps_its_imports_which_are_what_it_offers() -> None:
    text = "from app.store import Store\n"
    assert outline("app/__init__.py", text) == text


def test_a_class_of_private_methods_keeps_a_body() -> None:
    assert (
        outline("a.py", "class _Part:\n    def _do(self) -> int:\n        return 1\n")
        == "class _Part:\n    ...\n"
    )


PRIVATE = '''from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.kept import Kept

if TYPE_CHECKING:
    from app.store import Store

_LIMIT = 3

class _Inner:
    """Used by _Gone alone."""

class _Gone(_Inner):
    pass

class _Named:
    size: int

class Shelf:
    _lock: object
    label: str

    def find(self, store: Store) -> "list[_Named] | None":
        return _Gone(Kept)

class Row(dict):
    _id: int

if __name__ == "__main__":
    sys.exit(0)
'''

PUBLIC = """from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.store import Store

class _Named:
    size: int

class Shelf:
    label: str

    def find(self, store: Store) -> "list[_Named] | None":
        ...

class Row(dict):
    _id: int
"""


def test_private_classes_fields_and_what_runs_as_a_program_are_left_out() -> None:
    assert outline("a.py", PRIVATE) == PUBLIC


SCRIPT = """/** The list. */
import { readFile, rename } from "node:fs/promises";
import { type Change, type Item, Missing, UnknownItem } from "./types.js";

const LARGEST = 10_000; // bytes

/** What is kept. */
interface Kept {
  readonly items: Item[];
}
type Key = keyof Row;
interface Row { a: number }

/** Items by id. */
export class Store {
  #queue = 1;
  // how many
  private readonly count: number = 0;

  private constructor(private kept: Kept) {
    rename(LARGEST);
  }

  /** One of them. Throws Missing. */
  item(key: Key): Item {
    throw new UnknownItem();
  }

  private find(): void {
    readFile("a");
  }
}

function hidden(): Change {
  return {};
}
export const twice = (n: number): number => 2 * n;
const router = makeRouter();
router.get("/items", (request) => {
  hidden();
});
hidden();
export default router;
"""

EXPORTED = """/** The list. */
import { type Item, Missing } from "./types.js";

type Key = keyof Row;
interface Row { a: number }

/** Items by id. */
export class Store {
  private constructor(...) { ... }

  /** One of them. Throws Missing. */
  item(key: Key): Item { ... }
}

export const twice = (n: number): number => 2 * n;
const router = makeRouter();
router.get("/items", (request) => { ... });
export default router;
"""


def test_of_typescript_what_is_exported_stays_and_what_that_refers_to() -> None:
    assert outline("a.ts", SCRIPT) == EXPORTED


def test_a_script_that_exports_nothing_keeps_all_but_bodies() -> None:
    text = "const a = 1;\nfunction f() {\n  return a;\n}\nf();\n"
    assert outline("a.js", text) == "const a = 1;\nfunction f() { ... }\nf();\n"


def test_common_exports_count_as_exports() -> None:
    text = "const a = 1;\nfunction f() { return a; }\nfunction g() {}\nmodule.exports = { f };\n"
    assert outline("a.cjs", text) == "function f() { ... }\nmodule.exports = { f };\n"


GO = """// Package store keeps things.
package store

import (
	"fmt"
	"net/http"
	log "example.com/app/logging"
)

// limit is a limit.
const limit = 3

const (
	Small = 1
	large = 2
)

// Store keeps.
type Store struct {
	mu    lock
	Items []item // in order
}

type item struct {
	id int
}
type lock struct{}

func (l *lock) Lock() { fmt.Println(limit) }

// Add adds.
func (s *Store) Add(handler http.Handler) (*item, error) {
	log.Print(large)
	return nil, nil
}

func (s *Store) find() {}

func hidden() {}
"""

OFFERED = """// Package store keeps things.
package store

import (
	"net/http"
)

const (
	Small = 1
)

// Store keeps.
type Store struct {
	Items []item // in order
}

type item struct {
}

// Add adds.
func (s *Store) Add(handler http.Handler) (*item, error) { ... }
"""


def test_of_go_what_has_a_capital_stays_and_what_that_refers_to() -> None:
    assert outline("store/store.go", GO) == OFFERED


def test_inside_its_package_and_in_a_program_all_names_of_go_stay() -> None:
    assert "func hidden() { ... }" in outline("store/store.go", GO, inside=True)
    assert "mu    lock" in outline("store/store.go", GO, inside=True)
    program = GO.replace("package store", "package main")
    assert "func hidden() { ... }" in outline("main.go", program)


def test_counted_constants_stay_together() -> None:
    text = "package a\n\nconst (\n\tfirst = iota\n\tSecond\n)\n"
    assert outline("a/a.go", text) == text


def test_braces_are_emptied_in_typescript_and_go() -> None:
    assert outline("a.ts", "export const f = async (a: string) => { await g(a); };\n") == (
        "export const f = async (a: string) => { ... };\n"
    )
    assert outline("a.go", "package a\n\nfunc Add(a int) int {\n\treturn a\n}\n") == (
        "package a\n\nfunc Add(a int) int { ... }\n"
    )


def test_what_is_not_code_or_does_not_parse_is_shown_whole() -> None:
    assert outline("a.sql", "select 1;") == "select 1;"
    assert outline("a.py", "def broken(:\n") == "def broken(:\n"
    assert outline("a.ts", "export function (") == "export function ("


_STATEMENTS = st.sampled_from(
    [
        "x = 1",
        "import os",
        "def f(a: int) -> int:\n    return a",
        'def g():\n    """Doc."""\n    return 1',
        "def h(): return 2",
        "class C:\n    def _a(self):\n        pass\n    b = 1",
        "@d\nclass D:\n    x: int = 1\n    def m(self) -> 'D':\n        return self",
        "def _p():\n    x = 1",
        "if 1:\n    import sys",
    ]
)


@given(st.lists(_STATEMENTS, max_size=6))
def test_an_outline_parses_and_names_what_is_public(statements: list[str]) -> None:
    text = "\n\n".join(statements) + "\n"
    tree = ast.parse(outline("a.py", text))
    public = {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    left = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    assert left == public - {"_p"}


_TYPESCRIPT = st.sampled_from(
    [
        "export function f(a: A): B { return g(a); }",
        "function g(a: A): B { return a; }",
        "export class C extends D { private x = 1; #y = 2; static m(): void {} }",
        "interface A { b: B }",
        "export type B = A | C;",
        'import { x, type Y } from "./x.js";',
        "export const k: Y = x;",
        "// a comment\nlet q = 1, r = 2; // and one behind it",
        "export { g as h };",
        "if (q) { g(1); }",
        "k.on('a', () => { q += 1; });",
    ]
)


@given(st.lists(_TYPESCRIPT, max_size=7, unique=True))
def test_an_outline_of_typescript_parses_and_has_every_export(statements: list[str]) -> None:
    text = "\n\n".join(statements) + "\n"
    left = outline("a.ts", text)
    read = left.replace("{ ... }", "{}").replace("(...)", "()")
    assert symbols("a.ts", read) is not None
    exported = [line for line in left.splitlines() if line.startswith("export")]
    assert [line.split()[:3] for line in exported] == [
        line.split()[:3] for line in text.splitlines() if line.startswith("export")
    ]
    assert not {"private", "#y"} & set(left.split())


@pytest.mark.parametrize("path", ["a.py", "a.ts", "a.go"])
@given(text=st.text(max_size=80))
def test_no_text_breaks_an_outline(path: str, text: str) -> None:
    assert isinstance(outline(path, text), str)


@pytest.mark.parametrize("path", ["a.py", "a.ts"])
def test_what_nests_deeper_than_pythons_stack_breaks_no_outline(path: str) -> None:
    text = "x = " + "(" * 3_000 + "1" + ")" * 3_000 + "\n"
    assert outline(path, text).strip() == text.strip()
