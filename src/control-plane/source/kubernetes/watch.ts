/**
 * One connection of a watch, from a resourceVersion on until it ends for whatever reason. Everything that was understood is
 * given on with the version from which the next connection can go on; what was not understood ends the connection, and
 * with it the trust in that version.
 */
import { ApiError, type KubernetesApi } from "./api.ts";
import { LineReader } from "./line-reader.ts";
import { isMap, type Json, metadataOf, textOf } from "./object.ts";

/** An object has at most 1.5 MB in etcd; JSON of it takes more, not so much more. */
const MAX_LINE_BYTES = 8 * 1_048_576;
/** How long a watch lasts: as Kubernetes' own clients, between five and ten minutes, so that not all come back at once. */
const MIN_WATCH_S = 300;
/** Longer than the server was asked to keep it, a connection is dead. */
const GRACE_MS = 30_000;
/** Bookmarks come once a minute: a connection without a byte for so long is dead too, whatever TCP believes. */
const SILENCE_MS = 150_000;

/** Statuses: too old; no such kind any more; newer than the server. */
export const EXPIRED: readonly number[] = [410, 404, 504];

export interface WatchEvent {
  readonly kind: "put" | "delete";
  readonly object: Json;
}

/** Why a connection ended. `expired`: the version is too old, or nothing can be trusted: list again. */
export type WatchEnd =
  | { readonly kind: "ended" }
  | { readonly kind: "expired"; readonly reason: string }
  | { readonly kind: "failed"; readonly reason: string };

export interface WatchHandlers {
  readonly opened: () => void;
  readonly event: (event: WatchEvent) => void;
  /** All up to here has been seen. */
  readonly version: (version: string) => void;
}

/** Watches until the connection ends. Never rejects. */
export async function watchOnce(
  api: KubernetesApi,
  path: string,
  version: string,
  { opened, event, version: seen }: WatchHandlers,
  signal: AbortSignal,
  random: () => number,
): Promise<WatchEnd> {
  const seconds = Math.round(MIN_WATCH_S * (1 + random()));
  const ended = new AbortController();
  const limit = AbortSignal.timeout(seconds * 1_000 + GRACE_MS);
  let end: WatchEnd | undefined;
  let last = version;
  const silence = setTimeout(() => finish({ kind: "ended" }), SILENCE_MS).unref();
  const finish = (how: WatchEnd) => {
    end ??= how;
    ended.abort();
  };
  const lines = new LineReader(
    MAX_LINE_BYTES,
    (line) => {
      if (end === undefined) readLine(line);
    },
    () => finish({ kind: "expired", reason: `a line is longer than ${MAX_LINE_BYTES} bytes` }),
  );
  const readLine = (line: string): void => {
    const read = readEvent(line);
    if (read.kind === "expired" || read.kind === "failed") {
      finish(read);
      return;
    }
    if (Number(read.version) < Number(last)) {
      finish({ kind: "expired", reason: `the server's version went back to ${read.version}` });
      return;
    }
    last = read.version;
    if (read.kind !== "bookmark") event({ kind: read.kind, object: read.object });
    seen(read.version);
  };
  const query = `watch=true&allowWatchBookmarks=true&timeoutSeconds=${seconds}&resourceVersion=${encodeURIComponent(version)}`;
  try {
    const any = AbortSignal.any([signal, ended.signal, limit]);
    await api.stream({ path: `${path}?${query}`, signal: any }, opened, (chunk) => {
      silence.refresh();
      lines.push(chunk);
    });
    return end ?? { kind: "ended" };
  } catch (error) {
    if (end !== undefined) return end;
    if (limit.aborted) return { kind: "ended" };
    if (error instanceof ApiError && EXPIRED.includes(error.status)) {
      return { kind: "expired", reason: error.message };
    }
    return { kind: "failed", reason: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(silence);
  }
}

type Read =
  | { readonly kind: "put" | "delete" | "bookmark"; readonly object: Json; readonly version: string }
  | Exclude<WatchEnd, { kind: "ended" }>;

const KINDS: Readonly<Record<string, "put" | "delete" | "bookmark">> = {
  ADDED: "put",
  MODIFIED: "put",
  DELETED: "delete",
  BOOKMARK: "bookmark",
};

function readEvent(line: string): Read {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { kind: "expired", reason: "a line is no JSON" };
  }
  const object = isMap(value) ? value["object"] : undefined;
  if (!isMap(value) || !isMap(object)) return { kind: "expired", reason: "a line is no event" };
  if (value["type"] === "ERROR") {
    const reason = textOf(object["message"])?.slice(0, 300) ?? "an error without a message";
    return { kind: EXPIRED.includes(Number(object["code"])) ? "expired" : "failed", reason };
  }
  const kind = KINDS[String(value["type"])];
  const version = textOf(metadataOf(object)["resourceVersion"]);
  if (kind === undefined || version === undefined) return { kind: "expired", reason: "a line is no event" };
  return { kind, object, version };
}
