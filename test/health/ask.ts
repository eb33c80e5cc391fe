/** One question to one endpoint by the probes that a sidecar uses, on real sockets. */
import type { HealthProbe } from "../../src/discovery/health-check.ts";
import type { EndpointResource, Protocol } from "../../src/discovery/messages.ts";
import type { Secret } from "../../src/identity/secret.ts";
import type { CheckedCluster } from "../../src/proxy/health/cluster-checks.ts";
import { makeProbe } from "../../src/proxy/health/make-probe.ts";
import type { Target } from "../../src/proxy/health/probe.ts";
import { Reach } from "../../src/proxy/health/reach.ts";

/** A question that has no answer by then counts as hanging. */
const PATIENCE_MS = 10_000;

export const GET: HealthProbe = { kind: "http", path: "/", expectedStatuses: [[200, 299]] };
export const TCP: HealthProbe = { kind: "tcp" };
export const GRPC: HealthProbe = { kind: "grpc", service: "" };

export function clusterOf(probe: HealthProbe, protocol: Protocol = "http1"): CheckedCluster {
  return {
    name: "shop.default:80",
    service: { name: "shop", namespace: "default" },
    port: 80,
    protocol,
    loadBalancer: "leastRequest",
    connectTimeoutMs: 2_000,
    poolIdleTimeoutMs: 60_000,
    healthCheck: { probe, intervalMs: 10_000, timeoutMs: 1_000, unhealthyThreshold: 3, healthyThreshold: 2 },
  };
}

export function endpointAt(port: number, change: Partial<EndpointResource> = {}): EndpointResource {
  return {
    address: "127.0.0.1",
    port,
    weight: 1,
    workload: "shop-0",
    namespace: "default",
    serviceAccount: "shop",
    app: "shop",
    version: "v1",
    ...change,
  };
}

export interface Asker {
  readonly reach: Reach;
  readonly target: Target;
  /** `pass`, `unknown`, `hangs`, or the reason of a failure. */
  ask(): Promise<string>;
}

/** Asks an endpoint again and again, as its check would. */
export function asker(
  cluster: CheckedCluster,
  endpoint: EndpointResource,
  { secret, patienceMs = PATIENCE_MS }: { secret?: Secret; patienceMs?: number } = {},
): Asker {
  const reach = new Reach();
  if (secret !== undefined) reach.setSecret(secret);
  const target: Target = { endpoint, session: null };
  const ask = () =>
    new Promise<string>((resolve) => {
      const end = (text: string) => {
        clearTimeout(timer);
        cancel();
        resolve(text);
      };
      const timer = setTimeout(() => end("hangs"), patienceMs);
      const cancel = makeProbe(reach, cluster)(target, (outcome) =>
        end(outcome.kind === "fail" ? outcome.reason : outcome.kind),
      );
    });
  return { reach, target, ask };
}
