/**
 * Changes to a head that a rule asks for, prepared when the configuration arrives: names in lower case to leave out, whole
 * lines to put in. Applied by the codecs (http1/head-edit.ts).
 */
export interface HeadEdit {
  /** Names in lower case; `set` removes before it adds. */
  readonly remove: readonly Buffer[];
  /** Complete field lines, each with its CRLF. */
  readonly add: Buffer;
  /** Replaces Host. */
  readonly host: Buffer | null;
  readonly path: PathEdit | null;
  /** By how many bytes a head may grow at most. */
  readonly growth: number;
}

export interface PathEdit {
  /** Bytes of the path that `value` replaces: a matched prefix's length, or -1 for the whole path. */
  readonly prefixLength: number;
  readonly value: Buffer;
}

/** Where the path of `buf[start, end)` ends and its query begins. */
export function pathEnd(buf: Uint8Array, start: number, end: number): number {
  let i = start;
  while (i < end && buf[i] !== 63) i++;
  return i;
}

/**
 * The path after an edit, query included (Gateway API HTTPPathModifier): replacing the prefix `/a` of `/a/b` by `/x` gives `/x/b`,
 * by `/` gives `/b`, and of `/a` alone by `` gives `/`. The `*` of OPTIONS is no path and stays.
 */
export function editedPath(edit: PathEdit, path: string): string {
  if (path === "*") return path;
  const query = path.indexOf("?");
  const bare = query < 0 ? path : path.slice(0, query);
  const rest = query < 0 ? "" : path.slice(query);
  const value = edit.value.toString("latin1");
  if (edit.prefixLength < 0) return value + rest;
  const tail = bare.slice(edit.prefixLength);
  const joined =
    value.endsWith("/") && tail.startsWith("/")
      ? value + tail.slice(1)
      : value !== "" && !value.endsWith("/") && tail !== "" && !tail.startsWith("/")
        ? `${value}/${tail}`
        : value + tail;
  return (joined.startsWith("/") ? joined : `/${joined}`) + rest;
}
