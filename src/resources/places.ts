/**
 * Where the values of a document stand in its file: two numbers a value, in the order of a walk, so that a resource can
 * name the line of any field as long as it lives without keeping the file or its syntax tree.
 */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type LineCounter,
  type Node,
  type ParsedNode,
} from "yaml";
import type { Path } from "./problem.ts";

/** Line and column of each value, in the order of a walk. */
export type Places = Uint32Array;

export interface Place {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

/** Deepest nesting of lists and maps. */
export const MAX_DEPTH = 64;
/** Most values of a document, those that aliases repeat counted each time. */
export const MAX_VALUES = 100_000;

/** The places of a document's values; or why they can't be told, and with them the document. */
export function placesOf(document: Document.Parsed, value: unknown, lines: LineCounter): Places | string {
  const numbers: number[] = [];
  const walk = (at: unknown, written: unknown, parent: Place, depth: number): string | undefined => {
    const node = isAlias(written) ? written.resolve(document) : written;
    const place = placeOf(lines, written, parent);
    if (numbers.push(place.line, place.column) > 2 * MAX_VALUES) return `has more than ${MAX_VALUES} values`;
    if (typeof at !== "object" || at === null) return undefined;
    if (depth > MAX_DEPTH) return `is nested deeper than ${MAX_DEPTH} levels`;
    if (!Array.isArray(at) && Object.getPrototypeOf(at) !== Object.prototype) {
      return "has a value that is no text, number, list or map";
    }
    const below = nodesBelow(node);
    for (const [key, child] of Object.entries(at)) {
      const excess = walk(child, below(key), place, depth + 1);
      if (excess !== undefined) return excess;
    }
    return undefined;
  };
  const top = placeOf(lines, document.contents, { line: 1, column: 1 });
  return walk(value, document.contents, top, 1) ?? Uint32Array.from(numbers);
}

/** Where the value at `path` stands; for one that is absent, where its parent does. */
export function findPlace(places: Places, document: unknown, path: Path): Place {
  let index = 0;
  let node = document;
  for (const part of path) {
    if (typeof node !== "object" || node === null || !Object.hasOwn(node, part)) break;
    let before = index + 1;
    for (const [key, child] of Object.entries(node)) {
      if (key === String(part)) {
        node = child;
        break;
      }
      before += countValues(child);
    }
    index = before;
  }
  return { line: places[2 * index] ?? 1, column: places[2 * index + 1] ?? 1 };
}

function countValues(value: unknown): number {
  if (typeof value !== "object" || value === null) return 1;
  let count = 1;
  for (const child of Object.values(value)) count += countValues(child);
  return count;
}

function nodesBelow(node: unknown): (key: string) => unknown {
  if (isSeq(node)) return (key) => node.items[Number(key)];
  if (!isMap(node)) return () => undefined;
  const pairs = new Map(node.items.map((pair) => [isScalar(pair.key) ? String(pair.key.value) : "", pair]));
  return (key) => {
    const pair = pairs.get(key);
    const value = pair?.value as ParsedNode | null | undefined;
    return value?.range ? value : pair?.key;
  };
}

function placeOf(lines: LineCounter, node: unknown, otherwise: Place): Place {
  const offset = (node as Node | null | undefined)?.range?.[0];
  if (offset === undefined) return otherwise;
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}
