/**
 * All objects of a kind, page by page, so that the raw ones of a whole cluster are never in memory at once. A page that is too
 * large to be taken is asked for again with half as many objects.
 */
import { ApiError, type KubernetesApi, TooLargeError } from "./api.ts";
import { isMap, metadataOf, textOf } from "./object.ts";

const PAGE = 200;
const MAX_PAGE_BYTES = 64 * 1_048_576;

/** `kind` of an end: listed as of `version` or later, or there is no such kind in this cluster. */
export type Listed = { readonly kind: "listed"; readonly version: string } | { readonly kind: "unknown" };

/** Gives each object to `take`. Rejects as `send` does; with status 410 what was taken is of no use. */
export async function listAll(
  api: KubernetesApi,
  path: string,
  signal: AbortSignal,
  take: (object: Readonly<Record<string, unknown>>) => void,
): Promise<Listed> {
  let limit = PAGE;
  let next = "";
  let version: string | undefined;
  for (;;) {
    const more = next === "" ? "" : `&continue=${encodeURIComponent(next)}`;
    let page: unknown;
    try {
      const request = { path: `${path}?limit=${limit}${more}`, maxBytes: MAX_PAGE_BYTES, signal };
      page = await api.send(request);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404 && next === "") return { kind: "unknown" };
      if (!(error instanceof TooLargeError) || limit === 1) throw error;
      limit = Math.ceil(limit / 2);
      continue;
    }
    const items = isMap(page) ? page["items"] : undefined;
    // Go writes an empty list as null.
    if (!isMap(page) || (!Array.isArray(items) && items !== null)) throw new Error("the answer is no list");
    for (const item of items ?? []) if (isMap(item)) take(item);
    const { resourceVersion, continue: token } = metadataOf(page);
    // What a later page has that is newer comes again with the watch, and what has changed meanwhile on an earlier one, too.
    version ??= textOf(resourceVersion);
    if (typeof token === "string" && token !== "") {
      next = token;
      continue;
    }
    if (version === undefined) throw new Error("the list has no resourceVersion");
    return { kind: "listed", version };
  }
}

/**
 * Whether the server is at an earlier version than `version`, which it gave itself: it has come back from a backup. It says nothing of it
 * to a watch from there, and sends no event until it has come as far again.
 */
export async function hasGoneBack(
  api: KubernetesApi,
  path: string,
  version: string,
  signal: AbortSignal,
): Promise<boolean> {
  const list = await api.send({ path: `${path}?limit=1`, maxBytes: MAX_PAGE_BYTES, signal });
  const { resourceVersion } = isMap(list) ? metadataOf(list) : {};
  return !(Number(resourceVersion) >= Number(version));
}
