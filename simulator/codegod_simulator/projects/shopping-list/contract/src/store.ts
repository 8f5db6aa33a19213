/** The list in one file. */
import { type Change, type Draft, type Item } from "./types.js";

/** Items by id, kept in a JSON file that every change replaces as a whole. */
export class ItemStore {
  private constructor(private readonly path: string) {}

  /** The list in the file `path`; a file that is not there is an empty list. Throws an Error for any other content. */
  static async open(path: string): Promise<ItemStore> {
    throw new Error("not implemented");
  }

  /** All items, in the order in which they were added. */
  items(): readonly Item[] {
    throw new Error("not implemented");
  }

  /** Add an item, which is not done yet. */
  async add(draft: Draft): Promise<Item> {
    throw new Error("not implemented");
  }

  /** Change an item and return what it is now. Throws UnknownItem. */
  async change(id: number, change: Change): Promise<Item> {
    throw new Error("not implemented");
  }

  /** Forget an item and return what it was. Throws UnknownItem. */
  async remove(id: number): Promise<Item> {
    throw new Error("not implemented");
  }
}
