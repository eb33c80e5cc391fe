/** A whole sidecar in this process, on free ports of loopback: real listeners and traffic loops, of workload `default/web`. */
import { expect } from "vitest";
import { type Sidecar, startSidecar } from "../../src/proxy/sidecar.ts";
import type { SidecarOptions } from "../../src/proxy/sidecar-options.ts";

export interface TestSidecarOptions extends Partial<Omit<SidecarOptions, "node">> {
  readonly connect: SidecarOptions["connect"];
  readonly workload?: string;
}

/** Resolves when its ports are open; it may not be ready. Whoever starts it closes it. */
export function startTestSidecar({ workload = "web", ...options }: TestSidecarOptions): Promise<Sidecar> {
  return startSidecar({
    node: {
      id: `default/${workload}`,
      namespace: "default",
      workload,
      serviceAccount: "default",
      labels: {},
      address: "127.0.0.1",
      version: "test",
    },
    host: "127.0.0.1",
    ports: { outbound: 0, inbound: 0, admin: 0, telemetry: 0 },
    concurrency: 1,
    outboundScope: "lazy",
    drainGraceMs: 50,
    drainTimeoutMs: 2_000,
    youngGenerationMb: 8,
    warn: () => {},
    onFailure: (message) => expect.fail(message),
    onDrainRequested: () => {},
    ...options,
  });
}
