/**
 * A control plane without sidecars as a process of its own, so that a test can kill it: discovery is the one part that is
 * not there, and says so (no sidecar is connected, every change is applied by all none of them).
 */
import type { Log } from "../../src/control-plane/log.ts";
import type { OpenDiscovery } from "../../src/control-plane/server.ts";
import { startControlPlane } from "../../src/control-plane/server.ts";

export const withoutSidecars: OpenDiscovery = (_compiler, observer) => {
  let latest = 0;
  return {
    discovery: {
      changed: (_names, change) => {
        latest = change;
        const done = { state: "applied", concerned: 0, applied: 0, rejected: [], elapsedMs: 0 } as const;
        observer.settled({ change, ...done });
      },
      ready: () => {},
      sidecars: () => [],
      progress: (change) => (change <= latest ? { change, state: "applied" } : undefined),
    },
    listen: () => Promise.resolve({ port: 0, close: () => Promise.resolve() }),
  };
};

const nothing = () => {};
const SILENT: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** Starts one over a directory. */
export function startPlane(configDir: string) {
  return startControlPlane({
    configDir,
    host: "127.0.0.1",
    discoveryPort: 0,
    apiPort: 0,
    log: SILENT,
    openDiscovery: withoutSidecars,
  });
}

if (import.meta.main) {
  const { apiPort } = await startPlane(process.argv[2] ?? ".");
  process.stdout.write(`${apiPort}\n`);
}
