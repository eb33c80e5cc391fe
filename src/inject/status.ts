/**
 * The annotation `weft.dev/status`: which Weft has injected a pod, and what of it was not there before. With it, and with the
 * table of probes in the sidecar's environment, the original can be given back.
 */
import type { Pod } from "./pod.ts";
import { SIDECAR_CONTAINER, STATUS_ANNOTATION } from "./pod.ts";
import type { AppProbes } from "./probes.ts";
import { isRecord } from "./shape.ts";
import { fromLiteral } from "./sidecar.ts";

export interface Status {
  readonly version: string;
  /** Of what was added: another one means that an injection would do something else today. */
  readonly hash: string;
  readonly volumes: readonly string[];
  /** Annotations that were set: what stood there before; null: nothing. */
  readonly annotations: Readonly<Record<string, string | null>>;
  /** Lists and maps that did not exist, or were null. */
  readonly made: { readonly [N in Made]?: "absent" | "null" };
}

export type Made = "metadata" | "annotations" | "initContainers" | "volumes";

/** Undefined where the pod has not been injected; a text where its annotation can't be read. */
export function readStatus(pod: Pod): Status | string | undefined {
  const text = pod.metadata?.annotations?.[STATUS_ANNOTATION];
  if (text === undefined) return undefined;
  const broken = `the annotation ${STATUS_ANNOTATION} is not one that Weft has written`;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return broken;
  }
  if (!isRecord(value)) return broken;
  const { version, hash, volumes, annotations, made } = value;
  const isGood =
    typeof version === "string" &&
    typeof hash === "string" &&
    isTexts(volumes) &&
    isRecord(made) &&
    isRecord(annotations) &&
    Object.values(annotations).every((item) => item === null || typeof item === "string");
  return isGood ? (value as unknown as Status) : broken;
}

/** The table that the pod's sidecar was given. */
export function probesOf(pod: Pod): AppProbes {
  const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  const sidecar = all.find(({ name }) => name === SIDECAR_CONTAINER);
  const text = sidecar?.env?.find(({ name }) => name === "WEFT_APP_PROBES")?.value;
  try {
    const value: unknown = text === undefined ? {} : JSON.parse(fromLiteral(text));
    return isRecord(value) ? (value as AppProbes) : {};
  } catch {
    return {};
  }
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
