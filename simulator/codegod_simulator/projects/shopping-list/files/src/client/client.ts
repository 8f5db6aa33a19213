/** The page's script: shows the list, and sends what the user does. */
import type { Item } from "../types.js";
import { listHtml, summary } from "./view.js";

/** The parts of the page that the script fills and listens to. */
export interface Page {
  readonly form: HTMLFormElement;
  readonly list: HTMLElement;
  readonly summary: HTMLElement;
  readonly trouble: HTMLElement;
}

/** Connect the page with the API below `base`; resolves when the list is shown, or the trouble. */
export async function start(page: Page, base = "/items"): Promise<void> {
  const guarded = async (step: () => Promise<void>): Promise<void> => {
    page.trouble.textContent = "";
    try {
      await step();
    } catch (error) {
      page.trouble.textContent = error instanceof Error ? error.message : String(error);
    }
  };
  const act = (method: string, path: string, values?: unknown): Promise<void> =>
    guarded(async () => {
      await ask(method, `${base}${path}`, values);
      await show(page, base);
    });
  page.form.addEventListener("submit", (event) => {
    event.preventDefault();
    const fields = new FormData(page.form);
    const draft = { name: fields.get("name"), count: Number(fields.get("count") ?? 1) };
    void act("POST", "", draft).then(() => {
      page.form.reset();
    });
  });
  page.list.addEventListener("change", (event) => {
    if (event.target instanceof HTMLInputElement) {
      void act("PATCH", `/${idOf(event.target)}`, { done: event.target.checked });
    }
  });
  page.list.addEventListener("click", (event) => {
    if (event.target instanceof HTMLButtonElement) {
      void act("DELETE", `/${idOf(event.target)}`);
    }
  });
  await guarded(() => show(page, base));
}

async function show(page: Page, base: string): Promise<void> {
  const { items } = (await ask("GET", base)) as { items: Item[] };
  page.list.innerHTML = listHtml(items);
  page.summary.textContent = summary(items);
}

async function ask(method: string, url: string, values?: unknown): Promise<unknown> {
  const body = values === undefined ? undefined : JSON.stringify(values);
  const response = await fetch(url, { method, body });
  const answer: unknown = response.status === 204 ? undefined : await response.json();
  if (!response.ok) {
    throw new Error((answer as { error: string }).error);
  }
  return answer;
}

function idOf(element: HTMLElement): string {
  return element.closest("li")?.dataset.id ?? "";
}

if (typeof document !== "undefined") {
  const part = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
  await start({ form: part("add"), list: part("items"), summary: part("summary"), trouble: part("trouble") });
}
