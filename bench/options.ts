/** The command line of the benchmark. */
import { join } from "node:path";
import { parseArgs } from "node:util";

export interface Options {
  readonly rounds: number;
  readonly seconds: number;
  /** Names of peers to measure; undefined: all. */
  readonly peers: ReadonlySet<string> | undefined;
  /** Names of scenarios to measure; undefined: all. */
  readonly scenarios: ReadonlySet<string> | undefined;
  /** One short round of everything but memory, to see that it all works. */
  readonly smoke: boolean;
  /** Replace the table in README.md. */
  readonly readme: boolean;
  /** Directory of the results; undefined: none are written (a smoke run without --out). */
  readonly out: string | undefined;
}

export function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: "string" },
      seconds: { type: "string" },
      peers: { type: "string" },
      scenario: { type: "string" },
      smoke: { type: "boolean", default: false },
      readme: { type: "boolean", default: false },
      out: { type: "string" },
    },
  });
  const { smoke, readme } = values;
  return {
    rounds: positive("rounds", values.rounds ?? (smoke ? "1" : "5")),
    seconds: positive("seconds", values.seconds ?? (smoke ? "1" : "2")),
    peers: names(values.peers),
    scenarios: names(values.scenario),
    smoke,
    readme,
    out: values.out ?? (smoke ? undefined : join(import.meta.dirname, "results")),
  };
}

/** wrk takes whole seconds, so these are whole numbers. */
function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${name}: a whole number above 0, not ${text}`);
  return value;
}

function names(text: string | undefined): ReadonlySet<string> | undefined {
  return text === undefined ? undefined : new Set(text.split(",").map((name) => name.trim()));
}
