/**
 * Bodies of the API's writes to edits: texts of files (apply, delete) or one document (PUT), checked as files are.
 */
import { hasErrors, type Issue } from "../../resources/issue.ts";
import { loadFiles, type NamedText } from "../../resources/load.ts";
import type { DocumentId } from "../source/edit.ts";
import { documentId, type Edit } from "../source/files.ts";
import { HttpError } from "./http.ts";

/** Edits that make what the files of an apply say. */
export function applyEdits(body: unknown): readonly Edit[] {
  return load(filesOf(body)).map((resource) => ({ ...documentId(resource), document: resource.document }));
}

/** Edits that remove what the files of a delete name. */
export function deleteEdits(body: unknown): readonly Edit[] {
  return load(filesOf(body)).map(documentId);
}

/** The edit of a PUT; the document must be what the address says. */
export function putEdits(id: DocumentId, body: unknown): readonly Edit[] {
  const resources = load([{ name: "body", text: JSON.stringify(body) }]);
  const [resource] = resources;
  if (resource === undefined || resources.length !== 1) {
    throw new HttpError(422, "invalid", "the body must be one resource");
  }
  const found = documentId(resource);
  if (found.kind !== id.kind || found.namespace !== id.namespace || found.name !== id.name) {
    const says = `${found.kind} ${found.namespace}/${found.name}`;
    throw new HttpError(422, "invalid", `the body is ${says}, the address says otherwise`);
  }
  return [{ ...found, document: resource.document }];
}

/** An error for what is wrong with resources. */
export function invalid(issues: readonly Issue[]): HttpError {
  const errors = issues.filter((issue) => issue.severity === "error").length || issues.length;
  const count = errors === 1 ? "one error" : `${errors} errors`;
  return new HttpError(422, "invalid", `nothing was changed: ${count}`, issues);
}

function load(files: readonly NamedText[]) {
  const { resources, issues } = loadFiles(files);
  // References may lead to what is there already: the whole is checked before it is written. But what no kind reads
  // must not be dropped silently.
  const unread = issues.some((issue) => issue.field === "kind");
  if (hasErrors(issues) || unread) throw invalid(issues);
  return resources;
}

function filesOf(body: unknown): readonly NamedText[] {
  const files = (body as { files?: unknown } | null)?.files;
  if (!Array.isArray(files) || !files.every(isNamedText)) {
    throw new HttpError(400, "invalid_body", 'the body must be {"files":[{"name":…,"text":…}]}');
  }
  return files;
}

function isNamedText(value: unknown): value is NamedText {
  const { name, text } = (value ?? {}) as { name?: unknown; text?: unknown };
  return typeof name === "string" && typeof text === "string";
}
