/**
 * Compiler and discovery over a directory without any network: what `weft sidecar --config DIR` runs inside itself.
 */
import { DiscoveryServer } from "../discovery/server.ts";
import type { Issue } from "../resources/issue.ts";
import { Compiler } from "./compile/compiler.ts";
import { Plane } from "./plane.ts";
import { FileSource } from "./source/files.ts";

export interface LocalDiscoveryOptions {
  readonly configDir: string;
  readonly addressesFile?: string;
}

export interface LocalDiscovery {
  readonly server: DiscoveryServer;
  close(): void;
  /** With errors among them, the server is not ready until the files are repaired. */
  readonly issues: readonly Issue[];
}

/** Reads, compiles and watches `configDir`. */
export async function openLocalDiscovery(options: LocalDiscoveryOptions): Promise<LocalDiscovery> {
  const compiler = new Compiler();
  const server = new DiscoveryServer(compiler);
  const source = new FileSource(options.configDir, options.addressesFile);
  const { issues } = source;
  const plane = new Plane(source, compiler, server);
  // Without the watch the state of the start stays good.
  plane.start(() => {});
  return { server, issues, close: () => plane.close() };
}
