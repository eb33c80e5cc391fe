/**
 * The API's addresses and what each answers (docs/reference/api.md).
 */
import type { IncomingMessage } from "node:http";
import type { PlaneIdentity } from "../identity.ts";
import type { LoadStats } from "../load-stats.ts";
import type { Plane } from "../plane.ts";
import type { EditOutcome } from "../source/source.ts";
import type { Waits } from "../waits.ts";
import { HttpError, readBody } from "./http.ts";
import {
  abandonRotation,
  beginRotation,
  createToken,
  issueCertificate,
  listCertificates,
  readRotation,
} from "./identity-routes.ts";
import { durationOf, flagOf } from "./query.ts";
import { addressed, findResource, kindOf } from "./resource-address.ts";
import { readEdits } from "./write-reader.ts";
import { invalid, type Write, type WriteRequest } from "./writes.ts";

/** What the handlers work on. */
export interface ApiContext {
  readonly plane: Plane;
  readonly stats: LoadStats;
  readonly waits: Waits;
  /** Undefined where sidecars connect without TLS. */
  readonly identity: PlaneIdentity | undefined;
}

type Handler = (context: ApiContext, url: URL, request: IncomingMessage) => unknown;
type Methods = Readonly<Record<string, Handler>>;

/** Longest wait of `/v1/changes`, in milliseconds. */
const MAX_WAIT_MS = 60_000;
const DEFAULT_WINDOW_MS = 10_000;

const FIXED: Readonly<Record<string, Methods>> = {
  "/v1/resources": { GET: listResources },
  "/v1/apply": {
    POST: (context, url, request) => write(context, url, request, { kind: "apply" }),
  },
  "/v1/delete": {
    POST: (context, url, request) => write(context, url, request, { kind: "delete" }),
  },
  "/v1/certificates": {
    GET: ({ identity }) => listCertificates(identity),
    POST: ({ identity }, _url, request) => issueCertificate(identity, request),
  },
  "/v1/tokens": { POST: ({ identity }, _url, request) => createToken(identity, request) },
  "/v1/root/rotate": {
    GET: ({ identity, plane }) => readRotation(identity, connected(plane)),
    POST: ({ identity, plane }, _url, request) => beginRotation(identity, request, connected(plane)),
    DELETE: ({ identity, plane }, _url, request) => abandonRotation(identity, request, connected(plane)),
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

function connected({ discovery }: Plane): number {
  return discovery.sidecars().filter(({ state }) => state !== "disconnected").length;
}

function listResources({ plane }: ApiContext, url: URL): unknown {
  const asked = url.searchParams.get("kind");
  const kind = asked === null ? undefined : kindOf(asked);
  const namespace = url.searchParams.get("namespace");
  const items = plane.resources.filter(
    (resource) =>
      (kind === undefined || resource.kind === kind) &&
      (namespace === null || resource.metadata.namespace === namespace),
  );
  return {
    items: items.map((resource) => resource.document),
    ...(flagOf(url, "origins") ? { origins: items.map(({ origin }) => origin) } : {}),
  };
}

function readResource({ plane }: ApiContext, url: URL): unknown {
  return findResource(plane.resources, addressed(url)).document;
}

function putResource(context: ApiContext, url: URL, request: IncomingMessage): Promise<unknown> {
  return write(context, url, request, { kind: "put", id: addressed(url) });
}

function deleteResource({ plane }: ApiContext, url: URL): unknown {
  const id = addressed(url);
  findResource(plane.resources, id);
  return edit(plane, { edits: [id], warnings: [] }, flagOf(url, "dryRun"));
}

async function write(
  { plane }: ApiContext,
  url: URL,
  request: IncomingMessage,
  what: WriteRequest,
): Promise<unknown> {
  const dryRun = flagOf(url, "dryRun");
  return edit(plane, await readEdits(what, await readBody(request)), dryRun);
}

function edit(plane: Plane, { edits, warnings }: Write, dryRun: boolean): unknown {
  const outcome = written(() => plane.edit(edits, dryRun));
  if ("issues" in outcome) {
    const { status, code, message, issues } = invalid(outcome.issues);
    throw new HttpError(status, code, message, issues);
  }
  const { results } = outcome;
  return { change: plane.change, results, warnings: [...warnings, ...outcome.warnings] };
}

/** Says why the directory could not be written, which is none of our defects. */
function written(edit: () => EditOutcome): EditOutcome {
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
