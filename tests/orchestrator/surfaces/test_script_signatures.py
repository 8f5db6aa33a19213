"""What a worker may add to a stub in JavaScript or TypeScript, and what it may not change."""

import pytest

from codegod_orchestrator.signatures import drift

STUB = """\
/** Items. */
import type { Draft } from "./types.js";

export const LIMIT: number = 20;

export interface Item {
  readonly id: number;
  name: string;
  note?: string;
  tags: readonly string[];
}

export type Status = "open" | 'done';

export type Saved = Item & { at: Date };

export enum Color {
  Red = "red",
  Green = "green",
}

export class Store extends EventTarget {
  readonly path: string;
  limit: number = LIMIT;
  #kept = [];

  constructor(path: string, private readonly clock: () => Date) {
    throw new Error("not implemented");
  }

  static async open(path: string): Promise<Store> {
    throw new Error("not implemented");
  }

  get size(): number {
    throw new Error("not implemented");
  }

  add(draft: Draft, options: { done?: boolean } = {}): Item {
    throw new Error("not implemented");
  }

  protected inner(): void {
    throw new Error("not implemented");
  }
}

export function find(items: Array<Item>, wanted: string | null, start = 0): Item | undefined {
  throw new Error("not implemented");
}

export function shown(item: Item): string;
export function shown(item: Item, wide: boolean): string[];
export function shown(item: Item, wide?: boolean): string | string[] {
  throw new Error("not implemented");
}

export const total = (items: Item[]): number => {
  throw new Error("not implemented");
};

function hidden(text: string): string {
  throw new Error("not implemented");
}

export { hidden as escape };
export default Store;
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("LIMIT: number = 20", "LIMIT = 30"),
        ("LIMIT: number = 20;", "LIMIT: number = 30;\nexport const MORE = 1;\nfunction inner() {}"),
        ("items: Array<Item>, wanted: string | null", "all: Item[], name: null | string"),
        ("start = 0)", "start: number = 0, ...more: string[])"),
        ("start = 0): Item | undefined", "start?: number): undefined | Item"),
        ("static async open(path", "static open(path"),
        ("tags: readonly string[]", "tags: ReadonlyArray<string>"),
        ("start = 0)", "start = LIMIT)"),
        ("note?: string;", "note?: string | undefined;\n  due?: Date;"),
        ("\"open\" | 'done'", "(\n  | 'done'\n  | \"open\"\n)"),
        ("Item & { at: Date }", "{ at: Date; } & Item"),
        ("get size(): number {\n    throw", "readonly size: number;\n  more() {\n    throw"),
        ("readonly path: string;", "path: string;"),
        ("  protected inner(): void {\n", "  private deeper(): number {\n"),
        ("options: { done?: boolean } = {}", "{ done }: { done?: boolean } = {}"),
        ("export const total = (items: Item[]): number => {", "export function total(items: Item[]): number {"),
        ("export { hidden as escape };", "export { escape } from './html.js';"),
        ("  Green = \"green\",", "  Green = \"green\",\n  Blue = \"blue\","),
        ("(item: Item, wide?: boolean): string | string[] {", "(one: Item, wide = false): string | string[] {"),
    ],
)  # fmt: skip
def test_what_is_added_or_spelled_otherwise_is_no_drift(before: str, after: str) -> None:
    assert before in STUB
    assert drift(STUB, STUB.replace(before, after), "src/store.ts") == ()


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("add(draft", "create(draft", "`Store.add` is gone"),
        ("add(draft: Draft, ", "add(", "`Draft` and is `{ done?: boolean }`"),
        ("add(draft: Draft,", "add(draft: Draft, owner: string,", "`{ done?: boolean }` and is `string`"),
        ("{ done?: boolean } = {})", "{ done?: boolean })", "lost its default"),
        ("draft: Draft", "draft: Item", "`Draft` and is `Item`"),
        ("start = 0)", "start = 0, by: string)", "`by` has no default"),
        ("wanted: string | null", "wanted: string", "`null | string` and is `string`"),
        ("): Item | undefined {", "): Item | null {", "return type was `Item | undefined` and is `Item | null`"),
        ("): Item {", ") {", "return type was `Item` and is `none`"),
        ("Promise<Store> {", "Promise<Item> {", "return type"),
        ("static async open", "async open", "its place was `the class itself`"),
        ("get size(): number", "size(): number", "was a property and is a method"),
        ("limit: number", "readonly limit: number", "use was `reading and writing` and is `reading`"),
        ("constructor(path: string, ", "constructor(path: string, size: number, ", "parameter `clock`"),
        ("constructor(path", "private constructor(path", "`Store.constructor` is gone"),
        ("class Store extends EventTarget", "class Store", "base `EventTarget`"),
        ("export class Store", "export abstract class Store", "way of being made"),
        ("note?: string;", "note: string;", "presence was `optional` and is `required`"),
        ("  note?: string;\n", "", "`type Item.note` is gone"),
        ("note?: string;", "note?: string;\n  due: Date;", "`type Item.due` is new"),
        ("| 'done'", "| 'gone'", "definition was"),
        ("export type Status", "type Status", "`type Status` is gone"),
        ('Red = "red"', 'Red = "RED"', "value was"),
        ("as escape", "as escaped", "`escape` is gone"),
        ("export default Store;\n", "", "`default` is gone"),
        ("(item: Item, wide: boolean): string[];", "(item: Item, wide: number): string[];", "`shown (2)`"),
        ("export const total = (items: Item[]): number =>", "export const total = (items: Item[]): string =>", "`total`"),
        ("export const LIMIT: number = 20;", "", "`LIMIT` is gone"),
        ("hidden(text: string)", "hidden(text: number)", "`escape`"),
    ],
)  # fmt: skip
def test_a_lost_or_changed_signature_is_named(before: str, after: str, told: str) -> None:
    assert before in STUB
    findings = drift(STUB, STUB.replace(before, after), "src/store.ts")
    assert told in findings[0].message
    assert {(one.stage, one.rule, one.path) for one in findings} == {
        ("signatures", "signature-drift", "src/store.ts")
    }


JAVASCRIPT = """\
class Store { constructor(path) { throw new Error("not implemented"); } add(name, done = false) {} }
function find(items, name) { throw new Error("not implemented"); }
async function load(path) { throw new Error("not implemented"); }
module.exports = { Store, find, load, parse: (text) => { throw new Error("not implemented"); } };
"""


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("find(items, name)", "find(items, name, start = 0)", ""),
        ("find(items, name)", "find(all, wanted)", ""),
        ("async function load", "function load", ""),
        ("module.exports = { Store, find,", "exports.more = 1;\nmodule.exports = { Store, find, more: 1,", ""),
        ("find(items, name)", "find(items)", "`name` is gone"),
        ("function find", "async function find", "answer was `given at once` and is `a promise or a generator`"),
        ("done = false", "done", "lost its default"),
        ("Store, find, load", "Store, load", "`find` is gone"),
        ("parse: (text)", "parse: (text, base)", "`base` has no default"),
        ("constructor(path)", "constructor(path, size)", "`Store.constructor`"),
    ],
)  # fmt: skip
def test_javascript_is_held_to_its_names_and_parameters(before: str, after: str, told: str) -> None:
    assert before in JAVASCRIPT
    findings = drift(JAVASCRIPT, JAVASCRIPT.replace(before, after), "src/store.cjs")
    assert [told in one.message for one in findings] == [True] * bool(told)


def test_a_file_that_cannot_be_read_is_named_and_a_stub_that_cannot_be_holds_nobody() -> None:
    (finding,) = drift(STUB, "export const LIMIT = 20;\nexport function find(: {\n", "a.ts")
    assert finding.rule == "unreadable"
    assert "line 2" in finding.message
    assert drift("export function find(: {\n", STUB, "a.ts") == ()
    (first, *_) = drift(STUB, "", "a.ts")
    assert "is gone" in first.message


def test_a_lost_class_or_type_is_told_once() -> None:
    lost = STUB.replace("export class Store", "class Other").replace(
        "export default Store;", "export default Other;"
    )
    (finding,) = drift(STUB, lost, "a.ts")
    assert "class Store" in finding.message
