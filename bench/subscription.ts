/** A sidecar's stream without a sidecar: subscribes, and tells what the control plane sends. */
import { setTimeout as sleep } from "node:timers/promises";
import { DiscoveryClient } from "../src/discovery/client.ts";
import { grpcTransport } from "../src/discovery/grpc-client.ts";
import type { DiscoveryResponse, Node, ResourceType } from "../src/discovery/messages.ts";

const node = (namespace: string): Node => ({
  id: `${namespace}/bench`,
  namespace,
  workload: "bench",
  serviceAccount: "default",
  labels: {},
  address: "127.0.0.1",
  ports: { inbound: 1, outbound: 2, admin: 3, telemetry: 4 },
  version: "0",
});
/** What has arrived together is waited for this long: nothing else may be sent. */
const SILENCE_MS = 20;

export interface Sent {
  /** From the change until its first message, in milliseconds. */
  readonly tookMs: number;
  /** Type and names of each message, joined by `; `. */
  readonly text: string;
  /** Of the first message, as JSON. */
  readonly bytes: number;
}

export interface Subscription {
  /** Makes a change and waits for what it leads to. */
  observe(change: () => void): Promise<Sent>;
  close(): void;
}

/** As a workload of `namespace`. Resolves when each of the resources has arrived. */
export async function subscribe(
  port: number,
  namespace: string,
  names: Partial<Record<ResourceType, readonly string[]>>,
): Promise<Subscription> {
  const responses: DiscoveryResponse[] = [];
  let heard = (): void => {};
  const client = new DiscoveryClient(grpcTransport(`127.0.0.1:${port}`), {
    node: node(namespace),
    versions: () => ({}),
    receive: async (response) => {
      responses.push(response);
      heard();
      return [];
    },
    connectionChanged: () => {},
  });
  let wanted = 0;
  for (const [type, list] of Object.entries(names) as [ResourceType, readonly string[]][]) {
    client.subscribe(type, list);
    wanted += list.length;
  }
  while (responses.reduce((sum, { resources }) => sum + resources.length, 0) < wanted) await sleep(20);
  return {
    observe: async (change) => {
      responses.length = 0;
      const arrived = new Promise<void>((resolve) => {
        heard = resolve;
      });
      const at = performance.now();
      change();
      await arrived;
      const tookMs = performance.now() - at;
      await sleep(SILENCE_MS + Math.random() * 60);
      const text = responses.map(
        ({ type, resources }) => `${type} ${resources.map(({ name }) => name).join()}`,
      );
      return { tookMs, text: text.join("; "), bytes: JSON.stringify(responses[0]).length };
    },
    close: () => client.close(),
  };
}

/** Median, p90, p99 and maximum of milliseconds. */
export function summary(took: readonly number[]): string {
  const sorted = took.toSorted((a, b) => a - b);
  const at = (share: number): string =>
    `${(sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN).toFixed(1)} ms`;
  return `median ${at(0.5)}, p90 ${at(0.9)}, p99 ${at(0.99)}, max ${at(1)}`;
}
