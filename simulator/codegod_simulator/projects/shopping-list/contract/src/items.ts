/** Items and what callers may say about them. */
import { type Change, type Draft } from "./types.js";

export const LONGEST_NAME = 80;
export const LARGEST_COUNT = 999;

/** The new item that decoded JSON means: a name, and a count if it is not 1. Throws BadInput. */
export function parseDraft(values: unknown): Draft {
  throw new Error("not implemented");
}

/** The change that decoded JSON means: at least one of name, count and done. Throws BadInput. */
export function parseChange(values: unknown): Change {
  throw new Error("not implemented");
}
