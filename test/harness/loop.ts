/** A real traffic loop in its worker thread, configured by messages as the control thread would. */
import { Worker } from "node:worker_threads";
import type { OutboundListenerResource } from "../../src/discovery/listener.ts";
import type { PolicyResource } from "../../src/discovery/policy.ts";
import type { RouteMatch, RouteRule } from "../../src/discovery/route.ts";
import type {
  Change,
  FromLoop,
  LoopStart,
  SeriesInfo,
  ToLoop,
} from "../../src/proxy/snapshot/loop-protocol.ts";
import { endpointsAt, LIMITS } from "./discovered.ts";
import { OPEN } from "./policy.ts";

export interface RunningLoop {
  readonly outboundPort: number;
  readonly inboundPort: number;
  readonly messages: FromLoop[];
  apply(changes: readonly Change[]): Promise<void>;
  send(message: ToLoop): void;
  next<K extends FromLoop["kind"]>(kind: K): Promise<Extract<FromLoop, { kind: K }>>;
  /** Value of the first slot of the series with this name whose labels hold these. */
  read(name: string, labels: Readonly<Record<string, string>>, slot?: number): number;
  close(): Promise<void>;
}

/** With the policy of a workload that nobody protects, unless another one is given; null: it is not told any. */
export async function startLoop(
  options: Partial<LoopStart> = {},
  policy: PolicyResource | null = OPEN,
): Promise<RunningLoop> {
  const listen = { host: "127.0.0.1", port: 0, reusePort: false };
  const workerData: LoopStart = {
    index: 0,
    outbound: listen,
    inbound: listen,
    ownPorts: [],
    outboundScope: "lazy",
    ...options,
  };
  const worker = new Worker(new URL("../../src/proxy/loop.ts", import.meta.url), { workerData });
  const messages: FromLoop[] = [];
  const pages: Float64Array[] = [];
  const series: SeriesInfo[] = [];
  const waiting = new Set<() => void>();
  let failure: Error | undefined;
  worker.on("error", (error) => {
    failure = error instanceof Error ? error : new Error(String(error));
    for (const wake of waiting) wake();
  });
  worker.on("message", (message: FromLoop) => {
    messages.push(message);
    if (message.kind === "page") pages.push(new Float64Array(message.buffer));
    if (message.kind === "series") series.push(...message.series);
    for (const wake of waiting) wake();
  });
  const until = <T>(find: () => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const look = () => {
        const found = find();
        if (found === undefined && failure === undefined) return;
        waiting.delete(look);
        if (found === undefined) reject(failure ?? new Error("the loop failed"));
        else resolve(found);
      };
      waiting.add(look);
      look();
    });
  const next = <K extends FromLoop["kind"]>(kind: K) => {
    const from = messages.length;
    return until(() =>
      messages.slice(from).find((m): m is Extract<FromLoop, { kind: K }> => m.kind === kind),
    );
  };
  const listening = await until(() => messages.find((message) => message.kind === "listening"));
  let id = 0;
  const apply = async (changes: readonly Change[]) => {
    const update = ++id;
    worker.postMessage({ kind: "update", id: update, changes } satisfies ToLoop);
    await until(() => messages.find((message) => message.kind === "update-applied" && message.id === update));
  };
  if (policy !== null) await apply([{ kind: "policy", resource: policy }]);
  return {
    outboundPort: listening.outboundPort,
    inboundPort: listening.inboundPort,
    messages,
    next,
    send: (message) => worker.postMessage(message),
    apply,
    read: (name, labels, slot = 0) => {
      let sum = 0;
      for (const info of series) {
        if (info.name !== name) continue;
        if (Object.entries(labels).every(([key, value]) => info.labels[key] === value)) {
          sum += pages[info.page]?.[info.offset + slot] ?? 0;
        }
      }
      return sum;
    },
    close: async () => {
      await worker.terminate();
      if (failure !== undefined) throw failure;
    },
  };
}

/** A traffic loop whose Service `web` is at this port of this machine. */
export async function startLoopTo(port: number): Promise<RunningLoop> {
  const loop = await startLoop();
  await loop.apply([
    { kind: "listener", resource: OUTBOUND },
    ...clusterAt("web", [port]),
    ...plainRoute("web"),
  ]);
  return loop;
}

export const OUTBOUND: OutboundListenerResource = {
  name: "outbound",
  local: {
    workload: "client",
    namespace: "default",
    app: "client",
    version: "v1",
    principal: "spiffe://cluster.local/ns/default/sa/client",
  },
  limits: LIMITS,
  outboundPolicy: "REGISTRY_ONLY",
  clusterDomain: "cluster.local",
  discoveryTimeoutMs: 1_000,
  metricPrefix: "istio",
};

/** Cluster and endpoints `<name>.default:80` at these ports of this machine. */
export function clusterAt(name: string, ports: readonly number[]): Change[] {
  const cluster = `${name}.default:80`;
  return [
    {
      kind: "cluster",
      resource: {
        name: cluster,
        service: { name, namespace: "default" },
        port: 80,
        protocol: "http1",
        loadBalancer: "leastRequest",
        connectTimeoutMs: 2_000,
        poolIdleTimeoutMs: 60_000,
      },
    },
    { kind: "endpoints", name: cluster, endpoints: endpointsAt(name, ports), complete: true },
  ];
}

/** The route of `<name>`, also for a Host without a port. */
export function routeOf(name: string, matches: readonly RouteMatch[], rules: readonly RouteRule[]): Change[] {
  const resource = { service: { name, namespace: "default" }, port: 80, matches, rules };
  return [
    { kind: "route", resource: { name: `${name}.default:80`, ...resource } },
    { kind: "route", resource: { name: `${name}.default`, ...resource } },
  ];
}

/** Everything for `<name>` goes to its own cluster. */
export function plainRoute(name: string): Change[] {
  return routeOf(
    name,
    [{ rule: 0, source: "test" }],
    [{ name: "all", action: { kind: "forward", backends: [{ weight: 1, cluster: `${name}.default:80` }] } }],
  );
}
