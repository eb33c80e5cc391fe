/**
 * The difference of two values as a JSON Patch (RFC 6902), small enough to be read by people: items of lists that have a name
 * are known by it, so a container that is put before others does not seem to change all of them.
 */
import { isDeepStrictEqual } from "node:util";
import type { Path } from "../resources/problem.ts";
import { isRecord } from "./shape.ts";

export type Operation =
  | { readonly op: "add" | "replace"; readonly path: Path; readonly value: unknown }
  | { readonly op: "remove"; readonly path: Path };

/** What turns `before` into `after`, in the order in which it is to be done. */
export function makePatch(before: unknown, after: unknown): readonly Operation[] {
  const operations: Operation[] = [];
  compare(before, after, [], operations);
  return operations;
}

/** Paths as JSON Pointers (RFC 6901). */
export function jsonPatch(operations: readonly Operation[]): readonly object[] {
  return operations.map((operation) => ({ ...operation, path: pointer(operation.path) }));
}

function pointer(path: Path): string {
  let text = "";
  for (const part of path) text += `/${typeof part === "number" ? part : escaped(part)}`;
  return text;
}

function escaped(part: string): string {
  return /[~/]/.test(part) ? part.replaceAll("~", "~0").replaceAll("/", "~1") : part;
}

function compare(before: unknown, after: unknown, path: Path, into: Operation[]): void {
  if (before === after) return;
  if (Array.isArray(before) && Array.isArray(after)) compareLists(before, after, path, into);
  else if (isRecord(before) && isRecord(after) && keepsOrder(before, after)) {
    for (const key of Object.keys(before)) {
      if (!Object.hasOwn(after, key)) into.push({ op: "remove", path: [...path, key] });
    }
    for (const [key, value] of Object.entries(after)) {
      if (before[key] === value && Object.hasOwn(before, key)) continue;
      if (Object.hasOwn(before, key)) compare(before[key], value, [...path, key], into);
      else into.push({ op: "add", path: [...path, key], value });
    }
  } else if (!isDeepStrictEqual(before, after)) into.push({ op: "replace", path, value: after });
}

/** What is common at both ends stays; of what is between, the old goes and the new comes. */
function compareLists(
  before: readonly unknown[],
  after: readonly unknown[],
  path: Path,
  into: Operation[],
): void {
  const most = Math.min(before.length, after.length);
  let head = 0;
  while (head < most && isSame(before[head], after[head])) head++;
  let tail = 0;
  while (tail < most - head && isSame(before.at(-1 - tail), after.at(-1 - tail))) tail++;
  for (let i = before.length - tail - 1; i >= head; i--) into.push({ op: "remove", path: [...path, i] });
  for (let i = head; i < after.length - tail; i++)
    into.push({ op: "add", path: [...path, i], value: after[i] });
  for (let i = 0; i < head; i++) compare(before[i], after[i], [...path, i], into);
  for (let i = 0; i < tail; i++) {
    compare(before.at(-1 - i), after.at(-1 - i), [...path, after.length - 1 - i], into);
  }
}

function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isRecord(a) && isRecord(b) && typeof a["name"] === "string") return a["name"] === b["name"];
  return isDeepStrictEqual(a, b);
}

/** Whether removing and adding at the end gives the fields their order; where not, people would see them jump. */
function keepsOrder(before: object, after: object): boolean {
  const kept = Object.keys(before).filter((key) => Object.hasOwn(after, key));
  return Object.keys(after).every((key, i) => i >= kept.length || key === kept[i]);
}
