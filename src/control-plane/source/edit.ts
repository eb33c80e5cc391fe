/**
 * One document of a file replaced or removed, the rest left byte for byte: comments, order and the other documents are
 * somebody's.
 */
import { isDeepStrictEqual } from "node:util";
import { type Document, type Node, parseAllDocuments, stringify } from "yaml";
import { editScalars } from "./scalar-edit.ts";

export interface DocumentId {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** A document as the text of a new file, YAML or (by `path`) JSON. */
export function documentText(path: string, document: unknown): string {
  return path.endsWith(".json") ? `${JSON.stringify(document, null, 2)}\n` : stringify(document);
}

/** `text` with the document `id` replaced, by as little as will do; undefined if it is not there. */
export function replaceDocument(
  path: string,
  text: string,
  id: DocumentId,
  document: unknown,
): string | undefined {
  const found = findDocument(text, id);
  if (found === undefined) return undefined;
  const edited = editScalars(text, found.contents, document);
  const check = edited === undefined ? undefined : findDocument(edited, id)?.document.toJS();
  if (isDeepStrictEqual(check, document)) return edited;
  const [start, end] = found.range;
  const old = text.slice(start, end);
  const end2 = old.endsWith("\n") ? "\n" : "";
  return text.slice(0, start) + documentText(path, document).trimEnd() + end2 + text.slice(end);
}

/** `text` without the document `id`; null if nothing else is in it, undefined if it is not there. */
export function removeDocument(text: string, id: DocumentId): string | null | undefined {
  const range = findDocument(text, id)?.range;
  if (range === undefined) return undefined;
  let before = text.slice(0, range[0]);
  const after = text.slice(range[1]).replace(/^\s*\n/, "");
  if (after.trim() === "" || after.startsWith("---")) before = before.replace(/(^|\n)---[ \t]*\n\s*$/, "$1");
  const left = before + after;
  return parseAllDocuments(left).some((document) => "contents" in document && document.contents !== null)
    ? left
    : null;
}

interface Found {
  readonly document: Document.Parsed;
  readonly contents: Node;
  readonly range: readonly [start: number, end: number];
}

function findDocument(text: string, id: DocumentId): Found | undefined {
  for (const document of parseAllDocuments(text, { logLevel: "silent" })) {
    if (!("contents" in document) || document.contents === null || document.errors.length > 0) continue;
    const { contents } = document;
    const { range } = contents;
    if (range && isDocument(document.toJS(), id)) return { document, contents, range: [range[0], range[1]] };
  }
  return undefined;
}

function isDocument(value: unknown, id: DocumentId): boolean {
  const document = value as { kind?: unknown; metadata?: { name?: unknown; namespace?: unknown } } | null;
  return (
    document?.kind === id.kind &&
    document.metadata?.name === id.name &&
    (document.metadata.namespace ?? "default") === id.namespace
  );
}
