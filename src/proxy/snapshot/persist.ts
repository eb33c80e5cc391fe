/**
 * The last good configuration on disk, so that a sidecar starts, and serves, with the control plane down. One file
 * per node: a line that says what it is and carries a checksum, then the resources as JSON. It is replaced
 * atomically (write, fsync, rename), readable by the owner alone, and written at most once a second.
 */
import { createHash } from "node:crypto";
import { mkdir, open, readFile, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import type { VersionedResource } from "../../discovery/messages.ts";
import type { AppliedConfig, StoredType } from "./store.ts";
import { STORED_TYPES } from "./store.ts";

const FORMAT = "weft-snapshot";
const FORMAT_VERSION = 3;
/** Least time between two writes. */
const WRITE_INTERVAL_MS = 1_000;
/** A larger file is not ours. */
const MAX_FILE_BYTES = 512 * 1024 * 1024;

export type Restored =
  | {
      readonly kind: "restored";
      readonly resources: readonly (readonly [StoredType, VersionedResource])[];
      /** What names of the mesh mean. */
      readonly hosts: readonly VersionedResource[];
    }
  | { readonly kind: "none" }
  /** The file is there but cannot be used; the sidecar starts without it. */
  | { readonly kind: "unusable"; readonly reason: string };

/** Where the snapshot of a node is kept. */
export function snapshotFile(directory: string, nodeId: string): string {
  return join(directory, `snapshot-${encodeURIComponent(nodeId)}.json`);
}

/** Reads what an earlier run of the same node left. Never throws: a snapshot is a convenience. */
export async function restoreSnapshot(directory: string, nodeId: string): Promise<Restored> {
  const file = snapshotFile(directory, nodeId);
  let text: string;
  try {
    if ((await stat(file)).size > MAX_FILE_BYTES) return { kind: "unusable", reason: `${file} is too large` };
    text = await readFile(file, "utf8");
  } catch (error) {
    if (isErrno(error) && error.code === "ENOENT") return { kind: "none" };
    return { kind: "unusable", reason: `cannot read ${file}: ${messageOf(error)}` };
  }
  try {
    return parseSnapshot(text, nodeId);
  } catch (error) {
    return { kind: "unusable", reason: `${file}: ${messageOf(error)}` };
  }
}

/** What is kept of a sidecar's configuration. */
export interface Held {
  readonly applied: AppliedConfig;
  readonly hosts: () => Iterable<VersionedResource>;
}

/** The content of a snapshot file. */
export function formatSnapshot({ applied, hosts }: Held, nodeId: string): string {
  const body = JSON.stringify({
    ...Object.fromEntries(STORED_TYPES.map((type) => [type, [...applied[type].values()]])),
    host: [...hosts()],
  });
  const head = { format: FORMAT, version: FORMAT_VERSION, node: nodeId, sha256: checksum(body) };
  return `${JSON.stringify(head)}\n${body}\n`;
}

/** Writes snapshots; `changed` asks for one, `close` writes what is still unwritten. */
export class SnapshotWriter {
  readonly #directory: string;
  readonly #file: string;
  readonly #format: () => string;
  readonly #warn: (message: string) => void;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(directory: string, nodeId: string, held: Held, warn: (message: string) => void) {
    this.#directory = directory;
    this.#file = snapshotFile(directory, nodeId);
    this.#format = () => formatSnapshot(held, nodeId);
    this.#warn = warn;
  }

  /** The configuration has changed: it will be on disk within about a second. */
  changed(): void {
    this.#timer ??= setTimeout(() => this.#write(), WRITE_INTERVAL_MS).unref();
  }

  /** Resolves when everything that `changed` announced is on disk. */
  close(): Promise<void> {
    if (this.#timer !== undefined) this.#write();
    return this.#writing;
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const text = this.#format();
    this.#writing = this.#writing
      .then(() => replaceFile(this.#directory, this.#file, text))
      .catch((error: unknown) => this.#warn(`cannot write ${this.#file}: ${messageOf(error)}`));
  }
}

async function replaceFile(directory: string, file: string, text: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const temporary = `${file}.${process.pid}.tmp`;
  const handle = await open(temporary, "w", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}

function parseSnapshot(text: string, nodeId: string): Restored {
  const end = text.indexOf("\n");
  if (end < 0) throw new Error("no head line");
  const head: unknown = JSON.parse(text.slice(0, end));
  if (!isRecord(head)) throw new Error("not a snapshot of Weft");
  const { format, version, node, sha256 } = head;
  if (format !== FORMAT) throw new Error("not a snapshot of Weft");
  if (version !== FORMAT_VERSION) throw new Error(`format version ${version} is not known`);
  if (node !== nodeId) throw new Error(`written by another node, ${node}`);
  const body = text.slice(end + 1).trimEnd();
  if (sha256 !== checksum(body)) throw new Error("checksum does not match: cut short or altered");
  const content: unknown = JSON.parse(body);
  if (!isRecord(content)) throw new Error("no resources");
  const resources: (readonly [StoredType, VersionedResource])[] = [];
  for (const type of STORED_TYPES) for (const item of listOf(content, type)) resources.push([type, item]);
  return { kind: "restored", resources, hosts: "host" in content ? listOf(content, "host") : [] };
}

function listOf(content: Record<string, unknown>, type: string): readonly VersionedResource[] {
  const list = content[type];
  if (!Array.isArray(list)) throw new Error(`no list of type ${type}`);
  const wrong = list.some((item) => !isVersioned(item));
  if (wrong) throw new Error(`a resource of type ${type} without name, version or content`);
  return list;
}

function checksum(body: string): string {
  return createHash("sha256").update(body).digest("hex");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** Shape of the wrapper alone; the resource inside is checked like one from the stream before it is used. */
function isVersioned(value: unknown): value is VersionedResource {
  if (!isRecord(value)) return false;
  const { name, version, resource } = value;
  return typeof name === "string" && typeof version === "string" && isRecord(resource);
}

function isErrno(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
