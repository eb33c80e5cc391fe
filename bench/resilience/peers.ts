/** The proxies between load and backends: one process each, with the configuration beside this file. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Program, startProgram } from "../peers/binary.ts";
import { ENVOY } from "../peers/envoy.ts";
import { HAPROXY } from "../peers/haproxy.ts";
import { NGINX } from "../peers/nginx.ts";
import type { RunningPeer } from "../peers/peer.ts";
import { startWeft } from "../peers/weft.ts";
import { fill } from "../ports.ts";

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

const programPeer = (program: Program, template: string): ResiliencePeer => ({
  name: program.name,
  missing: program.missing,
  start: (dir, ports) => startProgram(program, join("resilience", template), dir, marks(ports)),
});

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
  programPeer(NGINX, "nginx.conf"),
  programPeer(HAPROXY, "haproxy.cfg"),
  programPeer(ENVOY, "envoy.yaml"),
];
