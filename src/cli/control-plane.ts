/**
 * `weft control-plane`, with gRPC as the transport of discovery.
 */
import type { OpenDiscovery } from "../control-plane/server.ts";
import { serveDiscovery } from "../discovery/grpc-server.ts";
import { DiscoveryServer } from "../discovery/server.ts";
import { controlPlaneCommand } from "./control-plane-command.ts";

const openGrpcDiscovery: OpenDiscovery = (compiler, observer) => {
  const discovery = new DiscoveryServer(compiler, observer);
  return {
    discovery,
    listen: async (host, port) => {
      const server = await serveDiscovery(discovery, host, port);
      return { port: server.port, close: async () => server.close() };
    },
  };
};

export const run = controlPlaneCommand(openGrpcDiscovery);
