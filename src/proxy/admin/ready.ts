/**
 * Whether traffic should be sent here. Ready means that the listeners are open, that both listener resources and the policy are applied,
 * be it from the control plane or from what an earlier run left, and that there is a valid certificate where there is to
 * be one: without it nobody is served. A drain ends it at once.
 */
import type { Answer, Routes } from "./server.ts";
import { text } from "./server.ts";

export interface Health {
  readonly isListening: boolean;
  readonly isConfigured: boolean;
  readonly isConnected: boolean;
  /** Why the last stream ended; empty where there was none, or one is there. */
  readonly lostBecause: string;
  /** What keeps the sidecar from having a valid certificate; empty where it has one or needs none. */
  readonly certificateFault: string;
  readonly isDraining: boolean;
}

/** Why the sidecar is not ready; undefined when it is. */
export function whyNotReady(health: Health): string | undefined {
  if (health.isDraining) return "draining";
  if (!health.isListening) return "the listeners are not open yet";
  if (health.certificateFault !== "") return `no valid certificate: ${health.certificateFault}`;
  if (health.isConfigured) return undefined;
  if (health.isConnected)
    return "no configuration yet: connected to the control plane, waiting for the listeners and the policy";
  return health.lostBecause === ""
    ? "no configuration yet: the control plane can't be reached, and no earlier run has left any"
    : `no configuration yet: the stream to the control plane ended: ${health.lostBecause}`;
}

export function healthRoutes(health: () => Health): Routes {
  return {
    "/healthz/ready": {
      method: "GET",
      about: "200 when traffic may be sent here, else 503 and why not",
      handle: (): Answer => {
        const reason = whyNotReady(health());
        return reason === undefined ? text(200, "ready") : text(503, `not ready: ${reason}`);
      },
    },
    "/healthz/live": {
      method: "GET",
      about: "200 as long as the control thread turns",
      handle: (): Answer => text(200, "live"),
    },
  };
}
