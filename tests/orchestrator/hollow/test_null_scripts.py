"""What a stub in JavaScript or TypeScript becomes when it does nothing, told by running it where Node.js can."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from codegod_orchestrator.hollow.null_bodies import NULL_KINDS, NullKind
from codegod_orchestrator.hollow.null_scripts import nulled

THROWN = '{ throw new Error("not implemented"); }'
STUB = """\
export const LIMIT = 20;

/** How many there are.
 * @returns {number}
 */
export function count() {
  // nothing yet
  throw new Error("not implemented");
}

/** @returns {Promise<string[]|null>} the names */
export async function names() { throw new Error("Not implemented: names"); }

/** @returns {Promise<boolean>} */
export function ready() { return Promise.reject(new Error("not implemented")); }

/** @returns {{open: number, by: Map<string, number>}} */
export const totals = () => { throw new NotImplementedError(); };

export function* lines() { throw new Error("not implemented"); }
export async function* stream() { throw new Error(`not implemented`); }

export class Base {}
export class Store extends Base {
  constructor(path) { throw new Error("not implemented"); }
  /** @returns {Store} */
  static open() { throw new Error("not implemented"); }
  set limit(value) { throw new Error("not implemented"); }
  finished() { return LIMIT; }
}

export function refuse() { throw new Error("the list is full"); }
"""
SHOWN = """
const made = await import(process.argv[1]);
const spread = async (all) => { const seen = []; for await (const one of all) seen.push(one); return seen; };
const told = (value) => value === undefined ? "undefined" : value;
const store = new made.Store("x");
store.limit = 3;
let refused = "";
try { made.refuse(); } catch (error) { refused = error.message; }
console.log(JSON.stringify({
  count: told(made.count()), names: told(await made.names()), ready: told(await made.ready()),
  totals: made.totals() === undefined ? "undefined" : [made.totals().open, made.totals().by instanceof Map],
  lines: [...made.lines()], stream: await spread(made.stream()), store: store instanceof made.Store, refused,
  opened: made.Store.open() instanceof made.Store, finished: store.finished(),
}));
"""


def _seen(folder: Path, kind: NullKind) -> object:
    node = shutil.which("node")
    if node is None:
        if os.environ.get("CI"):
            pytest.fail("node is not installed")
        pytest.skip("node is not installed")
    module = folder / "made.mjs"
    module.write_text(nulled("made.mjs", STUB, kind), encoding="utf-8")
    command = [node, "--input-type=module", "--eval", SHOWN, str(module)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    return json.loads(ran.stdout)


def test_null_bodies_give_undefined_and_leave_what_is_finished(tmp_path: Path) -> None:
    assert _seen(tmp_path, "none") == {
        **dict.fromkeys(("count", "names", "ready", "totals"), "undefined"),
        "lines": [],
        "stream": [],
        "store": True,
        "opened": False,
        "finished": 20,
        "refused": "the list is full",
    }


def test_default_bodies_give_the_empty_value_of_the_type_in_the_comment(tmp_path: Path) -> None:
    assert _seen(tmp_path, "default") == {
        "count": 0,
        "names": [],
        "ready": False,
        "totals": [0, True],
        "lines": [],
        "stream": [],
        "store": True,
        "opened": True,
        "finished": 20,
        "refused": "the list is full",
    }


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        ("string", '""'),
        ("string | null", '""'),
        ("null | readonly string[]", "[]"),
        ("readonly string[] | undefined", "[]"),
        ("Item | null", "null"),
        ("Item | undefined", "undefined"),
        ("Item", "undefined"),
        ("void", "undefined"),
        ("Record<string, number>", "{}"),
        ("ReadonlyMap<string, Item[]>", "new Map()"),
        ('"open" | "done"', '"open"'),
        ("[items: string[], total: number, next?: string]", "[[], 0]"),
        ("Readonly<{ total: number; next?: string }>", "({ total: 0 })"),
        ("Promise<number>", "Promise.resolve(0)"),
        ("(name: string) => boolean", "() => (false)"),
        ("value is Item", "false"),
        ("asserts value is Item", "undefined"),
        ("this", "this"),
        ("Store", "Object.create(Store.prototype)"),
        ("(" * 500 + "string" + ")" * 500, '""'),
    ],
)
def test_each_declared_type_has_its_empty_value(declared: str, value: str) -> None:
    stub = f"class Store {{ give(value: unknown): {declared} {THROWN} }}\n"
    assert f"{{ return {value} as any; }}" in nulled("a.ts", stub, "default")
    assert "{ return undefined as any; }" in nulled("a.ts", stub, "none")


def test_a_promise_is_awaited_once_and_a_variable_may_declare_what_its_function_returns() -> None:
    stub = (
        f"export async function all(): Promise<number[]> {THROWN}\n"
        f"export const each: (name: string) => number = (name) => {THROWN};\n"
        f"export const later = (): Promise<number> => {THROWN};\n"
        'export const never = (): Promise<string> => Promise.reject(new Error("not implemented"));\n'
    )
    text = nulled("a.tsx", stub, "default")
    *others, never = text.splitlines()
    assert never.endswith('=> (Promise.resolve("") as any);')
    assert [line.rpartition("{ ")[2] for line in others] == [
        "return [] as any; }",
        "return 0 as any; };",
        "return Promise.resolve(0) as any; };",
    ]


@pytest.mark.parametrize("kind", NULL_KINDS)
def test_what_is_finished_stays_and_what_cannot_be_read_is_named(kind: NullKind) -> None:
    text = 'export function refuse(): never {\n  throw new RangeError("the list is full");\n}\n'
    assert nulled("a.ts", text, kind) == text
    with pytest.raises(SyntaxError, match="line 2"):
        nulled("a.ts", "const A = 1;\nexport function f(: {\n", kind)
