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

/** Weft with the setting that is equivalent to what peers without a budget do. */
export const UNBUDGETED = "weft-no-budget";

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

const weftPeer = (name: string, budget: string): ResiliencePeer => ({
  name,
  missing: () => undefined,
  start: (dir, ports) => {
    const config = join(dir, "config");
    mkdirSync(config);
    fill(join("resilience", "weft.yaml"), config, { ...marks(ports), BUDGET: budget });
    // Nobody calls its application: any port will do.
    return startWeft(dir, config, ports[0] ?? 0);
  },
});
/** As nginx and HAProxy, which have no budget for retries. */
const NO_BUDGET = "{ percent: 100, minConcurrency: 1000, minPerSecond: 100000 }";

export const RESILIENCE_PEERS: readonly ResiliencePeer[] = [
  weftPeer("weft", "{}"),
  weftPeer(UNBUDGETED, NO_BUDGET),
  programPeer("nginx", "nginx.conf", nginxCommand),
  programPeer("haproxy", "haproxy.cfg", haproxyCommand),
  programPeer("envoy", "envoy.yaml", envoyCommand, findEnvoy, missingEnvoy),
];
