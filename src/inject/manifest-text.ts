/**
 * Changes pods within the text of manifests and nothing else: documents without a change stay as they are to the letter, in
 * others comments, order and quotes are kept (yaml's Document). Documents are told apart by their `---` lines, which YAML
 * allows nowhere else at the beginning of a line.
 */
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  type Node,
  parseDocument,
  stringify,
} from "yaml";
import type { Path } from "../resources/problem.ts";
import { parseYaml, type YamlDocument } from "../resources/yaml.ts";
import { type FoundPod, podsIn } from "./manifest.ts";
import { writeOutAliases } from "./manifest-aliases.ts";
import type { Operation } from "./patch.ts";

/** One document of a file. */
export interface Manifest {
  readonly text: string;
  /** Of its first line, from 1. */
  readonly line: number;
  readonly pods: readonly FoundPod[];
  /** Line in the file and column of a field, from 1. */
  readonly locate: (path: Path) => { readonly line: number; readonly column: number };
}

export interface Unreadable {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** Splits and reads a file. */
export function readManifests(text: string): {
  readonly manifests: readonly Manifest[];
  readonly issues: readonly Unreadable[];
} {
  const manifests: Manifest[] = [];
  const issues: Unreadable[] = [];
  for (const part of splitDocuments(text)) {
    const { documents, issues: found } = parseYaml(part.text);
    issues.push(...found.map((issue) => ({ ...issue, line: issue.line + part.line - 1 })));
    manifests.push({
      ...part,
      pods: podsIn(mergedValue(part.text, documents[0])),
      locate: (path) => {
        const place = documents[0]?.locate(path, "value") ?? { line: 1, column: 1 };
        return { line: place.line + part.line - 1, column: place.column };
      },
    });
  }
  return { manifests, issues };
}

export interface PodChange {
  /** Of the pod in the document. */
  readonly path: Path;
  readonly patch: readonly Operation[];
}

/** The document's text with its pods changed. */
export function changeManifest(text: string, changes: readonly PodChange[]): string {
  if (isJson(text)) return changeJson(text, changes);
  // Every value is a text as it is written, and nothing else: `0400` and `yes` mean one thing in YAML 1.2, another to kubectl.
  const document = parseDocument(text, { schema: "failsafe" });
  writeOutAliases(document);
  for (const { path, patch } of changes) {
    for (const operation of patch) apply(document, [...path, ...operation.path], operation, written);
  }
  const changed = document.toString({
    lineWidth: 0,
    indentSeq: !hasFlushLists(text),
    flowCollectionPadding: hasPadding(text),
  });
  return text.includes("\r\n") ? changed.replaceAll("\n", "\r\n") : changed;
}

function isJson(text: string): boolean {
  if (!text.trimStart().startsWith("{")) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function changeJson(text: string, changes: readonly PodChange[]): string {
  const document = parseDocument(text);
  const made = (value: unknown) => document.createNode(value, { aliasDuplicateObjects: false });
  for (const { path, patch } of changes) {
    for (const operation of patch) apply(document, [...path, ...operation.path], operation, made);
  }
  return `${JSON.stringify(document.toJS(), undefined, 2)}\n`;
}

/** A value as it stands in a text, with quotes where Go's parser would take it for something else (`on` is true to it). */
function written(value: unknown): Node | null {
  const text = stringify(value, { compat: "yaml-1.1", aliasDuplicateObjects: false, lineWidth: 0 });
  return parseDocument(text, { schema: "failsafe" }).contents;
}

function splitDocuments(text: string): { readonly text: string; readonly line: number }[] {
  const parts: { text: string; line: number }[] = [];
  let start = 0;
  let line = 1;
  let startLine = 1;
  for (let at = 0; at < text.length; line++) {
    const isMarker = text.startsWith("---", at) && /^---(?:\s|$)/.test(text.slice(at, at + 4));
    if (isMarker && at > start) {
      parts.push({ text: text.slice(start, at), line: startLine });
      [start, startLine] = [at, line];
    }
    const end = text.indexOf("\n", at);
    at = end < 0 ? text.length : end + 1;
  }
  return start < text.length ? [...parts, { text: text.slice(start), line: startLine }] : parts;
}

/** With merge keys (`<<`) resolved, which kubectl does, too. */
function mergedValue(text: string, document: YamlDocument | undefined): unknown {
  if (document === undefined || !/<<\s*:/.test(text)) return document?.value;
  return parseDocument(text, { merge: true }).toJS();
}

function apply(
  document: Document.Parsed,
  path: Path,
  operation: Operation,
  nodeOf: (value: unknown) => Node | null,
): void {
  const [parentPath, key] = [path.slice(0, -1), path.at(-1)];
  const parent: unknown = parentPath.length === 0 ? document.contents : document.getIn(parentPath, true);
  if (!isCollection(parent) || isAlias(parent) || key === undefined) return;
  if (operation.op === "remove") parent.delete(key);
  else {
    unfold(document, parentPath);
    const node = nodeOf(operation.value);
    if (isSeq(parent) && operation.op === "add") parent.items.splice(Number(key), 0, node);
    else if (isMap(parent) || isSeq(parent)) {
      keepComments(parent.get(key, true), node);
      parent.set(key, node);
    }
  }
}

/** Of a value that was empty, and has something now. */
function keepComments(from: unknown, to: Node | null): void {
  if (!isScalar(from) || !isCollection(to)) return;
  const comments = [from.commentBefore, from.comment].filter((text) => typeof text === "string");
  if (comments.length > 0) to.commentBefore = comments.join("\n");
}

/** What is put into a list or map on one line would make it a very long one: each item gets its own. */
function unfold(document: Document.Parsed, path: Path): void {
  for (let depth = 0; depth <= path.length; depth++) {
    const node: unknown = document.getIn(path.slice(0, depth), true);
    if (isCollection(node)) node.flow = false;
  }
}

/** Whether lists stand as far to the left as their key, as kubectl writes them. */
function hasFlushLists(text: string): boolean {
  return /^( *)(?:- )?[\w.-]+:[ \t]*(?:#.*)?\r?\n\1- /m.test(text);
}

function hasPadding(text: string): boolean {
  return !/\{\w/.test(text);
}
