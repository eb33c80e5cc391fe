/** What is told of an endpoint that outlier detection leaves out, or takes back (Envoy's outlier event log). */
import type { Detector } from "./outlier-detection.ts";

export interface Ejection {
  readonly cluster: string;
  /** `address:port`. */
  readonly endpoint: string;
  readonly workload: string;
  readonly namespace: string;
  /** Why, and for how many milliseconds; null: it is back. */
  readonly out: { readonly detector: Detector; readonly ms: number } | null;
}

/** The line of the sidecar's log, without its end. */
export function ejectionLine({ out, ...endpoint }: Ejection, time: Date): string {
  return JSON.stringify({
    level: out === null ? "info" : "warn",
    time: time.toISOString(),
    msg: out === null ? "endpoint back" : "endpoint ejected",
    ...endpoint,
    ...(out !== null && { detector: out.detector, seconds: Math.round(out.ms / 1_000) }),
  });
}
