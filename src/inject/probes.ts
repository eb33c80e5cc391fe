/**
 * Probes and hooks of the kubelet, which has no certificate: they are asked of the sidecar's telemetry port instead, which
 * passes them on to the application (paths as Istio's: `/app-health/web/livez`). What they were stands in a table that the
 * sidecar gets, and from which they are restored. `exec` and `sleep` need no network and stay; so does what asks another
 * host than the pod.
 */
import type { Container, Handler, Probe } from "./pod.ts";
import { MAX_SECONDS } from "./settings.ts";

/** A probe or hook as it was, by the path that stands for it now. */
export type AppProbes = Readonly<Record<string, AppProbe>>;

export interface AppProbe extends Pick<Handler, "httpGet" | "tcpSocket" | "grpc"> {
  /** Number of its port, which may have been a name. */
  readonly port: number;
  readonly timeoutSeconds: number;
}

const PROBES = [
  ["livenessProbe", "livez"],
  ["readinessProbe", "readyz"],
  ["startupProbe", "startupz"],
] as const;
const HOOKS = [
  ["postStart", "poststartz"],
  ["preStop", "prestopz"],
] as const;
/** Kubernetes' default of a probe. */
const PROBE_TIMEOUT_SECONDS = 1;

export interface Rewriting {
  /** Of the telemetry server. */
  readonly port: number;
  /** Longest time for a hook. */
  readonly hookSeconds: number;
  /** Filled with what has been rewritten. */
  readonly table: Record<string, AppProbe>;
}

export function rewriteProbes(container: Container, rewriting: Rewriting): Container {
  return mapHandlers(container, (handler, path) => {
    const known = probeOf(container, handler, rewriting, path);
    if (known === undefined) return handler;
    rewriting.table[path] = known;
    return replaceHandler(handler, { httpGet: { path, port: rewriting.port } });
  });
}

export function restoreProbes(container: Container, table: AppProbes): Container {
  return mapHandlers(container, (handler, path) => {
    const known = Object.hasOwn(table, path) ? table[path] : undefined;
    // One that has been changed since is no longer ours.
    if (known === undefined || handler.httpGet?.path !== path) return handler;
    const { httpGet, tcpSocket, grpc } = known;
    if (httpGet !== undefined) return replaceHandler(handler, { httpGet });
    if (tcpSocket !== undefined) return replaceHandler(handler, { tcpSocket });
    return grpc === undefined ? handler : replaceHandler(handler, { grpc });
  });
}

/** The container itself where nothing changes. */
function mapHandlers(container: Container, map: (handler: Probe, path: string) => Probe): Container {
  const { name } = container;
  let changed = container;
  for (const [field, word] of PROBES) {
    const probe = container[field];
    if (probe) changed = put(changed, field, map(probe, `/app-health/${name}/${word}`));
  }
  const { lifecycle } = container;
  if (!lifecycle) return changed;
  let hooks = lifecycle;
  for (const [field, word] of HOOKS) {
    const hook = lifecycle[field];
    // The kubelet has never run tcpSocket hooks.
    if (hook?.httpGet) hooks = put(hooks, field, map(hook, `/app-lifecycle/${name}/${word}`));
  }
  return put(changed, "lifecycle", hooks);
}

function probeOf(
  container: Container,
  probe: Probe,
  { hookSeconds, port: own }: Rewriting,
  path: string,
): AppProbe | undefined {
  // Two at once are wrong, and for the API server to refuse.
  const kinds = Object.entries(probe).filter(([key, value]) => isHandlerKey(key) && value !== null);
  if (kinds.length !== 1) return undefined;
  const { httpGet, tcpSocket, grpc, timeoutSeconds } = probe;
  const isHook = path.startsWith("/app-lifecycle/");
  const seconds = isHook ? hookSeconds : (timeoutSeconds ?? PROBE_TIMEOUT_SECONDS);
  const found =
    (httpGet && !httpGet.host && { port: portOf(container, httpGet.port), httpGet }) ||
    (tcpSocket && !tcpSocket.host && { port: portOf(container, tcpSocket.port), tcpSocket }) ||
    (grpc && { port: grpc.port, grpc });
  // What asks the sidecar already would be asked of itself for ever.
  if (!found || found.port === undefined || found.port === own) return undefined;
  // Of what is no port the API server is to say so.
  if (found.port < 1 || found.port > 65_535) return undefined;
  return { ...found, port: found.port, timeoutSeconds: Math.min(Math.max(1, seconds), MAX_SECONDS) };
}

/** A name means a port of the same container; undefined where it has none of it, and the kubelet would fail, too. */
function portOf({ ports }: Container, port: number | string): number | undefined {
  if (typeof port === "number") return port;
  if (/^\d+$/.test(port)) return Number(port);
  return ports?.find(({ name }) => name === port)?.containerPort;
}

/** In the place of the old one: a pod that is restored reads as it did. */
function replaceHandler(probe: Probe, handler: Handler): Probe {
  const entries = Object.entries(probe).flatMap((entry) =>
    isHandlerKey(entry[0]) && entry[1] !== null ? Object.entries(handler) : [entry],
  );
  return Object.fromEntries(entries) as Probe;
}

function isHandlerKey(key: string): boolean {
  return key === "httpGet" || key === "tcpSocket" || key === "grpc";
}

function put<T extends object, K extends keyof T>(target: T, key: K, value: T[K]): T {
  return target[key] === value ? target : { ...target, [key]: value };
}
