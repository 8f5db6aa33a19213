/** What the page shows, as functions of the items. */
import type { Item } from "../types.js";

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** `text` as it is safe between tags and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/** The list as HTML: a line for each item, those still to buy first. */
export function listHtml(items: readonly Item[]): string {
  if (items.length === 0) {
    return '<li class="empty">Nothing to buy.</li>';
  }
  const left = items.filter((item) => !item.done);
  const bought = items.filter((item) => item.done);
  return [...left, ...bought].map(itemHtml).join("");
}

/** How much is left, in words: "All done.", "1 thing to buy." or "N things to buy." */
export function summary(items: readonly Item[]): string {
  const left = items.filter((item) => !item.done).length;
  if (left === 0) {
    return "All done.";
  }
  return left === 1 ? "1 thing to buy." : `${left} things to buy.`;
}

function itemHtml(item: Item): string {
  const name = escapeHtml(item.name);
  const times = item.count === 1 ? "" : ` <span class="count">× ${item.count}</span>`;
  const checked = item.done ? " checked" : "";
  return (
    `<li data-id="${item.id}"${item.done ? ' class="done"' : ""}>` +
    `<label><input type="checkbox"${checked}> ${name}${times}</label>` +
    `<button type="button" aria-label="Remove ${name}">Remove</button></li>`
  );
}
