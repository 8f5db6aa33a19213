/** What the page shows, as functions of the items. */
import type { Item } from "../types.js";

/** `text` as it is safe between tags and in quoted attributes. */
export function escapeHtml(text: string): string {
  throw new Error("not implemented");
}

/**
 * The list as HTML: those still to buy first, each as
 * `<li data-id="ID"><label><input type="checkbox"> NAME <span class="count">× COUNT</span></label>` and a button
 * `<button type="button" aria-label="Remove NAME">Remove</button></li>`; the count only above 1, a done item with
 * `class="done"` and `checked`. An empty list is `<li class="empty">Nothing to buy.</li>`.
 */
export function listHtml(items: readonly Item[]): string {
  throw new Error("not implemented");
}

/** How much is left, in words: "All done.", "1 thing to buy." or "N things to buy." */
export function summary(items: readonly Item[]): string {
  throw new Error("not implemented");
}
