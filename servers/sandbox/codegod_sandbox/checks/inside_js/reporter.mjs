// What node's test runner saw, one JSON line for each event; written by the runner, which loads no code of the project.
export default async function* report(source) {
  for await (const event of source) {
    const { type, data } = event;
    if (type === "test:stderr") {
      yield `${JSON.stringify({ type, file: data.file ?? "", message: String(data.message).slice(0, 2000) })}\n`;
    }
    if (!["test:start", "test:pass", "test:fail"].includes(type)) continue;
    const error = data.details?.error;
    const cause = error?.cause ?? error;
    yield `${JSON.stringify({
      type,
      name: data.name,
      nesting: data.nesting,
      file: data.file ?? "",
      line: data.line ?? 0,
      skipped: data.skip !== undefined && data.skip !== false,
      todo: data.todo !== undefined && data.todo !== false,
      suite: data.details?.type === "suite",
      failure: error?.failureType ?? "",
      error: cause === undefined ? null : { name: String(cause?.name ?? ""), code: String(cause?.code ?? ""), message: String(cause?.message ?? cause).slice(0, 2000), stack: String(cause?.stack ?? "").slice(0, 4000) },
    })}\n`;
  }
}
