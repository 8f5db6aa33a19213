/** The parts fit together, whether or not they do anything yet. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readPort } from "../src/main.js";
import { BadInput, UnknownItem } from "../src/types.js";

test("a port is a number that can be one", () => {
  assert.equal(readPort("8000"), 8000);
  for (const wrong of ["", "http", "0", "65536", "-1", "1.5"]) {
    assert.throws(() => readPort(wrong), /PORT=.* is no port/);
  }
});

test("errors say what is wrong", () => {
  assert.equal(new UnknownItem(3).message, "there is no item 3");
  assert.ok(new BadInput("name: too long") instanceof Error);
});
