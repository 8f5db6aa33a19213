"""What a worker may add to a Go stub, and what it may not change."""

from collections.abc import Mapping
from typing import Any, cast

import pytest

from codegod_kit.plan import Task
from codegod_mesh import CallResult
from codegod_orchestrator.signatures import drift, drifted
from codegod_orchestrator.toolset import Desk

STUB = """\
package store

import "time"

// Limit is the most.
const Limit = 20

var ErrFull error

// ID names an item.
type ID int64

type Item struct {
	ID   ID `json:"id"`
	Name, Note string
	when time.Time
	*Base
}

type Lister[T any] interface {
	List(limit int) ([]T, error)
}

type Store struct {
	path string
}

func New(path string, options ...func(*Store)) (*Store, error) {
	panic("not implemented")
}

func (s *Store) Add(name string, tags map[string]interface{}) (id ID, err error) {
	panic("not implemented")
}

func (s Store) Path() string {
	panic("not implemented")
}

func Map[T, U any](all []T, each func(T) U) []U {
	panic("not implemented")
}

func hidden() int {
	panic("not implemented")
}
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("const Limit = 20", "const (\n\tLimit = 30\n\tMore = 1\n)"),
        ("func hidden() int", "func other() string"),
        ("(s *Store) Add(name string, tags map[string]interface{}) (id ID, err error)",
         "(store Store) Add(\n\ttitle string,\n\ttags map[string]any,\n) (ID, error)"),
        ("\twhen time.Time\n", "\twhen, then time.Time // of its own\n\tMore int\n"),
        ("\tpath string\n", "\tpath string\n\tmutex sync.Mutex\n"),
        ("\tName, Note string", "\tNote string\n\tName string"),
        ("func hidden", "func (s *Store) Close() error { return nil }\n\nfunc hidden"),
    ],
)  # fmt: skip
def test_what_is_added_or_spelled_otherwise_is_no_drift(before: str, after: str) -> None:
    assert before in STUB
    assert drift(STUB, STUB.replace(before, after), "store/store.go") == ()


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("package store", "package main", "its name was `package store` and is `package main`"),
        (") Add(name string", ") Create(name string", "`Store.Add` is gone"),
        ("name string, tags", "name []byte, tags", "`name` was `string` and is `[]byte`"),
        ("name string, tags map[string]interface{}", "name string", "`tags` is gone"),
        ("func(*Store)) (", "func(*Store), more int) (", "`more` has no default"),
        ("options ...func(*Store)", "options []func(*Store)", "can no longer be passed"),
        ("(*Store, error)", "*Store", "result was `(*Store, error)` and is `*Store`"),
        ("(s Store) Path", "(s *Store) Path", "receiver was `value` and is `pointer`"),
        ("ID ID `json:\"id\"`".replace("ID ID", "ID   ID"), "ID   ID `json:\"Id\"`", "its tag was"),
        ("Name, Note string", "Name string", "`Item.Note` is gone"),
        ("\t*Base\n", "\tBase\n", "type was `*Base` and is `Base`"),
        ("type ID int64", "type ID string", "underlying type was `int64` and is `string`"),
        ("type ID int64", "type ID struct{}", "was a type and is a struct"),
        ("List(limit int) ([]T, error)", "List(limit int) ([]T, error)\n\tCount() int", "`Lister.Count` is new"),
        ("Map[T, U any]", "Map[U, T any]", "type parameters"),
        ("var ErrFull error\n", "", "`ErrFull` is gone"),
        ("const Limit = 20", "var Limit = 20", "was a constant and is a variable"),
    ],
)  # fmt: skip
def test_a_lost_or_changed_signature_is_named(before: str, after: str, told: str) -> None:
    assert before in STUB
    (finding,) = drift(STUB, STUB.replace(before, after), "store/store.go")
    assert told in finding.message
    assert (finding.stage, finding.path) == ("signatures", "store/store.go")


class Commits:
    """A git server that knows the files of two commits."""

    def __init__(self, commits: Mapping[str, Mapping[str, str]]) -> None:
        self.commits = commits

    async def call(self, _name: str, arguments: Mapping[str, Any], *, within: float = 60) -> CallResult:
        text = self.commits[arguments["revision"]].get(arguments["path"])
        return CallResult(text is None, "", {"text": text or ""} if text is not None else None)


async def test_what_moved_to_another_file_of_its_package_is_still_there() -> None:
    moved = "func New("
    before, after = STUB.split(moved)
    task = Task(
        id="store",
        type="backend",
        title="Store",
        files=("store/store.go", "store/more.go", "other/more.go", "page.ts"),
        tests=("store/store_test.go",),
    )
    page = "export function show(text: string): string {\n"
    kept = {
        "store/store.go": before,
        "store/more.go": f"package store\n\n{moved}{after}",
        "page.ts": f"{page}  return text;\n}}\n",
    }
    stubs = {"store/store.go": STUB, "page.ts": f"{page}  throw new Error('not implemented');\n}}\n"}
    desk = Desk(
        cast(
            "Any",
            Commits({"stubs": stubs, "kept": kept, "lost": {**kept, "store/more.go": "package store\n"}}),
        )
    )
    assert await drifted(desk, task, "kept", "stubs") == ()
    lost = await drifted(desk, task, "lost", "stubs")
    assert [one.message.split("`")[1] for one in lost] == ["New", "Store.Add", "Store.Path", "Map"]
