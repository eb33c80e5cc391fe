/**
 * The desired state in a directory of files: read as a whole, watched, and written by the API. A file that is broken does
 * not take the mesh down: the last good state stays until everything reads again, and `status` says what is wrong.
 */
import { basename, dirname, join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { hasErrors, type Issue } from "../../resources/issue.ts";
import { type LoadedText, loadDirectory, loadFiles, type NamedText } from "../../resources/load.ts";
import { LoadMemory } from "../../resources/load-memory.ts";
import { Watcher } from "../../resources/watcher.ts";
import { NO_INSTANCES, NOTHING_MOVED } from "../compile/instances.ts";
import { readAddresses } from "./addresses.ts";
import { type DocumentId, documentText, removeDocument, replaceDocument } from "./edit.ts";
import { writeFiles } from "./journal.ts";
import {
  documentId,
  type Edit,
  type EditOutcome,
  type EditResult,
  type Source,
  type SourceState,
  type SourceStatus,
} from "./source.ts";

/**
 * Who saves in place empties the file first: for so long, an emptied file is taken for one that is being saved. A shell that writes one
 * (`cat > a.yaml`) starts a program in between, which takes its time on a busy machine; without the file's policies and Services
 * connections would be let through meanwhile that stay.
 */
const SAVING_MS = 2_000;

/** A Service that goes may leave a great many routes without it. */
const MAX_WARNINGS = 100;

export class FileSource implements Source {
  /** All workloads are written. */
  readonly instances = NO_INSTANCES;
  readonly #directory: string;
  readonly #addressesFile: string | undefined;
  readonly #nowMs: () => number;
  #state: SourceState = { resources: [], addresses: {} };
  #issues: readonly Issue[] = [];
  #files: readonly NamedText[] = [];
  readonly #memory = new LoadMemory<LoadedText>();
  #watcher: Watcher | undefined;
  #emptiedAt: number | undefined;

  constructor(directory: string, addressesFile?: string, nowMs: () => number = () => performance.now()) {
    this.#directory = directory;
    this.#addressesFile = addressesFile;
    this.#nowMs = nowMs;
    this.#read();
  }

  /** The last good state. */
  get state(): SourceState {
    return this.#state;
  }

  get issues(): readonly Issue[] {
    return this.#issues;
  }

  get status(): SourceStatus {
    return {
      state: hasErrors(this.#issues) ? "broken" : "ok",
      issues: this.#issues,
      files: this.#files.length,
      resources: this.#state.resources.length,
    };
  }

  get isReady(): boolean {
    return !hasErrors(this.#issues);
  }

  moved(): typeof NOTHING_MOVED {
    return NOTHING_MOVED;
  }

  /** Reads everything again; with errors, the state stays as it is. False: a file is being saved, nothing was taken over. */
  rescan(): boolean {
    const loaded = loadDirectory(this.#directory, this.#memory);
    if (this.#isBeingSaved(loaded.files)) return false;
    this.#read(loaded);
    return true;
  }

  #isBeingSaved(files: readonly NamedText[]): boolean {
    const empty = new Set(files.filter(({ text }) => text === "").map(({ name }) => name));
    if (!this.#files.some(({ name, text }) => text !== "" && empty.has(name))) {
      this.#emptiedAt = undefined;
      return false;
    }
    this.#emptiedAt ??= this.#nowMs();
    return this.#nowMs() - this.#emptiedAt < SAVING_MS;
  }

  #read(loaded = loadDirectory(this.#directory, this.#memory)): void {
    const overlay =
      this.#addressesFile === undefined ? { addresses: {} } : readAddresses(this.#addressesFile);
    const issues = "issue" in overlay ? [...loaded.issues, overlay.issue] : loaded.issues;
    const resources = hasErrors(loaded.issues) ? this.#state.resources : loaded.resources;
    const addresses = "issue" in overlay ? this.#state.addresses : overlay.addresses;
    this.#state = { resources, addresses };
    this.#issues = issues;
    this.#files = loaded.files;
  }

  /** Calls `onChange` for each event of the files; to rescan is the caller's, once per burst. */
  watch(onChange: () => void, onError: (error: Error) => void): void {
    const watched = [{ directory: this.#directory, recursive: true }];
    const file = this.#addressesFile;
    const overlay =
      file === undefined
        ? []
        : [{ directory: dirname(resolve(file)), recursive: false, only: basename(file) }];
    this.#watcher = new Watcher([...watched, ...overlay], onChange, onError);
  }

  close(): void {
    this.#watcher?.close();
  }

  /**
   * All edits or none. The whole directory is checked as it would be; only then it is written, flushed to the disk
   * before this returns. With `dryRun` everything but the writing happens. While a file is being saved the edits are taken over
   * with it.
   */
  edit(edits: readonly Edit[], dryRun: boolean): EditOutcome {
    const loaded = loadDirectory(this.#directory, this.#memory);
    const isBeingSaved = this.#isBeingSaved(loaded.files);
    const byId = new Map(loaded.resources.map((resource) => [key(documentId(resource)), resource]));
    const texts = new Map(loaded.files.map(({ name, text }) => [name, text]));
    const changes = new Map<string, string | null>();
    const results: EditResult[] = [];
    let warnings: readonly Issue[] = [];
    for (const { document, ...id } of edits) {
      const old = byId.get(key(id));
      if (old === undefined && document === undefined) {
        results.push({ ...id, action: "absent" });
        continue;
      }
      if (old !== undefined && isDeepStrictEqual(old.document, document)) {
        results.push({ ...id, action: "unchanged" });
        continue;
      }
      const action = document === undefined ? "deleted" : old === undefined ? "created" : "configured";
      results.push({ ...id, action });
      const file = old?.origin.file ?? this.#newFile(id, texts);
      const text = edited(file, texts.get(file), id, document);
      changes.set(file, text);
      if (text === null) texts.delete(file);
      else texts.set(file, text);
    }
    if (changes.size > 0) {
      const after = loadFiles(
        [...texts].map(([name, text]) => ({ name, text })),
        this.#memory,
      );
      if (hasErrors(after.issues)) return { issues: after.issues };
      const known = new Set(loaded.issues.map(titleOf));
      warnings = after.issues.filter((issue) => !known.has(titleOf(issue))).slice(0, MAX_WARNINGS);
      if (!dryRun) {
        writeFiles(this.#directory, changes);
        if (!isBeingSaved) this.#read();
      }
    }
    return { results, warnings };
  }

  #newFile({ kind, namespace, name }: DocumentId, texts: ReadonlyMap<string, string>): string {
    const stem = `${kind.toLowerCase()}-${namespace}-${name}`;
    let file = join(this.#directory, `${stem}.yaml`);
    for (let n = 2; texts.has(file); n++) file = join(this.#directory, `${stem}-${n}.yaml`);
    return file;
  }
}

/** The same for an issue whose place has moved. */
function titleOf({ file, kind, name, field, message }: Issue): string {
  return JSON.stringify([file, kind, name, field, message]);
}

function edited(file: string, text: string | undefined, id: DocumentId, document: unknown): string | null {
  if (text === undefined) return document === undefined ? null : documentText(file, document);
  if (document === undefined) {
    const left = removeDocument(text, id);
    return left === undefined ? text : left;
  }
  const replaced = replaceDocument(file, text, id, document);
  // Never overwrites what stands there: appended, a document that could not be found is refused as a duplicate.
  return replaced ?? `${text}\n---\n${documentText(file, document)}`;
}

function key({ kind, namespace, name }: DocumentId): string {
  return `${kind} ${namespace}/${name}`;
}
