/** RFC 6902, as the API server applies what the webhook answers: `add`, `replace` and `remove`, each of what is there. */

interface Step {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

/** Throws where an operation's place is not as it must be. */
export function applyJsonPatch(value: unknown, patch: readonly object[]): unknown {
  const document: unknown = JSON.parse(JSON.stringify(value));
  for (const { op, path, value: given } of patch as readonly Step[]) {
    const parts = path
      .split("/")
      .slice(1)
      .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = parts.pop()!;
    const parent = parts.reduce<unknown>((at, part) => {
      if (typeof at !== "object" || at === null || !Object.hasOwn(at, part))
        throw new Error(`${path}: no ${part}`);
      return (at as Record<string, unknown>)[part];
    }, document);
    if (Array.isArray(parent)) changeList(parent, op, Number(last), given, path);
    else if (typeof parent === "object" && parent !== null) changeMap(parent, op, last, given, path);
    else throw new Error(`${path}: no list or map`);
  }
  return document;
}

function changeList(list: unknown[], op: string, index: number, value: unknown, path: string): void {
  const isThere = Number.isInteger(index) && index >= 0 && index < list.length + (op === "add" ? 1 : 0);
  if (!isThere) throw new Error(`${path}: out of range`);
  list.splice(index, op === "add" ? 0 : 1, ...(op === "remove" ? [] : [structuredClone(value)]));
}

function changeMap(map: object, op: string, key: string, value: unknown, path: string): void {
  if (op !== "add" && !Object.hasOwn(map, key)) throw new Error(`${path}: not there`);
  if (op === "remove") delete (map as Record<string, unknown>)[key];
  else (map as Record<string, unknown>)[key] = structuredClone(value);
}
