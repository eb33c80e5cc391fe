/** `weft sidecar`, with the two places its configuration can come from. */
import type { OpenTransport } from "../discovery/client.ts";
import type { Connect } from "../proxy/snapshot/configuration.ts";
import { CliError, usageError } from "./exit.ts";
import { isLoopback } from "./loopback.ts";
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

/** Throws a usage error where the control plane is on another machine. */
function plaintextSource(target: string): Source {
  const host = target.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  if (!isLoopback(host))
    throw usageError(`--insecure is for loopback alone, found --control-plane ${target}`);
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
