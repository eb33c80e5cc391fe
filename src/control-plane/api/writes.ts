/**
 * Bodies of the API's writes to edits: texts of files (apply, delete) or one document (PUT), checked as files are. It
 * runs in a worker where a body is long, so what comes out is plain data.
 */
import { hasErrors, type Issue } from "../../resources/issue.ts";
import { loadFiles, type NamedText } from "../../resources/load.ts";
import type { DocumentId } from "../source/edit.ts";
import { documentId, type Edit } from "../source/source.ts";

/** What a body is to do; `put` says what its one document must be. */
export type WriteRequest =
  | { readonly kind: "apply" | "delete" }
  | { readonly kind: "put"; readonly id: DocumentId };

/** Why a write is refused. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly issues?: readonly Issue[];
}

/** What a body asks for; `warnings` tell of documents in it that no kind reads. */
export interface Write {
  readonly edits: readonly Edit[];
  readonly warnings: readonly Issue[];
}

export type WriteResult = Write | { readonly refusal: Refusal };

/** Reads a body. Never throws, whatever it holds. */
export function readWrite(request: WriteRequest, body: string): WriteResult {
  if (request.kind === "put") return readPut(request.id, body);
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    return refuse(400, "invalid_json", `the body is no JSON: ${(error as Error).message}`);
  }
  const files = (value as { files?: unknown } | null)?.files;
  if (!Array.isArray(files) || !files.every(isNamedText)) {
    return refuse(400, "invalid_body", 'the body must be {"files":[{"name":…,"text":…}]}');
  }
  const loaded = load(files);
  if ("refusal" in loaded) return loaded;
  if (request.kind === "apply") return loaded;
  return { ...loaded, edits: loaded.edits.map(({ document: _document, ...id }) => id) };
}

/** What is said of resources that are wrong. */
export function invalid(issues: readonly Issue[]): Refusal {
  const errors = issues.filter((issue) => issue.severity === "error").length || issues.length;
  const count = errors === 1 ? "one error" : `${errors} errors`;
  return { status: 422, code: "invalid", message: `nothing was changed: ${count}`, issues };
}

/** Its text is kept as it came, so that places in it are those of the sender. */
function readPut(id: DocumentId, body: string): WriteResult {
  const loaded = load([{ name: "body", text: body }]);
  if ("refusal" in loaded) return loaded;
  const [edit] = loaded.edits;
  if (edit === undefined || loaded.edits.length !== 1) {
    return refuse(422, "invalid", "the body must be one resource");
  }
  if (edit.kind === id.kind && edit.namespace === id.namespace && edit.name === id.name) return loaded;
  return refuse(422, "invalid", `the body is ${title(edit)}, the address says ${title(id)}`);
}

function load(files: readonly NamedText[]): WriteResult {
  const { resources, issues } = loadFiles(files);
  if (hasErrors(issues)) return { refusal: invalid(issues) };
  // Others tell of references, which may lead to what is there already: that is seen when the whole is checked.
  const warnings = issues.filter(({ field }) => field === "kind");
  const edits = resources.map((resource) => ({ ...documentId(resource), document: resource.document }));
  return { edits, warnings };
}

function refuse(status: number, code: string, message: string): WriteResult {
  return { refusal: { status, code, message } };
}

function isNamedText(value: unknown): value is NamedText {
  const { name, text } = (value ?? {}) as { name?: unknown; text?: unknown };
  return typeof name === "string" && typeof text === "string";
}

function title({ kind, namespace, name }: DocumentId): string {
  return `${kind} ${namespace}/${name}`;
}
