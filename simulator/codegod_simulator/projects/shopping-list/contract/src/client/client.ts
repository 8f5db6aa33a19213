/** The page's script: shows the list, and sends what the user does. */

/** The parts of the page that the script fills and listens to. */
export interface Page {
  readonly form: HTMLFormElement;
  readonly list: HTMLElement;
  readonly summary: HTMLElement;
  readonly trouble: HTMLElement;
}

/** Connect the page with the API below `base`; resolves when the list is shown, or the trouble. */
export async function start(page: Page, base = "/items"): Promise<void> {
  throw new Error("not implemented");
}
