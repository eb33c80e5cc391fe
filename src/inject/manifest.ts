/** Where the pods of a Kubernetes object stand: in itself, in its template, in the items of a list. A compose project is one. */
import type { Path } from "../resources/problem.ts";
import { isCompose } from "./compose.ts";
import { isRecord } from "./shape.ts";

/** Path of the pod template, by kind. */
const TEMPLATES: Readonly<Record<string, Path>> = {
  Pod: [],
  Deployment: ["spec", "template"],
  StatefulSet: ["spec", "template"],
  DaemonSet: ["spec", "template"],
  ReplicaSet: ["spec", "template"],
  ReplicationController: ["spec", "template"],
  Job: ["spec", "template"],
  CronJob: ["spec", "jobTemplate", "spec", "template"],
};
const API_GROUPS = /^(?:v1|apps\/v1|batch\/v1|batch\/v1beta1)$/;
/** A list in a list is nothing that Kubernetes knows. */
const MAX_LISTS = 2;

/** Kind of what is no Kubernetes object. */
export const COMPOSE = "compose";

export interface FoundPod {
  readonly kind: string;
  readonly name: string;
  /** Of the object; undefined where it does not say. */
  readonly namespace: string | undefined;
  /** From the document's root to the pod or template. */
  readonly path: Path;
  readonly value: unknown;
}

/** All pods of a document; none where its kind has none. */
export function podsIn(document: unknown, path: Path = []): readonly FoundPod[] {
  if (!isRecord(document)) return [];
  if (path.length === 0 && isCompose(document)) {
    return [
      {
        kind: COMPOSE,
        name: textOr(document["name"], "project"),
        namespace: undefined,
        path,
        value: document,
      },
    ];
  }
  const { kind, apiVersion, items } = document;
  if (typeof kind !== "string" || typeof apiVersion !== "string" || !API_GROUPS.test(apiVersion)) return [];
  if (kind.endsWith("List") && Array.isArray(items) && path.length < 2 * MAX_LISTS) {
    return items.flatMap((item: unknown, i) => podsIn(item, [...path, "items", i]));
  }
  const template = Object.hasOwn(TEMPLATES, kind) ? TEMPLATES[kind] : undefined;
  if (template === undefined) return [];
  const metadata = isRecord(document["metadata"]) ? document["metadata"] : {};
  return [
    {
      kind,
      name: textOr(metadata["name"], textOr(metadata["generateName"], "?")),
      namespace: typeof metadata["namespace"] === "string" ? metadata["namespace"] : undefined,
      path: [...path, ...template],
      value: valueAt(document, template),
    },
  ];
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, part) => (isRecord(at) ? at[part] : undefined), value);
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === "string" ? value : otherwise;
}
