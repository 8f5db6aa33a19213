/** The server: the page, its scripts and the API. */
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";
import { parseChange, parseDraft } from "./items.js";
import type { ItemStore } from "./store.js";
import { BadInput, UnknownItem } from "./types.js";

/** Where the page (index.html, style.css) and the compiled scripts lie. */
export interface Folders {
  readonly page: string;
  readonly client: string;
}

const LARGEST_BODY = 10_000; // bytes; an item has a hundred

class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** The server for `store`; the caller lets it listen. */
export function createApp(store: ItemStore, folders: Folders): Server {
  return createServer((request, response) => {
    answer(store, folders, request, response).catch((error: unknown) => {
      refuse(response, error);
    });
  });
}

async function answer(
  store: ItemStore,
  folders: Folders,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? "/").replace(/\?.*/s, "");
  const id = /^\/items\/(\d{1,15})$/.exec(path)?.[1];
  if (path === "/items") {
    await items(store, request, response);
  } else if (id !== undefined) {
    await item(store, Number(id), request, response);
  } else {
    await file(folders, path, request, response);
  }
}

async function items(store: ItemStore, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === "GET") {
    json(response, 200, { items: store.items() });
  } else if (request.method === "POST") {
    json(response, 201, await store.add(parseDraft(await body(request))));
  } else {
    throw new Refused(405, "use GET or POST");
  }
}

async function item(
  store: ItemStore,
  id: number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method === "PATCH") {
    json(response, 200, await store.change(id, parseChange(await body(request))));
  } else if (request.method === "DELETE") {
    await store.remove(id);
    response.writeHead(204).end();
  } else {
    throw new Refused(405, "use PATCH or DELETE");
  }
}

async function file(
  folders: Folders,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    throw new Refused(405, "use GET");
  }
  const script = /^\/client\/([a-z-]+\.js)$/.exec(path)?.[1];
  if (path === "/") {
    await send(response, join(folders.page, "index.html"), "text/html; charset=utf-8");
  } else if (path === "/style.css") {
    await send(response, join(folders.page, "style.css"), "text/css; charset=utf-8");
  } else if (script !== undefined) {
    await send(response, join(folders.client, script), "text/javascript; charset=utf-8");
  } else {
    throw new Refused(404, "there is nothing here");
  }
}

async function send(response: ServerResponse, path: string, type: string): Promise<void> {
  const content = await readFile(path).catch(() => {
    throw new Refused(404, "there is nothing here");
  });
  response.writeHead(200, { "Content-Type": type, "X-Content-Type-Options": "nosniff" }).end(content);
}

async function body(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_BODY) {
      throw new Refused(413, `at most ${LARGEST_BODY} bytes`);
    }
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    throw new Refused(400, "this is no JSON");
  }
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value));
}

function refuse(response: ServerResponse, error: unknown): void {
  if (error instanceof Refused) {
    json(response, error.status, { error: error.message });
  } else if (error instanceof BadInput) {
    json(response, 422, { error: error.message });
  } else if (error instanceof UnknownItem) {
    json(response, 404, { error: error.message });
  } else {
    console.error(error);
    json(response, 500, { error: "this should not have happened" });
  }
}
