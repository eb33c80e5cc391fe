/** The smallest resources that a sidecar serves from. */
import type { ListenerResource } from "../../src/discovery/listener.ts";
import type { Resource } from "../../src/discovery/messages.ts";
import { endpointsAt, LIMITS } from "../harness/discovered.ts";

const LOCAL = { workload: "web", namespace: "default", app: "web", version: "v1", principal: "" };

/** Both listeners; `appPort` takes what comes in. */
export function listeners(appPort: number): ListenerResource[] {
  return [
    {
      name: "outbound",
      local: LOCAL,
      limits: LIMITS,
      outboundPolicy: "REGISTRY_ONLY",
      clusterDomain: "cluster.local",
      discoveryTimeoutMs: 1_000,
      metricPrefix: "istio",
    },
    {
      name: "inbound",
      local: LOCAL,
      limits: LIMITS,
      metricPrefix: "istio",
      ports: [
        { service: { name: "web", namespace: "default" }, servicePort: 80, appPort, protocol: "http1" },
      ],
      connectTimeoutMs: 2_000,
    },
  ];
}

/** Route, cluster and endpoints of `<service>.default:80`, all requests to `ports` on loopback. */
export function service(
  name: string,
  ports: readonly number[],
): {
  readonly name: string;
  readonly route: Resource;
  readonly cluster: Resource;
  readonly endpoints: Resource;
} {
  const full = `${name}.default:80`;
  const ref = { name, namespace: "default" };
  return {
    name: full,
    route: {
      name: full,
      service: ref,
      port: 80,
      matches: [{ rule: 0, source: "default" }],
      rules: [{ name: "default", action: { kind: "forward", backends: [{ cluster: full, weight: 1 }] } }],
    },
    cluster: {
      name: full,
      service: ref,
      port: 80,
      protocol: "http1",
      loadBalancer: "leastRequest",
      connectTimeoutMs: 2_000,
      poolIdleTimeoutMs: 3_600_000,
    },
    endpoints: {
      name: full,
      endpoints: endpointsAt(name, ports),
    },
  };
}
