/**
 * Texts to resources: every document of every file is read, everything that is wrong is reported, and what is right is
 * there all the same; whether to go on without the rest is the caller's decision (the control plane does not).
 */
import { readdirSync, statSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { readDocument } from "./document.ts";
import { byPlace, type Issue } from "./issue.ts";
import { LoadMemory } from "./load-memory.ts";
import { fieldName } from "./problem.ts";
import { danglingReferences } from "./references.ts";
import { type Origin, placeOf, type Resource, resourceId } from "./resource.ts";
import { MAX_TEXT, parseYaml, TOO_LONG } from "./yaml.ts";

export interface NamedText {
  /** Stands in messages. */
  readonly name: string;
  readonly text: string;
}

export interface LoadResult {
  /** Those without errors, in the order in which they were written. */
  readonly resources: readonly Resource[];
  /** By file, line and column. */
  readonly issues: readonly Issue[];
  /** As they were read. */
  readonly files: readonly NamedText[];
}

const RESOURCE_FILE = /\.(?:ya?ml|json)$/;

/** A character takes at most three bytes of UTF-8 for each of UTF-16. */
const MAX_BYTES = 3 * MAX_TEXT;

/** Most issues of one file that are told one by one, unless more are asked for. */
const MAX_ISSUES = 100;

/** What one text holds. */
export interface LoadedText {
  readonly resources: readonly Resource[];
  readonly issues: readonly Issue[];
}

/**
 * Reads `.yaml`, `.yml` and `.json` files of a directory and below; hidden ones and node_modules are left out. With a
 * memory, only what has changed since its last use is read and parsed.
 */
export function loadDirectory(directory: string, memory = new LoadMemory<LoadedText>()): LoadResult {
  const unreadable: Issue[] = [];
  const files: NamedText[] = [];
  const paths = listFiles(directory, unreadable);
  for (const path of paths) {
    const name = relative(".", path) || path;
    try {
      const text = memory.read(path, MAX_BYTES);
      if (text === undefined) unreadable.push({ ...whole(name, { line: 1, column: 1 }), message: TOO_LONG });
      else files.push({ name, text });
    } catch (error) {
      unreadable.push(cantRead(name, error));
    }
  }
  const result = loadFiles(files, memory);
  memory.keep(
    paths,
    files.map(({ name }) => name),
  );
  return { ...result, issues: [...unreadable, ...result.issues].sort(byPlace) };
}

/** Reads texts. Never throws, whatever they hold. `maxIssues` of each are told one by one, and how many more there are. */
export function loadFiles(
  files: readonly NamedText[],
  memory = new LoadMemory<LoadedText>(),
  maxIssues = MAX_ISSUES,
): LoadResult {
  const found: Resource[] = [];
  const issues: Issue[] = [];
  for (const file of files) {
    const loaded = memory.parsed(file.name, file.text, () => loadText(file, maxIssues));
    for (const resource of loaded.resources) found.push(resource);
    issues.push(...loaded.issues);
  }
  const resources = withoutDuplicates(found, issues);
  issues.push(...danglingReferences(resources));
  return { resources, issues: issues.sort(byPlace), files };
}

function loadText({ name: file, text }: NamedText, maxIssues: number): LoadedText {
  const yaml = parseYaml(text);
  const issues: Issue[] = yaml.issues.map(({ message, ...place }) => ({ ...whole(file, place), message }));
  const resources: Resource[] = [];
  for (const document of yaml.documents) {
    const { problems, envelope, ...names } = readDocument(document.value);
    for (const { path, at, ...problem } of problems) {
      // To find a place is to search: not for those that nobody will see.
      if (issues.length >= maxIssues) {
        issues.push({ ...problem, ...names, file, line: document.line, column: 1, field: "" });
        continue;
      }
      issues.push({ ...problem, ...names, file, ...document.locate(path, at), field: fieldName(path) });
    }
    if (envelope === undefined) continue;
    const origin: Origin = { file, line: document.line };
    // The table of the kind has checked that kind, version and spec belong together.
    const { value, places } = document;
    resources.push({ ...envelope, origin, document: value, places } as Resource);
  }
  return { resources, issues: atMost(maxIssues, issues) };
}

/** So many issues, and how many more there are. */
function atMost(count: number, issues: readonly Issue[]): readonly Issue[] {
  const more = issues.length - count;
  const told = issues.slice(0, count).sort(byPlace);
  const last = told.at(-1);
  if (more <= 0 || last === undefined) return issues;
  const { file, line, column } = last;
  return [...told, { ...whole(file, { line, column }), message: `and ${more} more` }];
}

function withoutDuplicates(found: readonly Resource[], issues: Issue[]): Resource[] {
  const first = new Map<string, Resource>();
  for (const resource of found) {
    const { kind, metadata, origin } = resource;
    // There is one MeshConfig in all, whatever its namespace.
    const id = kind === "MeshConfig" ? kind : resourceId(resource);
    const earlier = first.get(id);
    if (earlier === undefined) {
      first.set(id, resource);
      continue;
    }
    const message = `${resourceId(resource)} is there already, at ${earlier.origin.file}:${earlier.origin.line}`;
    const place = placeOf(resource, ["metadata", "name"]);
    const about = { kind, name: metadata.name, field: "metadata.name", found: metadata.name };
    issues.push({ ...whole(origin.file, place), ...about, expected: "another name", message });
  }
  return [...first.values()];
}

function whole(file: string, place: { readonly line: number; readonly column: number }) {
  const { line, column } = place;
  return { severity: "error", file, line, column, field: "", found: "", expected: "", message: "" } as const;
}

function cantRead(file: string, error: unknown): Issue {
  const { code = String(error) } = error as NodeJS.ErrnoException;
  const reason = code === "ENOENT" ? "no such file or directory" : code;
  return { ...whole(file, { line: 1, column: 1 }), message: `can't be read: ${reason}` };
}

function listFiles(directory: string, issues: Issue[]): readonly string[] {
  try {
    if (!statSync(directory).isDirectory()) return [directory];
    return readdirSync(directory, { recursive: true, encoding: "utf8" })
      .filter((name) => RESOURCE_FILE.test(name) && !name.split(sep).some(isHidden))
      .map((name) => join(directory, name))
      .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true)
      .sort();
  } catch (error) {
    issues.push(cantRead(directory, error));
    return [];
  }
}

function isHidden(part: string): boolean {
  return part.startsWith(".") || part === "node_modules";
}
