/**
 * `weft wait`: until the sidecar here is ready. Injection's classic form runs it as the sidecar's `postStart` hook, for which the
 * kubelet waits before it starts the next container.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { durationSetting, newCommand, runCommand } from "./command.ts";
import { integerOption } from "./duration.ts";
import { CliError, EXIT } from "./exit.ts";
import type { Io } from "./io.ts";

const PAUSE_MS = 100;
const ANSWER_MS = 3_000;

interface Flags {
  readonly port: number;
  readonly timeout: number;
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const command = newCommand(
    {
      name: "wait",
      summary: "Wait until the sidecar here is ready.",
      examples: [["weft wait --timeout 2m && exec ./server", "start a program when its sidecar serves"]],
      exits: { ok: "it is ready", failed: "it was not, in the time given; the reason is on stderr" },
    },
    io,
  )
    .option("--port <port>", "the sidecar's telemetry port", integerOption("--port", 1, 65_535), 15_020)
    .addOption(durationSetting("--timeout", "longest wait", "1m"));
  return runCommand(command, argv, io, async () => {
    const { port, timeout } = command.opts<Flags>();
    const end = performance.now() + timeout;
    for (;;) {
      const reason = await whyNotReady(port, Math.max(1, end - performance.now()));
      if (reason === undefined) return EXIT.ok;
      if (performance.now() + PAUSE_MS > end) throw new CliError(`not ready in time: ${reason}`);
      await sleep(PAUSE_MS);
    }
  });
}

async function whyNotReady(port: number, leftMs: number): Promise<string | undefined> {
  try {
    const signal = AbortSignal.timeout(Math.ceil(Math.min(ANSWER_MS, leftMs)));
    const response = await fetch(`http://127.0.0.1:${port}/healthz/ready`, { signal });
    const text = await response.text();
    return response.ok ? undefined : text.trim();
  } catch {
    return `no sidecar answers on port ${port}`;
  }
}
