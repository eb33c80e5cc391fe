/**
 * JSON pointers (RFC 6901) to what may differ, with `*` for any element or member, as a tree that is walked along with the values:
 * a rule costs something only where its beginning leads.
 */
export interface IgnoreNode {
  readonly children: Map<string, IgnoreNode>;
  /** Under `*`. */
  any: IgnoreNode | null;
  /** A rule ends here: this and all below it is ignored. */
  isEnd: boolean;
}

/** Rules that may still hold below some place; null: the place itself is ignored. */
export type IgnoreState = readonly IgnoreNode[];

const NONE: IgnoreState = [];

export function ignoreRules(pointers: readonly string[]): IgnoreState {
  if (pointers.length === 0) return NONE;
  const root = node();
  for (const pointer of pointers) {
    let at = root;
    for (const segment of pointer.split("/").slice(1)) at = below(at, segment);
    at.isEnd = true;
  }
  return [root];
}

/** One step down, to the element or member `key`; null: it is ignored. */
export function descend(state: IgnoreState, key: string): IgnoreState | null {
  if (state.length === 0) return state;
  const next: IgnoreNode[] = [];
  for (const { children, any } of state) {
    for (const found of [children.get(key), any]) {
      if (found === undefined || found === null) continue;
      if (found.isEnd) return null;
      next.push(found);
    }
  }
  return next.length === 0 ? NONE : next;
}

function node(): IgnoreNode {
  return { children: new Map(), any: null, isEnd: false };
}

function below(at: IgnoreNode, segment: string): IgnoreNode {
  if (segment === "*") {
    at.any ??= node();
    return at.any;
  }
  const key = segment.replaceAll("~1", "/").replaceAll("~0", "~");
  const found = at.children.get(key) ?? node();
  at.children.set(key, found);
  return found;
}
