/** The five faults. Each is inflicted on running backends and says when it is over. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Backends, type Behaviour, HEALTHY } from "./backends.ts";

export interface Fault {
  readonly name: string;
  readonly title: string;
  /** Resolves when the backends are again as they were; `ms` is how long it should last, where that is free. */
  inflict(backends: Backends, ms: number): Promise<void>;
}

const BLACKHOLE_MS = 3_000;
const RESTART_MS = 500;

async function behaveFor(backends: Backends, which: readonly number[], ms: number, how: Behaviour) {
  const all = (behaviour: Behaviour) => Promise.all(which.map((index) => backends.behave(index, behaviour)));
  await all(how);
  await sleep(ms);
  await all(HEALTHY);
}

export const FAULTS: readonly Fault[] = [
  {
    name: "dead",
    title: "One of five backends dead (killed, its port refuses)",
    inflict: async (backends, ms) => {
      await backends.end(0, "SIGKILL");
      await sleep(ms);
      await backends.start(0);
    },
  },
  {
    name: "slow",
    title: "One of five backends 100 × slower (5 ms → 500 ms)",
    inflict: (backends, ms) => behaveFor(backends, [0], ms, { ...HEALTHY, delay: 100 * HEALTHY.delay }),
  },
  {
    name: "errors",
    title: "All backends answer 30 % of requests with 503",
    inflict: (backends, ms) =>
      behaveFor(backends, [...backends.ports.keys()], ms, { ...HEALTHY, errors: 0.3 }),
  },
  {
    name: "blackhole",
    title: "One of five backends takes connections and requests and answers nothing for 3 s",
    inflict: async (backends) => {
      backends.pause(0, true);
      await sleep(BLACKHOLE_MS);
      backends.pause(0, false);
    },
  },
  {
    name: "rolling",
    title: "Rolling restart of all five backends, 500 ms down each",
    inflict: async (backends) => {
      for (const index of backends.ports.keys()) {
        await backends.end(index, "SIGTERM");
        await sleep(RESTART_MS);
        await backends.start(index);
      }
    },
  },
];
