/** The server with its API. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { createApp } from "../src/server.js";
import { ItemStore } from "../src/store.js";

let folder = "";
let app: Server | undefined;
let base = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "list-"));
  for (const name of ["page", "client"]) {
    await mkdir(join(folder, name));
  }
  await writeFile(join(folder, "page", "index.html"), "<h1>Shopping list</h1>");
  await writeFile(join(folder, "client", "client.js"), "start();");
  const store = await ItemStore.open(join(folder, "list.json"));
  const server = createApp(store, { page: join(folder, "page"), client: join(folder, "client") });
  app = server;
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  app?.close();
  app?.closeAllConnections();
  app = undefined;
  await rm(folder, { recursive: true });
});

async function ask(method: string, path: string, values?: unknown): Promise<{ status: number; body: unknown }> {
  const body = values === undefined ? undefined : JSON.stringify(values);
  const response = await fetch(`${base}${path}`, { method, body });
  const text = await response.text();
  return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
}

/** A request whose path no client has made harmless. */
function raw(path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request(base, { path }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on("error", reject);
    asked.end();
  });
}

test("an item is added, changed, listed and removed", async () => {
  const milk = { id: 1, name: "Milk", count: 2, done: false };
  assert.deepEqual(await ask("POST", "/items", { name: "Milk", count: 2 }), { status: 201, body: milk });
  assert.deepEqual(await ask("PATCH", "/items/1", { done: true }), { status: 200, body: { ...milk, done: true } });
  assert.deepEqual(await ask("GET", "/items"), { status: 200, body: { items: [{ ...milk, done: true }] } });
  assert.equal((await ask("DELETE", "/items/1")).status, 204);
  assert.deepEqual((await ask("GET", "/items")).body, { items: [] });
});

test("wrong values are refused", async () => {
  assert.deepEqual(await ask("POST", "/items", { name: "" }), {
    status: 422,
    body: { error: "name: 1 to 80 characters" },
  });
});

test("an unknown item is not found", async () => {
  assert.deepEqual(await ask("PATCH", "/items/9", { done: true }), { status: 404, body: { error: "there is no item 9" } });
  assert.equal((await ask("DELETE", "/items/9")).status, 404);
});

test("what is no json is refused", async () => {
  const response = await fetch(`${base}/items`, { method: "POST", body: "{" });
  assert.equal(response.status, 400);
  assert.deepEqual(await response.json(), { error: "this is no JSON" });
});

test("a long body is refused", async () => {
  assert.equal((await ask("POST", "/items", { name: "x".repeat(10_001) })).status, 413);
});

test("other methods are refused", async () => {
  assert.equal((await ask("PUT", "/items")).status, 405);
  assert.equal((await ask("GET", "/items/1")).status, 405);
  assert.equal((await ask("POST", "/", {})).status, 405);
});

test("the page and its script are handed out", async () => {
  const page = await fetch(`${base}/`);
  assert.equal(page.headers.get("content-type"), "text/html; charset=utf-8");
  assert.equal(await page.text(), "<h1>Shopping list</h1>");
  const script = await fetch(`${base}/client/client.js`);
  assert.equal(script.headers.get("content-type"), "text/javascript; charset=utf-8");
  assert.equal(await script.text(), "start();");
});

test("nothing else is handed out", async () => {
  const paths = ["/list.json", "/style.css", "/client/../list.json", "/client/%2e%2e/list.json", "//x", "/client/."];
  for (const path of paths) {
    assert.equal(await raw(path), 404, path);
  }
});
