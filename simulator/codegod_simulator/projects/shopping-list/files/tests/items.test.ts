/** Items and what callers may say about them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseChange, parseDraft } from "../src/items.js";

test("a draft is read", () => {
  assert.deepEqual(parseDraft({ name: "  Milk ", count: 2 }), { name: "Milk", count: 2 });
});

test("one is the default", () => {
  assert.deepEqual(parseDraft({ name: "Milk" }), { name: "Milk", count: 1 });
});

test("a wrong name is named", () => {
  for (const name of ["", "  ", "x".repeat(81), 5, null, undefined]) {
    assert.throws(() => parseDraft({ name }), { name: "BadInput", message: "name: 1 to 80 characters" });
  }
});

test("a wrong count is named", () => {
  for (const count of [0, 1000, 1.5, "2", null, Number.NaN]) {
    assert.throws(() => parseDraft({ name: "Milk", count }), { name: "BadInput", message: /^count: a whole number/ });
  }
});

test("an unknown field is named", () => {
  assert.throws(() => parseDraft({ name: "Milk", colour: "white" }), { message: "colour: no such field" });
  assert.throws(() => parseDraft({ name: "Milk", done: true }), { message: "done: no such field" });
  assert.throws(() => parseChange({ id: 5 }), { message: "id: no such field" });
});

test("what is no object is refused", () => {
  for (const values of [null, [], "Milk", 5]) {
    assert.throws(() => parseDraft(values), { name: "BadInput", message: /^body: / });
    assert.throws(() => parseChange(values), { name: "BadInput", message: /^body: / });
  }
});

test("a change has only what it says", () => {
  assert.deepEqual(parseChange({ done: true }), { done: true });
  assert.deepEqual(parseChange({ name: " Oat milk", count: 3 }), { name: "Oat milk", count: 3 });
});

test("a change says something", () => {
  assert.throws(() => parseChange({}), { name: "BadInput", message: /at least one of/ });
});

test("done is true or false", () => {
  for (const done of ["yes", 1, null]) {
    assert.throws(() => parseChange({ done }), { message: "done: true or false" });
  }
});
