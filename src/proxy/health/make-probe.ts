/** The probe of a cluster: what its health check asks, by the way on which its endpoints are reached. */
import type { CheckedCluster } from "./cluster-checks.ts";
import { grpcProbe } from "./grpc-probe.ts";
import { byApplication, byStatus, httpProbe } from "./http-probe.ts";
import type { Probe } from "./probe.ts";
import type { Reach } from "./reach.ts";
import { tcpProbe } from "./tcp-probe.ts";

/** For endpoints of all kinds: which way is taken is each endpoint's own. */
export function makeProbe(reach: Reach, cluster: CheckedCluster): Probe {
  const plain = plainProbe(reach, cluster);
  const mutual = mutualProbe(reach, cluster);
  return (target, done) => (target.endpoint.tls === "mutual" ? mutual : plain)(target, done);
}

/** The application is asked directly. */
function plainProbe(reach: Reach, { name, healthCheck: { probe } }: CheckedCluster): Probe {
  switch (probe.kind) {
    case "http":
      return httpProbe(reach.plain, getOf(probe, name));
    case "tcp":
      return tcpProbe(reach.plain);
    case "grpc":
      return grpcProbe(reach.plain, probe.service, name);
  }
}

/** A sidecar is before the application: what is asked must get through it. */
function mutualProbe(reach: Reach, { name, protocol, healthCheck: { probe } }: CheckedCluster): Probe {
  const isOpaque = protocol === "tcp";
  switch (probe.kind) {
    case "http":
      return httpProbe(isOpaque ? reach.tunnel(name) : reach.mutual("http/1.1"), getOf(probe, name));
    case "tcp":
      if (isOpaque) return tcpProbe(reach.tunnel(name));
      return httpProbe(reach.mutual("http/1.1"), {
        method: "OPTIONS",
        path: "*",
        host: name,
        judge: byApplication,
      });
    case "grpc":
      return grpcProbe(isOpaque ? reach.tunnel(name) : reach.mutual("h2"), probe.service, name);
  }
}

function getOf(
  { path, host, expectedStatuses }: Extract<CheckedCluster["healthCheck"]["probe"], { kind: "http" }>,
  cluster: string,
) {
  return { method: "GET", path, host: host ?? cluster, judge: byStatus(expectedStatuses) } as const;
}
