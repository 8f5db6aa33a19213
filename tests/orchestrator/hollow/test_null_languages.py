"""Null bodies of Go and JavaScript in a real sandbox: what the tests of a contract see of them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from codegod_kit import GrantIssuer
from codegod_mesh import Builtin, Endpoint, Mesh, MeshSettings, NoRecorder
from codegod_orchestrator.evidence import evidence_of, with_hollow
from codegod_orchestrator.hollow.null_runs import hollow_tests
from codegod_orchestrator.toolset import Toolset, fresh_tree

# Installs the tools of two languages where the machine has none.
pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

STUBS = {
    "store/store.go": """\
package store

import "fmt"

// Store keeps names.
type Store struct{ names []string }

// New makes an empty one.
func New() *Store {
	panic("not implemented")
}

// Add keeps a name once.
func (s *Store) Add(name string) error {
	panic(fmt.Errorf("not implemented: %s", name))
}

// All gives every name.
func (s *Store) All() ([]string, error) {
	panic("not implemented")
}
""",
    "web/total.mjs": """\
/** @returns {number} the sum */
export function total(prices) {
  throw new Error("not implemented");
}

/** @returns {Promise<string[]>} the names */
export async function names(prices) {
  throw new Error("not implemented");
}
""",
}
TESTS = {
    "store/store_test.go": """\
package store

import "testing"

func TestKeeps(t *testing.T) {
	s := New()
	if err := s.Add("a"); err != nil {
		t.Fatal(err)
	}
	if all, _ := s.All(); len(all) != 1 || all[0] != "a" {
		t.Fatalf("got %v", all)
	}
}

func TestRefusesTwice(t *testing.T) {
	s := New()
	_ = s.Add("a")
	if err := s.Add("a"); err.Error() != "a is there" {
		t.Fatal(err)
	}
}

func TestEmpty(t *testing.T) {
	if all, err := New().All(); err != nil || len(all) != 0 {
		t.Fatal(all, err)
	}
}
""",
    "web/total.test.mjs": """\
import assert from "node:assert/strict";
import { test } from "node:test";
import { names, total } from "./total.mjs";

test("prices are added", () => {
  assert.equal(total([1, 2]), 3);
});

test("nothing costs nothing", () => {
  assert.equal(total([]), 0);
});

test("every price has a name", async () => {
  assert.deepEqual((await names({ tea: 1 })).map((name) => name.length), [3]);
});

test("it can be called", async () => {
  assert.notEqual(await names({}), "a text");
});
""",
}
FILES = {
    **STUBS,
    **TESTS,
    "go.mod": "module demo\n\ngo 1.21\n",
    "package.json": '{ "name": "demo", "private": true, "type": "module" }\n',
}

WANTED = (
    "store/store_test.go::TestKeeps",
    "store/store_test.go::TestRefusesTwice",
    "store/store_test.go::TestEmpty",
    "web/total.test.mjs::prices are added",
    "web/total.test.mjs::nothing costs nothing",
    "web/total.test.mjs::every price has a name",
    "web/total.test.mjs::it can be called",
)


@asynccontextmanager
async def _toolset(state: Path) -> AsyncIterator[Toolset]:
    settings = MeshSettings(root=state / "builds", state=state, issuer=GrantIssuer.new())
    endpoints = [Endpoint(name, Builtin()) for name in ("sandbox", "git")]
    async with Mesh(endpoints, settings=settings, recorder=NoRecorder()).open() as mesh:
        yield Toolset(mesh, "b1")


async def _on_stubs(toolset: Toolset) -> Mapping[str, object]:
    desk = await toolset.contracting("contract")
    await desk.call("git.git_init", {})
    await fresh_tree(desk, revision="")
    for path, text in FILES.items():
        await desk.call("sandbox.file_write", {"path": path, "content": text})
    await desk.call("sandbox.env_prepare", {}, within=400)
    arguments = {"stages": ["tests"], "tests": ["."]}
    return (await desk.call("sandbox.check_run", arguments, within=200)).data or {}


async def test_empty_answers_are_told_from_code_in_every_language(kit_state: Path, state_dir: Path) -> None:
    tools = kit_state / "tools"
    tools.mkdir(mode=0o755, exist_ok=True)
    (state_dir / "tools").symlink_to(tools)
    async with _toolset(state_dir) as toolset:
        with anyio.fail_after(500):
            report = await _on_stubs(toolset)
            evidence = evidence_of(report, "t")
            assert {test.id: test.reason for test in evidence.tests} == dict.fromkeys(WANTED, "stub")
            hollow = await hollow_tests(toolset, FILES, list(STUBS), WANTED)
    assert hollow.doubts == ()
    assert (hollow.tried, hollow.untried) == (("Go", "JavaScript"), ())
    assert hollow.tests == {
        "store/store_test.go::TestEmpty": ("none", "default"),
        "web/total.test.mjs::nothing costs nothing": ("default",),
        "web/total.test.mjs::it can be called": ("none", "default"),
    }
    red = {test.id for test in with_hollow(evidence, hollow.tests).tests if test.red}
    assert red == set(WANTED) - set(hollow.tests)
