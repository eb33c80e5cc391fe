/** `weft sidecar`, with the two places its configuration can come from. */
import type { OpenTransport } from "../discovery/client.ts";
import type { Connect } from "../proxy/snapshot/configuration.ts";
import { CliError } from "./exit.ts";
import { enrolledSource } from "./sidecar-enrolment.ts";
import { type Source, sidecarCommand } from "./sidecar-process.ts";

export const run = sidecarCommand({
  controlPlane: (target, settings, flags, env) =>
    flags.get("insecure") === undefined
      ? enrolledSource(target, settings, flags, env)
      : plaintextSource(target),
  config: (directory) => {
    const load = async () => ({
      client: await import("../discovery/client.ts"),
      transport: await import("../discovery/in-process.ts"),
      local: await import("../control-plane/local.ts"),
      issue: await import("../resources/issue.ts"),
    });
    return {
      load,
      open: async () => {
        const { client, transport, local, issue } = await load();
        const opened = await local.openLocalDiscovery({ configDir: directory });
        if (issue.hasErrors(opened.issues)) {
          opened.close();
          throw new CliError(`${directory} cannot be used`, { hints: opened.issues.map(issue.formatIssue) });
        }
        return { connect: connectBy(client, transport.inProcessTransport(opened.server)) };
      },
    };
  },
});

function plaintextSource(target: string): Source {
  const load = async () => ({
    client: await import("../discovery/client.ts"),
    transport: await import("../discovery/grpc-client.ts"),
  });
  return {
    load,
    open: async () => {
      const { client, transport } = await load();
      return { connect: connectBy(client, transport.grpcTransport(target)) };
    },
  };
}

type ClientModule = typeof import("../discovery/client.ts");

function connectBy({ DiscoveryClient }: ClientModule, open: OpenTransport): Connect {
  return (hooks) => new DiscoveryClient(open, hooks);
}
