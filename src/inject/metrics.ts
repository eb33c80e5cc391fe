/**
 * Prometheus finds pods by their `prometheus.io/…` annotations. Under mutual TLS it could not read the application's own port,
 * so they are pointed to the sidecar, which answers with its own metrics and the application's.
 */
import type { Container, TextMap } from "./pod.ts";

export interface Scraping {
  /** Annotations that take the place of those of the same name. */
  readonly annotations: TextMap;
  /** URL of the application's own metrics, for the sidecar. */
  readonly application?: string;
  readonly warning?: string;
}

const KEYS = {
  scrape: "prometheus.io/scrape",
  port: "prometheus.io/port",
  path: "prometheus.io/path",
  scheme: "prometheus.io/scheme",
} as const;
const PATH = "/metrics";

/** Undefined where the pod does not want to be scraped. `telemetryPort`: the sidecar's. */
export function mergeMetrics(
  annotations: TextMap,
  containers: readonly Container[],
  telemetryPort: number,
): Scraping | undefined {
  const scrape = annotations[KEYS.scrape];
  if (scrape !== undefined && scrape !== "true") return undefined;
  const own: Record<string, string> = {
    [KEYS.scrape]: "true",
    [KEYS.port]: String(telemetryPort),
    [KEYS.path]: PATH,
  };
  if (annotations[KEYS.scheme] !== undefined) own[KEYS.scheme] = "http";
  if (scrape === undefined) return { annotations: own };
  const declared = containers.flatMap(({ ports }) => ports ?? []).at(0)?.containerPort;
  const port = annotations[KEYS.port] ?? (declared === undefined ? "" : String(declared));
  // It names the sidecar already, which would ask itself for ever.
  if (port === String(telemetryPort)) return { annotations: own };
  const path = annotations[KEYS.path] ?? PATH;
  const scheme = annotations[KEYS.scheme] ?? "http";
  const url =
    /^\d{1,5}$/.test(port) && /^https?$/.test(scheme) && path.startsWith("/")
      ? URL.parse(`${scheme}://127.0.0.1:${port}${path}`)
      : null;
  if (url !== null && url.pathname + url.search === path) return { annotations: own, application: url.href };
  const warning =
    "the prometheus.io annotations name no metrics of the application that could be read; they stay as they are";
  return { annotations: {}, warning };
}
