/**
 * The control plane as a whole: files, compiler, discovery and the HTTP API. Discovery's transport is handed in, so that
 * nothing here depends on gRPC.
 */
import type { LoadReport } from "../discovery/messages.ts";
import { type Api, startApi } from "./api/server.ts";
import { Compiler } from "./compile/compiler.ts";
import { LoadStats } from "./load-stats.ts";
import { planeMetrics } from "./metrics.ts";
import { type Discovery, Plane } from "./plane.ts";
import { FileSource } from "./source/files.ts";

export interface ControlPlaneOptions {
  readonly configDir: string;
  readonly addressesFile?: string;
  readonly host: string;
  /** 0: chosen by the system. */
  readonly discoveryPort: number;
  /** 0: chosen by the system. */
  readonly apiPort: number;
  readonly log: (message: string) => void;
  readonly openDiscovery: OpenDiscovery;
}

/** A discovery server over `compiler`, and its way onto the network. */
export type OpenDiscovery = (
  compiler: Compiler,
  onLoad: (sidecar: string, report: LoadReport) => void,
) => {
  readonly discovery: Discovery;
  listen(host: string, port: number): Promise<Listening>;
};

export interface Listening {
  readonly port: number;
  close(): Promise<void>;
}

export interface ControlPlane {
  readonly discoveryPort: number;
  readonly apiPort: number;
  close(): Promise<void>;
}

/** Starts everything; rejects with the system's error where a port can't be had. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { configDir, addressesFile, host, log } = options;
  const compiler = new Compiler();
  const stats = new LoadStats(() => performance.now());
  const opened = options.openDiscovery(compiler, (sidecar, report) => stats.add(sidecar, report));
  const plane = new Plane(new FileSource(configDir, addressesFile), compiler, opened.discovery);
  const registry = planeMetrics(plane);
  let discovery: Listening | undefined;
  let api: Api;
  try {
    plane.start((error) => log(`files are no longer watched: ${error.message}`));
    discovery = await opened.listen(host, options.discoveryPort);
    api = await startApi({
      plane,
      stats,
      host,
      port: options.apiPort,
      metrics: async () => ({ type: registry.contentType, text: await registry.metrics() }),
      onError: (error) => log(`request failed: ${String(error)}`),
    });
  } catch (error) {
    plane.close();
    await discovery?.close();
    throw error;
  }
  const listening = discovery;
  return {
    discoveryPort: listening.port,
    apiPort: api.port,
    close: async () => {
      plane.close();
      await Promise.all([listening.close(), api.close()]);
    },
  };
}
