/** A stub of a cluster and a source over it, for one test; and what the compiler makes of what the source has read. */
import { afterEach } from "vitest";
import { Compiler } from "../../../src/control-plane/compile/compiler.ts";
import type { KubernetesSource } from "../../../src/control-plane/source/kubernetes/source.ts";
import type { EndpointResource, EndpointsResource } from "../../../src/discovery/messages.ts";
import { nodeOf } from "../../harness/node.ts";
import type { ApiServer } from "./api-server.ts";
import { newCluster } from "./cluster.ts";
import { openSource } from "./harness.ts";

/** Who asks. */
export const CLIENT = nodeOf("default/client");

const servers: ApiServer[] = [];
const sources: KubernetesSource[] = [];

afterEach(async () => {
  for (const source of sources.splice(0)) source.close();
  for (const server of servers.splice(0)) await server.close();
});

/** A cluster that listens. */
export async function startCluster(): Promise<ApiServer> {
  const server = newCluster();
  servers.push(server);
  await server.listen();
  return server;
}

/** A source that has read what is there. */
export async function syncedSource(server: ApiServer): Promise<KubernetesSource> {
  const { source } = openSource(server);
  sources.push(source);
  await source.synced;
  source.rescan();
  return source;
}

export function compilerOf(source: KubernetesSource): Compiler {
  const compiler = new Compiler("STRICT", source.instances);
  compiler.update(source.state.resources);
  return compiler;
}

/** Undefined: it has none. */
export function endpointsOf(compiler: Compiler, name: string): readonly EndpointResource[] | undefined {
  const found = compiler.get("endpoints", name, CLIENT)?.resource as EndpointsResource | undefined;
  return found?.endpoints;
}
