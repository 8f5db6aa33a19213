/** The list in one file. */
import { readFile, rename, writeFile } from "node:fs/promises";
import { type Change, type Draft, type Item, UnknownItem } from "./types.js";

interface Kept {
  readonly next: number;
  readonly items: readonly Item[];
}

/** Items by id, kept in a JSON file that every change replaces as a whole. */
export class ItemStore {
  private queue: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly path: string,
    private kept: Kept,
  ) {}

  /** The list in the file `path`; a file that is not there is an empty list. Throws an Error for any other content. */
  static async open(path: string): Promise<ItemStore> {
    return new ItemStore(path, await read(path));
  }

  /** All items, in the order in which they were added. */
  items(): readonly Item[] {
    return this.kept.items;
  }

  /** Add an item, which is not done yet. */
  async add(draft: Draft): Promise<Item> {
    return this.changed((kept) => {
      const item: Item = { id: kept.items.length + 1, name: draft.name, count: draft.count, done: false };
      return [item, { next: kept.next + 1, items: [...kept.items, item] }];
    });
  }

  /** Change an item and return what it is now. Throws UnknownItem. */
  async change(id: number, change: Change): Promise<Item> {
    return this.changed((kept) => {
      const item: Item = { ...find(kept, id), ...change };
      return [item, { ...kept, items: kept.items.map((one) => (one.id === id ? item : one)) }];
    });
  }

  /** Forget an item and return what it was. Throws UnknownItem. */
  async remove(id: number): Promise<Item> {
    return this.changed((kept) => {
      const item = find(kept, id);
      return [item, { ...kept, items: kept.items.filter((one) => one.id !== id) }];
    });
  }

  /** One change after the other, each on what the one before has left. */
  private async changed(step: (kept: Kept) => [Item, Kept]): Promise<Item> {
    const done = this.queue.then(async () => {
      const [item, kept] = step(this.kept);
      await write(this.path, kept);
      this.kept = kept;
      return item;
    });
    this.queue = done.catch(() => undefined);
    return done;
  }
}

function find(kept: Kept, id: number): Item {
  const item = kept.items.find((one) => one.id === id);
  if (item === undefined) {
    throw new UnknownItem(id);
  }
  return item;
}

async function read(path: string): Promise<Kept> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") {
      return { next: 1, items: [] };
    }
    throw error;
  }
  try {
    const kept = JSON.parse(text) as Kept;
    if (Number.isInteger(kept.next) && Array.isArray(kept.items)) {
      return kept;
    }
  } catch {
    // said below, with the name of the file
  }
  throw new Error(`${path} is no shopping list: move it away, or set LIST_FILE`);
}

async function write(path: string, kept: Kept): Promise<void> {
  const beside = `${path}.new`;
  await writeFile(beside, `${JSON.stringify(kept, null, 1)}\n`, "utf8");
  await rename(beside, path);
}
