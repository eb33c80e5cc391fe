/**
 * What is kept of a Pod: what the compiler calls a Workload. Pods that have ended, or have no address yet, serve nobody and are
 * not kept. Whether a pod has a sidecar stands on the pod: `weft.dev/injected`, as label or annotation.
 */
import type { WorkloadInput } from "../../compile/inputs.ts";
import type { Versioned } from "./informer.ts";
import { intern, internAll } from "./intern.ts";
import { type Json, mapOf, mapsOf, metadataOf, textOf, textsOf } from "./object.ts";

/** Says `true` on a pod whose traffic a sidecar takes. */
export const INJECTED = "weft.dev/injected";
/** Where such a sidecar takes what others send. */
const INBOUND_PORT = 15_006;
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
  const injected = labels[INJECTED] ?? textOf(mapOf(metadata["annotations"])[INJECTED]);
  const zone = labels[ZONE];
  return {
    version,
    metadata: { name, namespace: intern(namespace), labels: internAll(labels) },
    spec: {
      address,
      ports: portsOf(spec),
      inboundPort: injected === "true" ? INBOUND_PORT : 0,
      serviceAccount: intern(textOf(spec["serviceAccountName"]) ?? "default"),
      zone: zone === undefined ? undefined : intern(zone),
    },
  };
}

/** Whether two are alike to the compiler. */
export function isSamePod(a: PodRecord, b: PodRecord): boolean {
  return JSON.stringify([a.metadata, a.spec]) === JSON.stringify([b.metadata, b.spec]);
}

const known = new Map<string, Readonly<Record<string, number>>>();
/** Different sets of ports that are shared; there are as many as Deployments. */
const MAX_KNOWN = 10_000;

function portsOf(spec: Json): Readonly<Record<string, number>> {
  const ports: Record<string, number> = {};
  // A sidecar of the cluster's own kind is an init container that goes on.
  for (const container of [...mapsOf(spec["initContainers"]), ...mapsOf(spec["containers"])]) {
    for (const { name, containerPort, protocol } of mapsOf(container["ports"])) {
      if (typeof name !== "string" || typeof containerPort !== "number") continue;
      if (protocol === undefined || protocol === "TCP") ports[intern(name)] = containerPort;
    }
  }
  const key = JSON.stringify(ports);
  const same = known.get(key);
  if (same !== undefined) return same;
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(key, ports);
  return ports;
}
