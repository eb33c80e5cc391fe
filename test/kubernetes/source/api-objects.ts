/** Requests for single objects: get, create, replace, and merge patches of the status, refused where the version is not the latest. */
import type http from "node:http";
import { json } from "node:stream/consumers";
export type Json = Record<string, unknown>;

export interface ApiObject extends Json {
  readonly metadata: Json & {
    readonly name: string;
    readonly namespace?: string;
    readonly resourceVersion?: string;
  };
}

/** Where objects are, by the path of their list. */
export interface ObjectStore {
  objects(path: string): ReadonlyMap<string, ApiObject>;
  put(path: string, object: ApiObject): ApiObject;
}

/** `<namespace>/<name>`. */
export function keyOf({ metadata }: ApiObject): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}

export async function answerObject(
  server: ObjectStore,
  paths: readonly string[],
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  const { status, body } = await outcomeOf(server, paths, request);
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

async function outcomeOf(
  server: ObjectStore,
  paths: readonly string[],
  request: http.IncomingMessage,
): Promise<Outcome> {
  const path = new URL(request.url ?? "/", "http://localhost").pathname;
  const found = paths.flatMap((list) => targetIn(list, path) ?? [])[0];
  if (found === undefined) return failure(404, "the server could not find the requested resource");
  const { list, key, isStatus } = found;
  const old = server.objects(list).get(key);
  const body = request.method === "GET" ? {} : ((await json(request)) as ApiObject);
  if (request.method === "POST") {
    if (server.objects(list).has(keyOf(body as ApiObject))) return failure(409, "already exists");
    return { status: 201, body: server.put(list, body as ApiObject) };
  }
  if (old === undefined && request.headers["content-type"]?.startsWith("application/apply-patch") === true) {
    return { status: 201, body: server.put(list, body as ApiObject) };
  }
  if (old === undefined) return failure(404, "not found");
  if (request.method === "GET") return { status: 200, body: old };
  const version = (body as Partial<ApiObject>).metadata?.resourceVersion;
  if (version !== undefined && version !== old.metadata.resourceVersion) {
    return failure(409, "the object has been modified");
  }
  if (request.method === "PUT") return { status: 200, body: server.put(list, body as ApiObject) };
  const status = merged(old["status"], (body as Json)["status"]);
  const patched = isStatus
    ? { ...old, status }
    : { ...(merged(old, body) as ApiObject), status: old["status"] };
  return { status: 200, body: server.put(list, patched) };
}

interface Target {
  readonly list: string;
  readonly key: string;
  readonly isStatus: boolean;
}

/** What an object's path means, where objects of `list` are asked for. */
function targetIn(list: string, path: string): Target | undefined {
  const cut = list.lastIndexOf("/");
  const [group, plural] = [list.slice(0, cut), list.slice(cut + 1)];
  const isStatus = path.endsWith("/status");
  const rest = isStatus ? path.slice(0, -"/status".length) : path;
  const spaced = new RegExp(`^${group}/namespaces/([^/]+)/${plural}(?:/([^/]+))?$`).exec(rest);
  if (spaced !== null) return { list, key: `${spaced[1]}/${spaced[2] ?? ""}`, isStatus };
  const whole = new RegExp(`^${group}/${plural}/([^/]+)$`).exec(rest);
  return whole === null ? undefined : { list, key: `/${whole[1]}`, isStatus };
}

/** RFC 7396. */
function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const base =
    typeof target === "object" && target !== null && !Array.isArray(target) ? (target as Json) : {};
  const result: Json = { ...base };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(base[key], value);
  }
  return result;
}

interface Outcome {
  readonly status: number;
  readonly body: unknown;
}

function failure(status: number, message: string): Outcome {
  return { status, body: { kind: "Status", apiVersion: "v1", status: "Failure", code: status, message } };
}
