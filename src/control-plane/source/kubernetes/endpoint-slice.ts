/**
 * What is kept of an EndpointSlice: the Service, its ports, and who is there. Readiness here is what membership is: whoever is
 * not ready is kept for where it runs, and served only where it ends, still answers, and nobody else is left.
 */
import type { Versioned } from "./informer.ts";
import { intern } from "./intern.ts";
import { type Json, mapOf, mapsOf, metadataOf, textOf } from "./object.ts";

const SERVICE = "kubernetes.io/service-name";

export interface SliceEndpoint {
  readonly address: string;
  /** `<namespace>/<name>`; undefined for what is no pod. */
  readonly pod: string | undefined;
  readonly zone: string | undefined;
  readonly isReady: boolean;
  /** It ends, and still takes requests. */
  readonly isDraining: boolean;
}

export interface SliceRecord extends Versioned {
  /** `<namespace>/<name>`. */
  readonly service: string;
  readonly name: string;
  readonly isIpv6: boolean;
  /** Number by name; of the one without a name, by the empty one. */
  readonly ports: Readonly<Record<string, number>>;
  readonly endpoints: readonly SliceEndpoint[];
}

/** Undefined for slices of no Service, and of names instead of addresses. */
export function decodeSlice(object: Json, _key: string, version: string): SliceRecord | undefined {
  const metadata = metadataOf(object);
  const service = textOf(mapOf(metadata["labels"])[SERVICE]);
  const [name, namespace] = [textOf(metadata["name"]), textOf(metadata["namespace"])];
  const family = object["addressType"];
  if (service === undefined || name === undefined || namespace === undefined) return undefined;
  if (family !== "IPv4" && family !== "IPv6") return undefined;
  const endpoints = mapsOf(object["endpoints"]).flatMap((endpoint) => endpointOf(endpoint, namespace));
  return {
    version,
    service: intern(`${namespace}/${service}`),
    name,
    isIpv6: family === "IPv6",
    ports: portsOf(object),
    endpoints,
  };
}

/** Whether two are alike to the compiler. */
export function isSameSlice(a: SliceRecord, b: SliceRecord): boolean {
  return JSON.stringify({ ...a, version: "" }) === JSON.stringify({ ...b, version: "" });
}

function endpointOf(endpoint: Json, namespace: string): readonly SliceEndpoint[] {
  const [address] = Array.isArray(endpoint["addresses"]) ? (endpoint["addresses"] as unknown[]) : [];
  if (typeof address !== "string") return [];
  const target = mapOf(endpoint["targetRef"]);
  const pod = target["kind"] === "Pod" ? textOf(target["name"]) : undefined;
  const zone = textOf(endpoint["zone"]);
  const conditions = mapOf(endpoint["conditions"]);
  // Unknown means ready, as the API says.
  const isReady = conditions["ready"] !== false;
  return [
    {
      address,
      pod: pod === undefined ? undefined : `${namespace}/${pod}`,
      zone: zone === undefined ? undefined : intern(zone),
      isReady,
      isDraining: !isReady && conditions["serving"] === true && conditions["terminating"] === true,
    },
  ];
}

function portsOf(object: Json): Readonly<Record<string, number>> {
  const ports: Record<string, number> = {};
  for (const { name, port, protocol } of mapsOf(object["ports"])) {
    if (typeof port !== "number" || (protocol ?? "TCP") !== "TCP") continue;
    ports[intern(textOf(name) ?? "")] = port;
  }
  return ports;
}
