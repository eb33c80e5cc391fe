/**
 * The smallest change to a document's text: where only values differ, only they are written anew. Comments, quotes and
 * layout within the document are somebody's, and a diff of the file shows what was changed and nothing else.
 */
import { isDeepStrictEqual } from "node:util";
import { isMap, isScalar, isSeq, type Node, parse } from "yaml";

interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** `text` with the values of `node` replaced by those of `wanted`; undefined where more than values differ. */
export function editScalars(text: string, node: Node, wanted: unknown): string | undefined {
  const replacements: Replacement[] = [];
  if (!collect(node, wanted, replacements)) return undefined;
  let edited = text;
  // From the end, so that places before stay where they are.
  for (const { start, end, text: value } of replacements.sort((a, b) => b.start - a.start)) {
    edited = edited.slice(0, start) + value + edited.slice(end);
  }
  return edited;
}

/** False where the structures differ, or where a value can't be replaced by itself. */
function collect(node: unknown, wanted: unknown, into: Replacement[]): boolean {
  if (isSeq(node)) {
    if (!Array.isArray(wanted) || node.items.length !== wanted.length) return false;
    return node.items.every((item, i) => collect(item, wanted[i], into));
  }
  if (isMap(node)) {
    if (!isRecord(wanted) || node.items.length !== Object.keys(wanted).length) return false;
    return node.items.every(({ key, value }) => {
      const name = isScalar(key) ? String(key.value) : "";
      return Object.hasOwn(wanted, name) && collect(value, wanted[name], into);
    });
  }
  if (!isScalar(node)) return node === null && wanted === null;
  if (isDeepStrictEqual(node.value, wanted)) return true;
  const isPlainText = node.type === "PLAIN" || node.type === "QUOTE_DOUBLE" || node.type === "QUOTE_SINGLE";
  if (!isPlainText || node.anchor !== undefined || node.tag !== undefined || !node.range) return false;
  if (typeof wanted === "object" && wanted !== null) return false;
  const [start, end] = node.range;
  if (start === end) return false;
  into.push({ start, end, text: scalarText(wanted, node.type === "PLAIN") });
  return true;
}

/** Quoted as JSON unless it is one word that reads as itself. */
function scalarText(value: unknown, isPlain: boolean): string {
  const quoted = JSON.stringify(value);
  if (typeof value !== "string" || !isPlain || !/^[\w./-]+$/.test(value)) return quoted;
  return parse(value) === value ? value : quoted;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
