/** Weft's sidecar from a directory of resources, without a control plane; its outbound listener takes the load. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { PROXY_CPU, start } from "../children.ts";
import { fill } from "../ports.ts";
import { announced } from "./announced.ts";
import type { Peer } from "./peer.ts";

const MAIN = join(import.meta.dirname, "..", "..", "src", "cli", "main.ts");
const PORTS = ["outbound-port", "inbound-port", "admin-port", "telemetry-port"];

export const weft: Peer = {
  name: "weft",
  missing: () => undefined,
  start: async ({ dir, originA, originB }) => {
    const config = join(dir, "config");
    mkdirSync(config, { recursive: true });
    fill(join("peers", "weft.yaml"), config, { A: originA, B: originB });
    const command = [process.execPath, MAIN, "sidecar", "--config", config, "--service", "web"];
    command.push("--app-port", String(originA), "--state-dir", join(dir, "state"));
    for (const port of PORTS) command.push(`--${port}`, "0");
    const child = start(command, PROXY_CPU);
    return { child, port: await announced(child, "outboundPort") };
  },
};
