/** Items and what callers may say about them. */
import { BadInput, type Change, type Draft } from "./types.js";

export const LONGEST_NAME = 80;
export const LARGEST_COUNT = 999;

/** The new item that decoded JSON means: a name, and a count if it is not 1. Throws BadInput. */
export function parseDraft(values: unknown): Draft {
  const fields = record(values, ["name", "count"]);
  return { name: parseName(fields.name), count: parseCount("count" in fields ? fields.count : 1) };
}

/** The change that decoded JSON means: at least one of name, count and done. Throws BadInput. */
export function parseChange(values: unknown): Change {
  const fields = record(values, ["name", "count", "done"]);
  if (Object.keys(fields).length === 0) {
    throw new BadInput("body: say at least one of name, count, done");
  }
  return {
    ...("name" in fields && { name: parseName(fields.name) }),
    ...("count" in fields && { count: parseCount(fields.count) }),
    ...("done" in fields && { done: parseDone(fields.done) }),
  };
}

function record(values: unknown, known: readonly string[]): Record<string, unknown> {
  if (typeof values !== "object" || values === null || Array.isArray(values)) {
    throw new BadInput(`body: an object with ${known.join(", ")}`);
  }
  for (const field of Object.keys(values)) {
    if (!known.includes(field)) {
      throw new BadInput(`${field}: no such field`);
    }
  }
  return { ...values };
}

function parseName(value: unknown): string {
  const name = typeof value === "string" ? value.trim() : "";
  if (name.length < 1 || name.length > LONGEST_NAME) {
    throw new BadInput(`name: 1 to ${LONGEST_NAME} characters`);
  }
  return name;
}

function parseCount(value: unknown): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 1 || value > LARGEST_COUNT) {
    throw new BadInput(`count: a whole number from 1 to ${LARGEST_COUNT}`);
  }
  return value;
}

function parseDone(value: unknown): boolean {
  if (typeof value !== "boolean") {
    throw new BadInput("done: true or false");
  }
  return value;
}
