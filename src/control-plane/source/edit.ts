/**
 * One document of a file replaced or removed, the rest left byte for byte: comments, order and the other documents are
 * somebody's.
 */
import { parseAllDocuments, stringify } from "yaml";

export interface DocumentId {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** A document as the text of a new file, YAML or (by `path`) JSON. */
export function documentText(path: string, document: unknown): string {
  return path.endsWith(".json") ? `${JSON.stringify(document, null, 2)}\n` : stringify(document);
}

/** `text` with the document `id` replaced; undefined if it is not there. */
export function replaceDocument(
  path: string,
  text: string,
  id: DocumentId,
  document: unknown,
): string | undefined {
  const range = findDocument(text, id);
  if (range === undefined) return undefined;
  const [start, end] = range;
  const old = text.slice(start, end);
  const end2 = old.endsWith("\n") ? "\n" : "";
  return text.slice(0, start) + documentText(path, document).trimEnd() + end2 + text.slice(end);
}

/** `text` without the document `id`; null if nothing else is in it, undefined if it is not there. */
export function removeDocument(text: string, id: DocumentId): string | null | undefined {
  const range = findDocument(text, id);
  if (range === undefined) return undefined;
  let before = text.slice(0, range[0]);
  const after = text.slice(range[1]).replace(/^\s*\n/, "");
  if (after.trim() === "" || after.startsWith("---")) before = before.replace(/(^|\n)---[ \t]*\n\s*$/, "$1");
  const left = before + after;
  return parseAllDocuments(left).some((document) => "contents" in document && document.contents !== null)
    ? left
    : null;
}

function findDocument(text: string, id: DocumentId): readonly [number, number] | undefined {
  for (const document of parseAllDocuments(text, { logLevel: "silent" })) {
    if (!("contents" in document) || document.contents === null || document.errors.length > 0) continue;
    const range = document.contents.range;
    if (range !== null && range !== undefined && isDocument(document.toJS(), id)) return [range[0], range[1]];
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
