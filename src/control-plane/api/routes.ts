/**
 * The API's addresses and what each answers (docs/reference/api.md).
 */
import type { IncomingMessage } from "node:http";
import { parseDuration } from "../../resources/duration.ts";
import { KINDS } from "../../resources/resource.ts";
import type { LoadStats } from "../load-stats.ts";
import type { Plane } from "../plane.ts";
import { documentId, type Edit, type EditOutcome } from "../source/files.ts";
import type { Waits } from "../waits.ts";
import { HttpError, readJson } from "./http.ts";
import { applyEdits, deleteEdits, invalid, putEdits } from "./writes.ts";

/** What the handlers work on. */
export interface ApiContext {
  readonly plane: Plane;
  readonly stats: LoadStats;
  readonly waits: Waits;
}

type Handler = (context: ApiContext, url: URL, request: IncomingMessage) => unknown;
type Methods = Readonly<Record<string, Handler>>;

/** Longest wait of `/v1/changes`, in milliseconds. */
const MAX_WAIT_MS = 60_000;
const DEFAULT_WINDOW_MS = 10_000;

const FIXED: Readonly<Record<string, Methods>> = {
  "/v1/resources": { GET: listResources },
  "/v1/apply": {
    POST: async ({ plane }, url, request) => edit(plane, applyEdits(await readJson(request)), url),
  },
  "/v1/delete": {
    POST: async ({ plane }, url, request) => edit(plane, deleteEdits(await readJson(request)), url),
  },
  "/v1/sidecars": { GET: ({ plane }) => ({ items: plane.discovery.sidecars() }) },
  "/v1/stats": { GET: readStats },
  "/v1/status": { GET: ({ plane }) => ({ source: plane.status, change: plane.change }) },
};

/** Handlers of an address by method; undefined where there is nothing. */
export function methodsOf(path: string): Methods | undefined {
  if (Object.hasOwn(FIXED, path)) return FIXED[path];
  if (/^\/v1\/changes\/\d{1,15}$/.test(path)) return { GET: readChange };
  return /^\/v1\/resources\/[^/]+\/[^/]+\/[^/]+$/.test(path)
    ? { GET: readResource, PUT: putResource, DELETE: deleteResource }
    : undefined;
}

function listResources({ plane }: ApiContext, url: URL): unknown {
  const kind = url.searchParams.get("kind");
  const namespace = url.searchParams.get("namespace");
  const items = plane.resources.filter(
    (resource) =>
      (kind === null || resource.kind.toLowerCase() === kind.toLowerCase()) &&
      (namespace === null || resource.metadata.namespace === namespace),
  );
  return { items: items.map((resource) => resource.document) };
}

function readResource({ plane }: ApiContext, url: URL): unknown {
  const id = addressed(url);
  const found = plane.resources.find((resource) => isSame(documentId(resource), id));
  if (found === undefined) throw missing(id);
  return found.document;
}

async function putResource({ plane }: ApiContext, url: URL, request: IncomingMessage): Promise<unknown> {
  return edit(plane, putEdits(addressed(url), await readJson(request)), url);
}

function deleteResource({ plane }: ApiContext, url: URL): unknown {
  const id = addressed(url);
  if (!plane.resources.some((resource) => isSame(documentId(resource), id))) throw missing(id);
  return edit(plane, [id], url);
}

function edit(plane: Plane, edits: readonly Edit[], url: URL): unknown {
  const outcome = write(() => plane.edit(edits, url.searchParams.get("dryRun") === "true"));
  if ("issues" in outcome) throw invalid(outcome.issues);
  return { change: plane.change, results: outcome.results };
}

/** Says why the directory could not be written, which is none of our defects. */
function write(edit: () => EditOutcome): EditOutcome {
  try {
    return edit();
  } catch (error) {
    const { code, path, syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined) throw error;
    throw new HttpError(500, "not_written", `nothing was changed: ${code} (${syscall} ${path ?? ""})`);
  }
}

async function readChange(
  { plane, waits }: ApiContext,
  url: URL,
  request: IncomingMessage,
): Promise<unknown> {
  const change = Number(url.pathname.split("/").at(-1));
  const waitMs = Math.min(MAX_WAIT_MS, durationOf(url, "wait", 0));
  if (plane.progress(change)?.state === "pending") {
    const gone = new AbortController();
    const leave = () => gone.abort();
    request.socket.once("close", leave);
    await waits.until(change, waitMs, gone.signal);
    request.socket.off("close", leave);
  }
  const progress = plane.progress(change);
  if (progress === undefined) throw new HttpError(404, "not_found", `no change ${change} is known`);
  return progress;
}

function readStats({ stats }: ApiContext, url: URL): unknown {
  const windowMs = Math.min(60_000, Math.max(1_000, durationOf(url, "window", DEFAULT_WINDOW_MS)));
  return { windowMs, destinations: stats.window(windowMs) };
}

function durationOf(url: URL, parameter: string, fallback: number): number {
  const text = url.searchParams.get(parameter);
  const ms = text === null ? fallback : parseDuration(text);
  if (ms === undefined)
    throw new HttpError(400, "invalid_query", `${parameter} must be a duration such as 10s`);
  return ms;
}

function addressed(url: URL) {
  let parts: readonly string[];
  try {
    parts = url.pathname.split("/").slice(3).map(decodeURIComponent);
  } catch {
    throw new HttpError(400, "invalid_path", "the address is not well encoded");
  }
  const [given = "", namespace = "", name = ""] = parts;
  const kind = KINDS.find((known) => known.toLowerCase() === given.toLowerCase());
  if (kind === undefined) throw new HttpError(404, "not_found", `no kind ${given}`);
  return { kind, namespace, name };
}

function isSame(a: Omit<Edit, "document">, b: Omit<Edit, "document">): boolean {
  return a.kind === b.kind && a.namespace === b.namespace && a.name === b.name;
}

function missing({ kind, namespace, name }: Omit<Edit, "document">): HttpError {
  return new HttpError(404, "not_found", `no ${kind} ${namespace}/${name}`);
}
