/** Runs the server: PORT, HOST and LIST_FILE say where. */
import { fileURLToPath } from "node:url";
import { createApp } from "./server.js";
import { ItemStore } from "./store.js";

/** The port that `text` means; throws an Error that names it otherwise. */
export function readPort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65535) {
    throw new Error(`PORT=${JSON.stringify(text)} is no port: use a number from 1 to 65535`);
  }
  return port;
}

/** Listen until the process is told to end. */
export async function main(environment: NodeJS.ProcessEnv): Promise<void> {
  const port = readPort(environment.PORT ?? "8000");
  const host = environment.HOST ?? "127.0.0.1";
  const store = await ItemStore.open(environment.LIST_FILE ?? "list.json");
  const app = createApp(store, {
    page: fileURLToPath(new URL("../public", import.meta.url)),
    client: fileURLToPath(new URL("./client", import.meta.url)),
  });
  app.listen(port, host, () => {
    console.log(`The shopping list is at http://${host}:${port}/`);
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      app.close();
      app.closeAllConnections();
    });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main(process.env).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
