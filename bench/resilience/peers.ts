/** The proxies between load and backends: one process each, with the configuration beside this file. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { findProgram, PROXY_CPU, start } from "../children.ts";
import { envoyCommand, findEnvoy, missingEnvoy } from "../peers/envoy.ts";
import { haproxyCommand } from "../peers/haproxy.ts";
import { nginxCommand } from "../peers/nginx.ts";
import type { RunningPeer } from "../peers/peer.ts";
import { startWeft } from "../peers/weft.ts";
import { fill, freePort, waitForPort } from "../ports.ts";

/** The Service all of them route to the five backends. */
export const HOST = "backends";

export interface ResiliencePeer {
  readonly name: string;
  /** Why it cannot run here; `fetch` allows installing it (Envoy). */
  missing(fetch: boolean): string | undefined;
  /** Starts it in front of backends on these five ports. */
  start(dir: string, ports: readonly number[]): Promise<RunningPeer>;
}

const marks = ([A = 0, B = 0, C = 0, D = 0, E = 0]: readonly number[]) => ({ A, B, C, D, E });

function programPeer(
  name: string,
  template: string,
  command: (program: string, config: string, dir: string) => string[],
  find: () => string | undefined = () => findProgram(name),
  missing: (fetch: boolean) => string | undefined = () =>
    find() === undefined ? `${name} is not on PATH` : undefined,
): ResiliencePeer {
  return {
    name,
    missing,
    start: async (dir, ports) => {
      const port = await freePort();
      const values = { DIR: dir, PORT: port, ...marks(ports) };
      const config = fill(join("resilience", template), dir, values);
      const child = start(command(find() ?? name, config, dir), PROXY_CPU);
      await waitForPort(port, child);
      return { child, port };
    },
  };
}

const weft: ResiliencePeer = {
  name: "weft",
  missing: () => undefined,
  start: (dir, ports) => {
    const config = join(dir, "config");
    mkdirSync(config);
    fill(join("resilience", "weft.yaml"), config, marks(ports));
    // Nobody calls its application: any port will do.
    return startWeft(dir, config, ports[0] ?? 0);
  },
};

export const RESILIENCE_PEERS: readonly ResiliencePeer[] = [
  weft,
  programPeer("nginx", "nginx.conf", nginxCommand),
  programPeer("haproxy", "haproxy.cfg", haproxyCommand),
  programPeer("envoy", "envoy.yaml", envoyCommand, findEnvoy, missingEnvoy),
];
