/**
 * The kubelet's probes and hooks, which injection has pointed to the telemetry port (`/app-health/web/livez`, as Istio's): each
 * is asked of the application on loopback, where the sidecar's own connections are not taken, and answered with what it says.
 * The table comes from the pod's own manifest; whoever asks chooses nothing but one of its paths.
 */
import type { AppProbe, AppProbes } from "./app-probe-table.ts";
import { askGrpc, askHttp, askTcp } from "./app-question.ts";
import type { Routes } from "./server.ts";

/** A page for each probe. */
export function appProbeRoutes(probes: AppProbes): Routes {
  return Object.fromEntries(
    Object.entries(probes).map(([path, probe]) => [
      path,
      {
        method: "GET" as const,
        about: `asks the application on port ${probe.port}`,
        handle: (_query: URLSearchParams, { headers }: { readonly headers: Asker }) => ask(probe, headers),
      },
    ]),
  );
}

/** Headers of the kubelet's own request. */
type Asker = Readonly<Record<string, string | string[] | undefined>>;

function ask(probe: AppProbe, asker: Asker) {
  const { httpGet, grpc, port } = probe;
  const timeoutMs = probe.timeoutSeconds * 1_000;
  if (httpGet !== undefined) return askHttp(httpGet, { port, timeoutMs, asker });
  return grpc === undefined ? askTcp(port, timeoutMs) : askGrpc(grpc.service ?? "", port, timeoutMs);
}
