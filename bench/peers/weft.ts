/** Weft's sidecar from a directory of resources, without a control plane; its outbound listener takes the load. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { build } from "../built.ts";
import { PROXY_CPU, start } from "../children.ts";
import { fill } from "../ports.ts";
import { announced } from "./announced.ts";
import type { Peer, RunningPeer } from "./peer.ts";

const PORTS = ["outbound-port", "inbound-port", "admin-port", "telemetry-port"];

export const weft: Peer = weftPeer("weft", ["weft.yaml"]);

/** A sidecar that serves these files of `bench/peers`; of another checkout, where one is named. */
export function weftPeer(name: string, files: readonly string[], checkout?: string): Peer {
  return {
    name,
    missing: () => undefined,
    start: ({ dir, originA, originB }) => {
      const config = join(dir, "config");
      mkdirSync(config, { recursive: true });
      for (const file of files) fill(join("peers", file), config, { A: originA, B: originB });
      return startWeft(dir, config, originA, checkout);
    },
  };
}

/** The sidecar of Service `web` with the resources in `config`; its state goes below `dir`. */
export async function startWeft(
  dir: string,
  config: string,
  appPort: number,
  checkout?: string,
): Promise<RunningPeer> {
  const command = [process.execPath, build(checkout), "sidecar", "--config", config, "--service", "web"];
  command.push("--app-port", String(appPort), "--state-dir", join(dir, "state"));
  for (const port of PORTS) command.push(`--${port}`, "0");
  const child = start(command, PROXY_CPU);
  return { child, port: await announced(child, "outboundPort") };
}
