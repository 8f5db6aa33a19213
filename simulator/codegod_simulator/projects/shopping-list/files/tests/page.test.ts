/** The page and its script. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { afterEach, test } from "node:test";
import { type Page, start } from "../src/client/client.js";

const INDEX = new URL("../public/index.html", import.meta.url);
const STYLE = new URL("../public/style.css", import.meta.url);
const fetched = globalThis.fetch;

afterEach(() => {
  globalThis.fetch = fetched;
});

/** As much of a page as the script needs to show a list. */
function emptyPage(): Page {
  const part = (): unknown => Object.assign(new EventTarget(), { innerHTML: "", textContent: "" });
  return { form: part(), list: part(), summary: part(), trouble: part() } as Page;
}

function answering(status: number, body: unknown): string[] {
  const asked: string[] = [];
  globalThis.fetch = async (url, options) => {
    asked.push(`${options?.method ?? "GET"} ${String(url)}`);
    return new Response(JSON.stringify(body), { status });
  };
  return asked;
}

test("the page has the parts that the script fills", () => {
  assert.ok(existsSync(INDEX), "public/index.html is there");
  const html = readFileSync(INDEX, "utf8");
  for (const id of ["add", "items", "summary", "trouble"]) {
    assert.match(html, new RegExp(`id="${id}"`));
  }
  assert.match(html, /<script type="module" src="\/client\/client\.js">/);
  assert.match(html, /<html lang=/);
});

test("the page has its style", () => {
  assert.ok(existsSync(STYLE), "public/style.css is there");
  assert.match(readFileSync(STYLE, "utf8"), /\.done/);
});

test("the list is shown", async () => {
  const asked = answering(200, { items: [{ id: 1, name: "Milk", count: 2, done: false }] });
  const page = emptyPage();
  await start(page, "/somewhere");
  assert.deepEqual(asked, ["GET /somewhere"]);
  assert.match(page.list.innerHTML, /Milk/);
  assert.equal(page.summary.textContent, "1 thing to buy.");
});

test("what went wrong is shown", async () => {
  answering(500, { error: "the disk is full" });
  const page = emptyPage();
  await start(page);
  assert.equal(page.trouble.textContent, "the disk is full");
});
