/** The server: the page, its scripts and the API. */
import { type Server } from "node:http";
import type { ItemStore } from "./store.js";

/** Where the page (index.html, style.css) and the compiled scripts lie. */
export interface Folders {
  readonly page: string;
  readonly client: string;
}

/** The server for `store`; the caller lets it listen. */
export function createApp(store: ItemStore, folders: Folders): Server {
  throw new Error("not implemented");
}
