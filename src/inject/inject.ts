/**
 * Pod in, pod and patch out: the one function that `weft inject` and the admission webhook share. It reads no clock, no file and
 * no network, so the same pod and settings always give the same.
 */
import { createHash } from "node:crypto";
import { fieldName, type Path, type Problem } from "../resources/problem.ts";
import { readAnnotations, type Wishes } from "./annotations.ts";
import { conflictsOf } from "./conflicts.ts";
import { whyNot } from "./eligible.ts";
import { mergeMetrics } from "./metrics.ts";
import { makePatch, type Operation } from "./patch.ts";
import {
  type Container,
  INIT_CONTAINER,
  INJECTED_ANNOTATION,
  type Pod,
  SIDECAR_CONTAINER,
  STATUS_ANNOTATION,
  type TextMap,
} from "./pod.ts";
import { type AppProbe, rewriteProbes } from "./probes.ts";
import { DEFAULT_GRACE_SECONDS, type InjectSettings } from "./settings.ts";
import { readPod } from "./shape.ts";
import { initContainer, type Plan, portsOf, sidecarContainer } from "./sidecar.ts";
import { type Made, readStatus, type Status } from "./status.ts";
import { takeOut } from "./uninject.ts";
import { sidecarVolumes } from "./volumes.ts";
import { isNativeSidecar, warningsOf } from "./warnings.ts";

export type Injection =
  /** `replaced`: the version whose sidecar stood there. */
  | {
      readonly kind: "injected";
      readonly pod: Pod;
      readonly patch: readonly Operation[];
      readonly replaced?: string;
      readonly warnings: readonly string[];
    }
  | { readonly kind: "unchanged"; readonly warnings: readonly string[] }
  /** It is not to have a sidecar, or cannot. */
  | { readonly kind: "skipped"; readonly reason: string; readonly warnings: readonly string[] }
  /** What the pod says of its injection is wrong. */
  | { readonly kind: "refused"; readonly problems: readonly Problem[] }
  /** It is no pod. */
  | { readonly kind: "malformed"; readonly problems: readonly Problem[] };

/** Longest value of one environment variable that Linux passes to a program, with a margin for its name. */
const MAX_VARIABLE_BYTES = 130_000;

/** `path`: of the pod in its document, for problems. `namespace`: where the pod goes, if it does not say so itself. */
export function injectPod(
  value: unknown,
  settings: InjectSettings,
  place: { readonly path?: Path; readonly namespace?: string } = {},
): Injection {
  const path = place.path ?? [];
  const read = readPod(value, path);
  if ("problems" in read) return { kind: "malformed", problems: read.problems };
  const { pod } = read;
  const status = readStatus(pod);
  if (typeof status === "string") return { kind: "skipped", reason: status, warnings: [] };
  const original = status === undefined ? pod : takeOut(pod, status);
  const { wishes, problems } = readAnnotations(original.metadata, path);
  const errors = problems.filter(({ severity }) => severity !== "warning");
  if (errors.length > 0) return { kind: "refused", problems: errors };
  const warnings = problems.map(warningText);
  const reason = whyNot(original, wishes, settings, place.namespace);
  if (reason !== undefined) return { kind: "skipped", reason, warnings };
  const conflicts = conflictsOf(original, wishes, path);
  if (conflicts.length > 0) return { kind: "refused", problems: conflicts };
  const made = putIn(original, settings, wishes);
  if (typeof made === "string") {
    const problem = { path: [...path, "spec"], at: "value" as const, message: made, found: "", expected: "" };
    return { kind: "refused", problems: [problem] };
  }
  warnings.push(...made.warnings);
  if (status?.hash === made.hash && status.version === settings.version && hasBoth(pod)) {
    return { kind: "unchanged", warnings };
  }
  const patch = makePatch(pod, made.pod);
  const injected = { kind: "injected" as const, pod: made.pod, patch, warnings };
  return status === undefined ? injected : { ...injected, replaced: status.version };
}

/** `spec.hostNetwork: message`. */
export function problemText({ path, message, suggestion }: Problem): string {
  return `${fieldName(path)}: ${message}${suggestion === undefined ? "" : `; did you mean "${suggestion}"?`}`;
}

function warningText({ message, suggestion }: Problem): string {
  return suggestion === undefined ? message : `${message}; did you mean "${suggestion}"?`;
}

interface PutIn {
  readonly pod: Pod;
  readonly hash: string;
  readonly warnings: readonly string[];
}

/** A text where it cannot be done. */
function putIn(pod: Pod, settings: InjectSettings, wishes: Wishes): PutIn | string {
  const { spec } = pod;
  const metadata = pod.metadata ?? {};
  // A cluster of which pods have native sidecars knows them, and what asks these would ask a classic one that is not there yet.
  const isNative =
    wishes["native-sidecar"] ??
    (settings.form === "native" || spec.initContainers?.some(isNativeSidecar) === true);
  const { telemetry } = portsOf(wishes);
  const table: Record<string, AppProbe> = {};
  const hookSeconds = spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
  const rewrite = (container: Container, into = table) =>
    wishes["rewrite-probes"] === false
      ? container
      : rewriteProbes(container, { port: telemetry, hookSeconds, table: into });
  const containers = spec.containers.map((one) => rewrite(one));
  const initContainers = (spec.initContainers ?? []).map((one) => (isNative ? rewrite(one) : one));
  if (Buffer.byteLength(JSON.stringify(table)) > MAX_VARIABLE_BYTES) {
    return `the probes of its containers take more than ${MAX_VARIABLE_BYTES} bytes; weft.dev/rewrite-probes: "false" leaves them as they are`;
  }
  const annotations = metadata.annotations ?? {};
  const scraping =
    wishes["merge-metrics"] === false ? undefined : mergeMetrics(annotations, containers, telemetry);
  const plan: Plan = { settings, wishes, isNative, pod, probes: table, metrics: scraping?.application };
  const [init, sidecar] = [initContainer(plan), sidecarContainer(plan)];
  const volumes = sidecarVolumes();
  const added = {
    ...scraping?.annotations,
    ...defaultContainer(isNative, annotations, spec.containers),
    [INJECTED_ANNOTATION]: "true",
  };
  const hash = digest([init, sidecar, volumes, added]);
  const status = statusOf(pod, settings, hash, added);
  return {
    hash,
    warnings: [
      ...(scraping?.warning === undefined ? [] : [scraping.warning]),
      ...warningsOf(pod, isNative, (one) => rewrite(one, {}) !== one),
    ],
    pod: {
      ...pod,
      metadata: {
        ...metadata,
        annotations: { ...annotations, ...added, [STATUS_ANNOTATION]: JSON.stringify(status) },
      },
      spec: {
        ...spec,
        // Classic: traffic is taken only when the sidecar is about to come, so earlier init containers have their network.
        initContainers: isNative ? [init, sidecar, ...initContainers] : [...initContainers, init],
        containers: isNative ? containers : [sidecar, ...containers],
        volumes: [...(spec.volumes ?? []), ...volumes],
      },
    },
  };
}

function statusOf(pod: Pod, { version }: InjectSettings, hash: string, added: TextMap): Status {
  const before = pod.metadata?.annotations ?? {};
  const found: Readonly<Record<Made, unknown>> = {
    metadata: pod.metadata,
    annotations: pod.metadata?.annotations,
    initContainers: pod.spec.initContainers,
    volumes: pod.spec.volumes,
  };
  const made = Object.fromEntries(
    Object.entries(found).flatMap(([name, value]) =>
      value === undefined || value === null ? [[name, value === null ? "null" : "absent"]] : [],
    ),
  ) as Status["made"];
  const annotations = Object.fromEntries(Object.keys(added).map((key) => [key, before[key] ?? null]));
  return { version, hash, volumes: sidecarVolumes().map(({ name }) => name), annotations, made };
}

/** With the sidecar first, `kubectl logs` and `exec` would mean it. */
function defaultContainer(
  isNative: boolean,
  annotations: TextMap,
  [first]: readonly Container[],
): Readonly<Record<string, string>> {
  const key = "kubectl.kubernetes.io/default-container";
  return isNative || annotations[key] !== undefined || first === undefined ? {} : { [key]: first.name };
}

/** What the status says may have been taken out by hand. */
function hasBoth({ spec }: Pod): boolean {
  const names = [...(spec.initContainers ?? []), ...spec.containers].map(({ name }) => name);
  return names.includes(INIT_CONTAINER) && names.includes(SIDECAR_CONTAINER);
}

function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);
}
