/**
 * A control plane without sidecars as a process of its own, so that a test can kill it: discovery has no port, so no
 * sidecar ever connects.
 */
import type { Log } from "../../src/control-plane/log.ts";
import type { OpenDiscovery } from "../../src/control-plane/server.ts";
import { startControlPlane } from "../../src/control-plane/server.ts";
import { DiscoveryServer } from "../../src/discovery/server.ts";

const withoutSidecars: OpenDiscovery = (compiler, observer) => ({
  discovery: new DiscoveryServer(compiler, observer),
  listen: () => Promise.resolve({ port: 0, close: () => Promise.resolve() }),
});

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
