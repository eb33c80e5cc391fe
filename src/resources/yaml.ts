/**
 * YAML (of which JSON is a part) to plain values, bounded: files may come from strangers through the API. Size, depth
 * and expansion of aliases have limits; a key twice in a map, a key that is no word, and an alias to what surrounds it
 * are errors. Nothing here throws for any text.
 */
import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
} from "yaml";
import { MAX_DEPTH, type Place, type Places, placesOf } from "./places.ts";
import type { Path } from "./problem.ts";

/** Longest text, in characters: about 50,000 small documents. Reading takes one to three seconds per million. */
export const MAX_TEXT = 8_388_608;
/** What is said of a longer one. */
export const TOO_LONG = `is longer than ${MAX_TEXT} characters`;
/** Most times that aliases may expand. */
export const MAX_ALIASES = 100;

export interface YamlIssue extends Place {
  readonly message: string;
}

/** One document of a file. */
export interface YamlDocument extends Place {
  readonly value: unknown;
  readonly places: Places;
  /** Where a field's key or value stands; what is absent, stands where its parent does. */
  readonly locate: (path: Path, at: "key" | "value") => Place;
}

export interface YamlFile {
  readonly documents: readonly YamlDocument[];
  readonly issues: readonly YamlIssue[];
}

/** Reads all documents; those with an issue are left out, empty ones too. */
export function parseYaml(text: string): YamlFile {
  if (text.length > MAX_TEXT) return failure(TOO_LONG);
  try {
    const excess = findExcess(text);
    if (excess !== undefined) return failure(excess);
    return readDocuments(text);
  } catch (error) {
    // A stack that is exhausted by indentation, or a defect of the parser: the text is at fault or treated so.
    return failure(error instanceof RangeError ? "is nested too deeply" : `can't be read: ${String(error)}`);
  }
}

function failure(message: string): YamlFile {
  return { documents: [], issues: [{ line: 1, column: 1, message }] };
}

/**
 * What nests or refers at one byte each is counted before anything recurses or searches: brackets, `- - -`, aliases
 * (each of which costs a walk through the document).
 */
function findExcess(text: string): string | undefined {
  let brackets = 0;
  let dashes = 0;
  let aliases = 0;
  for (const token of new Lexer().lex(text)) {
    if (token === "[" || token === "{") brackets++;
    else if (token === "]" || token === "}") brackets--;
    else if (token === "-" || token === "?") dashes++;
    else if (token.startsWith("*")) aliases++;
    else if (token.includes("\n")) dashes = 0;
    if (brackets > MAX_DEPTH || dashes > MAX_DEPTH) return `is nested deeper than ${MAX_DEPTH} levels`;
    if (aliases > MAX_ALIASES) return `has more than ${MAX_ALIASES} aliases`;
  }
  return undefined;
}

function readDocuments(text: string): YamlFile {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, {
    lineCounter: lines,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: "silent",
  });
  const issues: YamlIssue[] = [];
  const documents: YamlDocument[] = [];
  for (const document of parsed as Iterable<Document.Parsed>) {
    const place = placeOf(lines, document.contents?.range?.[0] ?? document.range[0]);
    const found = findProblems(document, lines);
    issues.push(...found);
    if (found.length > 0 || document.contents === null) continue;
    try {
      const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
      if (value === null) continue;
      const places = placesOf(document, value, lines);
      if (typeof places === "string") issues.push({ ...place, message: places });
      else documents.push({ ...place, value, places, locate: (...what) => locate(document, lines, ...what) });
    } catch {
      issues.push({ ...place, message: `aliases expand more than ${MAX_ALIASES} times` });
    }
  }
  return { documents, issues };
}

function findProblems(document: Document.Parsed, lines: LineCounter): YamlIssue[] {
  // A warning is a tag that YAML's core does not have: what it means here, nobody knows.
  const issues: YamlIssue[] = [...document.errors, ...document.warnings].map((error) => ({
    ...placeOf(lines, error.pos[0]),
    message: error.message,
  }));
  if (issues.length > 0) return issues;
  const say = (node: unknown, message: string) => {
    issues.push({ ...placeOf(lines, (node as Node | null)?.range?.[0] ?? 0), message });
  };
  visit(document, {
    Map: (_key, node) => {
      const keys = new Set<string>();
      for (const { key } of node.items) {
        if (!isScalar(key)) {
          say(key, "a key must be a word");
          return visit.BREAK;
        }
        const name = String(key.value);
        if (keys.has(name)) say(key, `the key ${JSON.stringify(name)} is there already`);
        keys.add(name);
      }
      return undefined;
    },
    Alias: (_key, node, ancestors) => {
      const target = node.resolve(document);
      if (target === undefined) say(node, `no anchor is called ${JSON.stringify(node.source)}`);
      else if (ancestors.includes(target)) say(node, "an alias stands within what it means");
      return undefined;
    },
  });
  return issues;
}

function locate(document: Document.Parsed, lines: LineCounter, path: Path, at: "key" | "value"): Place {
  let node: unknown = document.contents;
  let found: unknown = node;
  for (const [depth, part] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    const isLast = depth === path.length - 1;
    if (isSeq(node) && typeof part === "number") node = node.items[part];
    else if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
      if (pair === undefined || !isPair(pair)) break;
      node = isLast && at === "key" ? pair.key : (pair.value ?? pair.key);
    } else break;
    if (node === null || node === undefined) break;
    found = node;
  }
  return placeOf(lines, (found as Node | null)?.range?.[0] ?? document.range[0]);
}

function placeOf(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}
