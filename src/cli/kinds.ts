/**
 * Kinds as people type them: `HTTPRoute`, `httproutes`, `route`; kubectl's short names where it has some.
 */
import { closest } from "../resources/suggest.ts";
import { usageError } from "./exit.ts";

const SHORT_NAMES = {
  Service: ["svc"],
  Workload: ["wl"],
  HTTPRoute: ["route"],
  TCPRoute: [],
  TrafficPolicy: ["tp"],
  RateLimit: ["rl"],
  FaultInjection: ["fi", "fault"],
  PeerAuthentication: ["pa"],
  RequestAuthentication: ["ra", "jwt"],
  AuthorizationPolicy: ["ap", "authz"],
  NetworkPolicy: ["netpol"],
  MeshConfig: ["mesh", "config"],
} as const satisfies Record<string, readonly string[]>;

export type Kind = keyof typeof SHORT_NAMES;

/** All kinds, in the order in which `weft get all` shows them. */
export const KINDS = Object.keys(SHORT_NAMES) as readonly Kind[];

/** The kind that `text` means; a usage error lists them where it means none. */
export function parseKind(text: string): Kind {
  const wanted = text.toLowerCase();
  const names: string[] = [];
  for (const kind of KINDS) {
    const ofKind: readonly string[] = [kind, ...SHORT_NAMES[kind]];
    if (ofKind.some((name) => [name.toLowerCase(), plural(name.toLowerCase())].includes(wanted))) return kind;
    names.push(...ofKind);
  }
  const close = closest(text, names);
  const hint = close === undefined ? "" : `, did you mean "${close}"?`;
  throw usageError(`no kind "${text}"${hint}`, `kinds: ${KINDS.join(", ")}`);
}

/** `kind name` and `kind/name`, as kubectl takes them; both may be absent. */
export function kindAndName(args: readonly string[]): readonly [kind?: string, name?: string] {
  const [first = "", name] = args;
  const slash = first.indexOf("/");
  if (slash < 0) return args.length === 0 ? [] : name === undefined ? [first] : [first, name];
  if (name !== undefined) throw usageError(`either ${first} or a kind and a name`);
  return [first.slice(0, slash), first.slice(slash + 1)];
}

function plural(name: string): string {
  return name.endsWith("y") ? `${name.slice(0, -1)}ies` : `${name}s`;
}
