/**
 * What is kept of a Pod: what the compiler calls a Workload. Pods that have ended, or have no address yet, serve nobody and are
 * not kept. Whether a pod has a sidecar stands on the pod: `weft.dev/injected`, as label or annotation; it is then reached at its own
 * ports, but for those that its annotations keep from being taken.
 */
import type { TakenPorts, WorkloadInput } from "../../compile/inputs.ts";
import type { Versioned } from "./informer.ts";
import { intern, internAll } from "./intern.ts";
import { type Json, mapOf, mapsOf, metadataOf, textOf, textsOf } from "./object.ts";

/** Says `true` on a pod whose traffic a sidecar takes. */
export const INJECTED = "weft.dev/injected";
/** Annotations of injection that say what its sidecar takes (`src/inject/annotations.ts`, which has checked them). */
const INCLUDED = "weft.dev/include-inbound-ports";
const EXCLUDED = "weft.dev/exclude-inbound-ports";
const TELEMETRY = "weft.dev/telemetry-port";
const TELEMETRY_PORT = "15020";
const ZONE = "topology.kubernetes.io/zone";
const ENDED = ["Succeeded", "Failed"];

export interface PodRecord extends WorkloadInput, Versioned {}

export function decodePod(object: Json, _key: string, version: string): PodRecord | undefined {
  const metadata = metadataOf(object);
  const [spec, status] = [mapOf(object["spec"]), mapOf(object["status"])];
  const address = textOf(status["podIP"]);
  const [name, namespace] = [textOf(metadata["name"]), textOf(metadata["namespace"])];
  if (address === undefined || name === undefined || namespace === undefined) return undefined;
  if (ENDED.includes(textOf(status["phase"]) ?? "")) return undefined;
  const labels = textsOf(metadata["labels"]);
  const annotations = mapOf(metadata["annotations"]);
  const injected = labels[INJECTED] ?? textOf(annotations[INJECTED]);
  const zone = labels[ZONE];
  return {
    version,
    metadata: { name, namespace: intern(namespace), labels: internAll(labels) },
    spec: {
      address,
      ports: portsOf(spec),
      ...(injected === "true"
        ? { intercepted: true, takenPorts: takenPortsOf(annotations) }
        : { inboundPort: 0 }),
      serviceAccount: intern(textOf(spec["serviceAccountName"]) ?? "default"),
      zone: zone === undefined ? undefined : intern(zone),
    },
  };
}

/** Whether two are alike to the compiler. */
export function isSamePod(a: PodRecord, b: PodRecord): boolean {
  return JSON.stringify([a.metadata, a.spec]) === JSON.stringify([b.metadata, b.spec]);
}

/** What is the same in all pods of a Deployment, by its text. */
class Shared<T> {
  readonly #known = new Map<string, T>();

  of(key: string, make: () => T): T {
    let value = this.#known.get(key);
    if (value === undefined) {
      value = make();
      if (this.#known.size >= MAX_KNOWN) this.#known.clear();
      this.#known.set(key, value);
    }
    return value;
  }
}

/** There are as many as Deployments. */
const MAX_KNOWN = 10_000;
const sharedPorts = new Shared<Readonly<Record<string, number>>>();
const sharedTaken = new Shared<TakenPorts>();

function takenPortsOf(annotations: Json): TakenPorts {
  const included = textOf(annotations[INCLUDED]) ?? "*";
  const excluded = textOf(annotations[EXCLUDED]) ?? "";
  const telemetry = textOf(annotations[TELEMETRY]) ?? TELEMETRY_PORT;
  return sharedTaken.of(`${included} ${excluded} ${telemetry}`, () => {
    const except = numbersOf(`${telemetry},${excluded}`);
    return included === "*" ? { except } : { only: numbersOf(included), except };
  });
}

function numbersOf(list: string): readonly number[] {
  return list
    .split(",")
    .map(Number)
    .filter((port) => port > 0);
}

function portsOf(spec: Json): Readonly<Record<string, number>> {
  const ports: Record<string, number> = {};
  // A sidecar of the cluster's own kind is an init container that goes on.
  for (const container of [...mapsOf(spec["initContainers"]), ...mapsOf(spec["containers"])]) {
    for (const { name, containerPort, protocol } of mapsOf(container["ports"])) {
      if (typeof name !== "string" || typeof containerPort !== "number") continue;
      if (protocol === undefined || protocol === "TCP") ports[intern(name)] = containerPort;
    }
  }
  return sharedPorts.of(JSON.stringify(ports), () => ports);
}
