/**
 * `weft control-plane`, with gRPC as the transport of discovery.
 */
import type { PlaneIdentity } from "../control-plane/identity.ts";
import type { OpenDiscovery } from "../control-plane/server.ts";
import { type SecureGrpcServer, serveSecurely } from "../discovery/grpc-secure-server.ts";
import { type GrpcServer, serveDiscovery } from "../discovery/grpc-server.ts";
import { DiscoveryServer } from "../discovery/server.ts";
import { controlPlaneCommand } from "./control-plane-command.ts";

/** Discovery over gRPC: with TLS where there is an identity. */
export const openGrpcDiscovery: OpenDiscovery = (resources, observer, identity) => {
  const discovery = new DiscoveryServer(resources, observer);
  return {
    discovery,
    listen: async (host, port) => {
      const server =
        identity === undefined
          ? await serveDiscovery(discovery, host, port)
          : await listenSecurely(discovery, host, port, identity);
      return { port: server.port, close: async () => server.close() };
    },
  };
};

async function listenSecurely(
  discovery: DiscoveryServer,
  host: string,
  port: number,
  identity: PlaneIdentity,
): Promise<GrpcServer> {
  let server: SecureGrpcServer | undefined;
  const secret = identity.portSecret((next) => server?.replace(next));
  if (secret === undefined) throw new Error("the CA's own certificate is not valid now");
  const { admit, enrol, refusedClient } = identity;
  server = await serveSecurely(discovery, host, port, { secret, admit, enrol, onRefused: refusedClient });
  return server;
}

export const run = controlPlaneCommand(openGrpcDiscovery);
