/** What the page shows. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { escapeHtml, listHtml, summary } from "../src/client/view.js";

const MILK = { id: 1, name: "Milk", count: 2, done: false };
const EGGS = { id: 2, name: "Eggs", count: 1, done: true };
const TEA = { id: 3, name: "Tea", count: 1, done: false };

test("an item has its box, its name, its count and its button", () => {
  assert.equal(
    listHtml([MILK]),
    '<li data-id="1"><label><input type="checkbox"> Milk <span class="count">× 2</span></label>' +
      '<button type="button" aria-label="Remove Milk">Remove</button></li>',
  );
});

test("one is not counted", () => {
  assert.ok(listHtml([TEA]).includes("<label><input type=\"checkbox\"> Tea</label>"));
});

test("what is bought is ticked off and comes last", () => {
  const html = listHtml([EGGS, MILK, TEA]);
  const order = [...html.matchAll(/data-id="(\d)"/g)].map((found) => found[1]);
  assert.deepEqual(order, ["1", "3", "2"]);
  assert.ok(html.includes('<li data-id="2" class="done"><label><input type="checkbox" checked> Eggs'));
});

test("nothing to buy is a sentence", () => {
  assert.equal(listHtml([]), '<li class="empty">Nothing to buy.</li>');
});

test("html in a name shows as text", () => {
  assert.equal(escapeHtml(`<b>"Tom" & 'Jerry'</b>`), "&lt;b&gt;&quot;Tom&quot; &amp; &#39;Jerry&#39;&lt;/b&gt;");
  const html = listHtml([{ ...MILK, name: '"><script>' }]);
  assert.ok(html.includes("&quot;&gt;&lt;script&gt;"));
  assert.ok(!html.includes("<script>"));
});

test("the summary counts what is left", () => {
  assert.equal(summary([EGGS]), "All done.");
  assert.equal(summary([EGGS, MILK]), "1 thing to buy.");
  assert.equal(summary([MILK, TEA]), "2 things to buy.");
});
