/**
 * Compiler and discovery over a directory without any network: what `weft sidecar --config DIR` runs inside itself.
 */
import type { Issue } from "../resources/issue.ts";
import { Compiler } from "./compile/compiler.ts";
import { type Discovery, Plane } from "./plane.ts";
import { FileSource } from "./source/files.ts";

export interface LocalDiscoveryOptions<D extends Discovery> {
  readonly configDir: string;
  readonly addressesFile?: string;
  /** Makes the discovery server that asks `compiler`. */
  readonly createServer: (compiler: Compiler) => D;
}

export interface LocalDiscovery<D extends Discovery> {
  readonly server: D;
  close(): void;
  /** With errors among them, the server is not ready until the files are repaired. */
  readonly issues: readonly Issue[];
}

/** Reads, compiles and watches `configDir`. */
export async function openLocalDiscovery<D extends Discovery>(
  options: LocalDiscoveryOptions<D>,
): Promise<LocalDiscovery<D>> {
  const compiler = new Compiler();
  const server = options.createServer(compiler);
  const source = new FileSource(options.configDir, options.addressesFile);
  const { issues } = source;
  const plane = new Plane(source, compiler, server);
  // Without the watch the state of the start stays good.
  plane.start(() => {});
  return { server, issues, close: () => plane.close() };
}
