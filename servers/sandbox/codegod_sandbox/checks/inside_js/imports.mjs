// Import every module of the project, one after the other, and say how each went. Reads names on stdin.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const { files, seconds } = JSON.parse(fs.readFileSync(0, "utf8"));
const exit = process.exit.bind(process);
const out = fs.openSync(process.argv[2], "a");
const write = (line) => fs.writeSync(out, `${JSON.stringify(line)}\n`);
// A server that listens, a port that is taken: the import itself has gone well.
let current = "";
process.on("uncaughtException", () => {});
process.on("unhandledRejection", () => {});
process.exit = () => { throw Object.assign(new Error("process.exit"), { code: "CODEGOD_EXIT" }); };
for (const file of files) {
  current = file;
  write({ kind: "begin", path: file });
  let timer;
  const late = new Promise((resolve) => { timer = setTimeout(() => resolve("late"), seconds * 1000); });
  try {
    const ended = await Promise.race([import(pathToFileURL(path.resolve(file)).href), late]);
    if (ended === "late") write({ kind: "failed", path: file, error: { name: "Late", message: "does not end", code: "", stack: "" } });
  } catch (error) {
    write({ kind: "failed", path: file, error: { name: String(error?.name ?? ""), code: String(error?.code ?? ""), message: String(error?.message ?? error).slice(0, 1000), stack: String(error?.stack ?? "").slice(0, 3000) } });
  }
  clearTimeout(timer);
}
write({ kind: "end" });
exit(0);
