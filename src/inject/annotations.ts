/**
 * The annotations of a pod that change how it is injected: one table gives the parser, the check and the reference
 * (`docs/guide/kubernetes.md`). All that is wrong is said at once, with what would be right.
 */
import type { Path, Problem } from "../resources/problem.ts";
import { show } from "../resources/problem.ts";
import { closest } from "../resources/suggest.ts";
import { INJECT_KEY, type Metadata, STATUS_ANNOTATION } from "./pod.ts";
import {
  CIDRS,
  CIDRS_OR_ALL,
  DURATIONS,
  IMAGES,
  oneOf,
  PORT,
  PORTS,
  PORTS_OR_ALL,
  QUANTITIES,
  TRUTH,
  type ValueKind,
  wholeNumber,
} from "./values.ts";

export const PREFIX = "weft.dev/";

interface AnnotationSpec<T> extends ValueKind<T> {
  readonly about: string;
}

function as<T>(kind: ValueKind<T>, about: string): AnnotationSpec<T> {
  return { ...kind, about };
}

/** By what follows `weft.dev/`. */
export const ANNOTATIONS = {
  inject: as(TRUTH, "false: the pod stays as it is; also a label, which wins"),
  image: as(IMAGES, "the sidecar's and weft-init's"),
  "image-pull-policy": as(oneOf("Always", "IfNotPresent", "Never"), "of both"),
  "native-sidecar": as(TRUTH, "whether the sidecar is a native one, or a container like others"),
  "hold-application": as(TRUTH, "classic form: containers start when the sidecar is ready; default true"),
  "log-level": as(oneOf("info", "warn", "error"), "least that the sidecar logs"),
  concurrency: as(wholeNumber(1, 64), "traffic loops, each a thread"),
  "outbound-scope": as(oneOf("lazy", "all"), "when the sidecar learns of services"),
  cpu: as(QUANTITIES, "request of the sidecar and of weft-init"),
  "cpu-limit": as(QUANTITIES, "limit of the sidecar and of weft-init"),
  memory: as(QUANTITIES, "request of the sidecar and of weft-init"),
  "memory-limit": as(QUANTITIES, "limit of the sidecar and of weft-init"),
  "outbound-port": as(PORT, "where outbound traffic is taken"),
  "inbound-port": as(PORT, "where inbound traffic is taken"),
  "admin-port": as(PORT, "admin, on loopback"),
  "telemetry-port": as(PORT, "metrics, health and the application's probes"),
  "redirect-dns": as(TRUTH, "whether the sidecar answers questions about names; default false"),
  "dns-port": as(PORT, "where it answers them, on loopback"),
  "include-inbound-ports": as(PORTS_OR_ALL, "only these are taken"),
  "exclude-inbound-ports": as(PORTS, "these are not taken"),
  "include-outbound-ports": as(PORTS, "these are taken whatever the address"),
  "exclude-outbound-ports": as(PORTS, "these are not taken"),
  "include-outbound-ip-ranges": as(CIDRS_OR_ALL, "only what goes there is taken"),
  "exclude-outbound-ip-ranges": as(CIDRS, "what goes there is not taken"),
  "rewrite-probes": as(TRUTH, "whether the kubelet's probes and hooks go through the sidecar; default true"),
  "merge-metrics": as(
    TRUTH,
    "whether the application's metrics are scraped through the sidecar; default true",
  ),
  "drain-grace": as(DURATIONS, "after SIGTERM, new connections are served this long"),
  "drain-timeout": as(DURATIONS, "after SIGTERM, the sidecar ends at the latest"),
} as const satisfies Readonly<Record<string, AnnotationSpec<unknown>>>;

type Name = keyof typeof ANNOTATIONS;
type ValueOf<N extends Name> = (typeof ANNOTATIONS)[N] extends AnnotationSpec<infer T> ? T : never;

/** What a pod's annotations say; absent ones are left out. */
export type Wishes = { readonly [N in Name]?: ValueOf<N> };

export interface Read {
  readonly wishes: Wishes;
  /** Those with `severity: "warning"` refuse nothing. */
  readonly problems: readonly Problem[];
}

/** Reads a pod's annotations and its `weft.dev/inject` label. `path`: of the pod in its document. */
export function readAnnotations(metadata: Metadata | undefined, path: Path): Read {
  const wishes: Record<string, unknown> = {};
  const problems: Problem[] = [];
  const take = (where: "annotations" | "labels", key: string, text: string): void => {
    const name = key.slice(PREFIX.length);
    const spec = Object.hasOwn(ANNOTATIONS, name) ? ANNOTATIONS[name as Name] : undefined;
    const at = [...path, "metadata", where, key];
    const value: unknown = spec?.parse(text);
    if (spec === undefined) problems.push(unknownName(at, key));
    else if (value === undefined) problems.push(wrongValue(at, key, text, spec.expected));
    else wishes[name] = value;
  };
  for (const [key, text] of Object.entries(metadata?.annotations ?? {})) {
    if (key.startsWith(PREFIX) && key !== STATUS_ANNOTATION) take("annotations", key, text);
  }
  const label = metadata?.labels?.[INJECT_KEY];
  if (label !== undefined) take("labels", INJECT_KEY, label);
  return { wishes: wishes as Wishes, problems };
}

function unknownName(path: Path, key: string): Problem {
  const suggestion = closest(
    key,
    Object.keys(ANNOTATIONS).map((name) => PREFIX + name),
  );
  return {
    path,
    severity: "warning",
    at: "key",
    message: `${key} means nothing to injection`,
    found: key,
    expected: "an annotation of docs/guide/kubernetes.md",
    ...(suggestion === undefined ? {} : { suggestion }),
  };
}

function wrongValue(path: Path, key: string, text: string, expected: string): Problem {
  const found = show(text);
  return { path, at: "value", message: `${key} must be ${expected}, found ${found}`, found, expected };
}
