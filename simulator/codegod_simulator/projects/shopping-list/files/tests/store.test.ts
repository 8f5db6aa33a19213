/** The list in one file. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { ItemStore } from "../src/store.js";

let folder = "";
let path = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "list-"));
  path = join(folder, "list.json");
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

test("a file that is not there is an empty list", async () => {
  assert.deepEqual((await ItemStore.open(path)).items(), []);
});

test("an item is kept", async () => {
  const added = await (await ItemStore.open(path)).add({ name: "Milk", count: 2 });
  assert.deepEqual(added, { id: 1, name: "Milk", count: 2, done: false });
  assert.deepEqual((await ItemStore.open(path)).items(), [added]);
});

test("a change changes what it says", async () => {
  const store = await ItemStore.open(path);
  await store.add({ name: "Milk", count: 2 });
  assert.deepEqual(await store.change(1, { done: true }), { id: 1, name: "Milk", count: 2, done: true });
  assert.deepEqual(await store.change(1, { name: "Tea", count: 1 }), { id: 1, name: "Tea", count: 1, done: true });
  assert.deepEqual((await ItemStore.open(path)).items(), store.items());
});

test("an id is never used again", async () => {
  const store = await ItemStore.open(path);
  await store.add({ name: "Milk", count: 1 });
  assert.equal((await store.remove(1)).name, "Milk");
  assert.equal((await (await ItemStore.open(path)).add({ name: "Tea", count: 1 })).id, 2);
});

test("what is unknown is said", async () => {
  const store = await ItemStore.open(path);
  await assert.rejects(store.change(7, { done: true }), { name: "UnknownItem", message: "there is no item 7" });
  await assert.rejects(store.remove(7), { name: "UnknownItem" });
});

test("changes made at the same time are all kept", async () => {
  const store = await ItemStore.open(path);
  const names = Array.from({ length: 20 }, (_, number) => `item ${number}`);
  await Promise.all(names.map((name) => store.add({ name, count: 1 })));
  const kept = (await ItemStore.open(path)).items();
  assert.deepEqual(kept.map((item) => item.name), names);
  assert.deepEqual(kept.map((item) => item.id), names.map((_, number) => number + 1));
});

test("a change that fails does not stop the next one", async () => {
  const store = await ItemStore.open(path);
  const [failed, added] = await Promise.allSettled([store.remove(1), store.add({ name: "Milk", count: 1 })]);
  assert.equal(failed.status, "rejected");
  assert.equal(added.status, "fulfilled");
});

test("nothing is left beside the file", async () => {
  const store = await ItemStore.open(path);
  await store.add({ name: "Milk", count: 1 });
  assert.deepEqual(await readdir(folder), ["list.json"]);
});

test("another file is left alone", async () => {
  for (const text of ["", "[]", '{"items": []}', "my diary"]) {
    await writeFile(path, text);
    await assert.rejects(ItemStore.open(path), { message: /list\.json is no shopping list/ });
  }
});
