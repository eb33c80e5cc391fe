/** Gives the pod back as it was before its injection, with what has been changed in the rest since. */
import type { Path, Problem } from "../resources/problem.ts";
import { makePatch, type Operation } from "./patch.ts";
import {
  type Container,
  INIT_CONTAINER,
  type Metadata,
  type Pod,
  type PodSpec,
  SIDECAR_CONTAINER,
  STATUS_ANNOTATION,
} from "./pod.ts";
import { restoreProbes } from "./probes.ts";
import { readPod } from "./shape.ts";
import { type Made, probesOf, readStatus, type Status } from "./status.ts";

export type Uninjection =
  | { readonly kind: "restored"; readonly pod: Pod; readonly patch: readonly Operation[] }
  /** It has no sidecar of Weft's. */
  | { readonly kind: "unchanged" }
  | { readonly kind: "skipped"; readonly reason: string }
  | { readonly kind: "malformed"; readonly problems: readonly Problem[] };

/** `path`: of the pod in its document, for problems. */
export function uninjectPod(value: unknown, path: Path = []): Uninjection {
  const read = readPod(value, path);
  if ("problems" in read) return { kind: "malformed", problems: read.problems };
  const status = readStatus(read.pod);
  if (status === undefined) return { kind: "unchanged" };
  if (typeof status === "string") return { kind: "skipped", reason: status };
  const pod = takeOut(read.pod, status);
  return { kind: "restored", pod, patch: makePatch(read.pod, pod) };
}

export function takeOut(pod: Pod, status: Status): Pod {
  const metadata = metadataOf(pod.metadata ?? {}, status);
  return { ...withField(pod, "metadata", metadata), spec: specOf(pod, status) };
}

function metadataOf(metadata: Metadata, status: Status): Metadata | null | undefined {
  const annotations = Object.fromEntries(
    Object.entries(metadata.annotations ?? {}).flatMap(([key, value]) => {
      if (key === STATUS_ANNOTATION) return [];
      const before = Object.hasOwn(status.annotations, key) ? status.annotations[key] : undefined;
      return before === null ? [] : [[key, before ?? value]];
    }),
  );
  const isBare = Object.keys(annotations).length === 0;
  const original = withField(
    metadata,
    "annotations",
    isBare ? bare(status, "annotations", annotations) : annotations,
  );
  return Object.keys(original).length === 0 ? bare(status, "metadata", original) : original;
}

function specOf(pod: Pod, status: Status): PodSpec {
  const { spec } = pod;
  const table = probesOf(pod);
  const own = (containers: readonly Container[]) =>
    containers
      .filter(({ name }) => name !== INIT_CONTAINER && name !== SIDECAR_CONTAINER)
      .map((container) => restoreProbes(container, table));
  const initContainers = own(spec.initContainers ?? []);
  const volumes = (spec.volumes ?? []).filter(({ name }) => !status.volumes.includes(name));
  const kept = <T>(list: readonly T[], name: Made) => (list.length === 0 ? bare(status, name, list) : list);
  let original: PodSpec = { ...spec, containers: own(spec.containers) };
  original = withField(original, "initContainers", kept(initContainers, "initContainers"));
  return withField(original, "volumes", kept(volumes, "volumes"));
}

/** What an empty list or map was before: itself, nothing, or null. */
function bare<T>({ made }: Status, name: Made, empty: T): T | null | undefined {
  const before = made[name];
  return before === undefined ? empty : before === "null" ? null : undefined;
}

/** In its place; `undefined` takes it out. */
function withField<T extends object, K extends keyof T>(
  target: T,
  key: K,
  value: T[K] | null | undefined,
): T {
  if (value !== undefined) return { ...target, [key]: value };
  const { [key]: _, ...rest } = target;
  return rest as T;
}
