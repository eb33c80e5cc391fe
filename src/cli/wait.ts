/**
 * `weft wait`: until the sidecar here is ready. Injection's classic form runs it as the sidecar's `postStart` hook, for which the
 * kubelet waits before it starts the next container.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { durationSetting, newCommand, runCommand } from "./command.ts";
import { integerOption } from "./duration.ts";
import { CliError, EXIT, usageError } from "./exit.ts";
import type { Io } from "./io.ts";

const PAUSE_MS = 100;
const ANSWER_MS = 3_000;
const TELEMETRY_PORT = 15_020;
const API_PORT = 15_014;

interface Flags {
  readonly port?: number;
  readonly timeout: number;
  readonly intercepted?: boolean;
  readonly controlPlane?: boolean;
}

interface Reason {
  readonly text: string;
  /** There was less time for an answer than one may take. */
  readonly isCut: boolean;
}

/** Undefined: it is ready. */
type WhyNot = (leftMs: number) => Promise<Reason | undefined>;

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const command = newCommand(
    {
      name: "wait",
      summary: "Wait until the sidecar here is ready, or the control plane.",
      examples: [
        ["weft wait --timeout 2m && exec ./server", "start a program when its sidecar serves"],
        ["weft wait --intercepted", "and when connections are led to it, as the sidecar's user"],
      ],
      exits: { ok: "it is ready", failed: "it was not, in the time given; the reason is on stderr" },
    },
    io,
  )
    .option("--port <port>", "another port than 15020, or 15014", integerOption("--port", 1, 65_535))
    .option("--intercepted", "until weft init has led connections there, too")
    .option("--control-plane", "for the control plane here instead")
    .addOption(durationSetting("--timeout", "longest wait", "1m"));
  return runCommand(command, argv, io, async () => {
    const { timeout, ...flags } = command.opts<Flags>();
    const whyNot = whyNotOf(flags);
    const end = performance.now() + timeout;
    let told: Reason | undefined;
    for (;;) {
      const reason = await whyNot(Math.max(1, end - performance.now()));
      if (reason === undefined) return EXIT.ok;
      if (told === undefined || !reason.isCut) told = reason;
      if (performance.now() + PAUSE_MS > end) throw new CliError(`not ready in time: ${told.text}`);
      await sleep(PAUSE_MS);
    }
  });
}

function whyNotOf({ port, intercepted, controlPlane }: Omit<Flags, "timeout">): WhyNot {
  if (controlPlane === true) {
    if (intercepted === true) throw usageError("--intercepted is of sidecars, --control-plane has none");
    return (leftMs) => whyNotReady("control plane", port ?? API_PORT, "/healthz", leftMs);
  }
  return async (leftMs) => {
    const reason = await whyNotReady("sidecar", port ?? TELEMETRY_PORT, "/healthz/ready", leftMs);
    return reason === undefined && intercepted === true ? whyNotIntercepted() : reason;
  };
}

async function whyNotReady(
  who: string,
  port: number,
  path: string,
  leftMs: number,
): Promise<Reason | undefined> {
  const signal = AbortSignal.timeout(Math.ceil(Math.min(ANSWER_MS, leftMs)));
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal });
    const text = await response.text();
    return response.ok ? undefined : { text: text.trim(), isCut: false };
  } catch {
    const isCut = signal.aborted && leftMs < ANSWER_MS;
    return { text: `no ${who} answers on port ${port}`, isCut };
  }
}

/** Inbound tells it for both directions: their rules are made as one. */
async function whyNotIntercepted(): Promise<Reason | undefined> {
  const { probe } = await import("../intercept/probe.ts");
  const { presentFamilies } = await import("../intercept/program.ts");
  const { DEFAULTS } = await import("../intercept/settings.ts");
  const results = await probe(DEFAULTS, presentFamilies());
  const wrong = results.filter(({ verdict }) => verdict === "not redirected");
  // Where nothing could be tried, there may be no network at all: not yet, or no longer.
  const isTried = results.some(({ verdict }) => verdict === "redirected");
  const why = wrong.length > 0 || isTried ? wrong : results;
  if (why.length === 0) return undefined;
  return { text: `not intercepted: ${why.map(({ reason }) => reason).join(", ")}`, isCut: false };
}
