/** Until the sidecar can serve: its health says when, and why not yet. A refusal is no matter of time. */
import { readFileSync } from "node:fs";
import { get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { RunError, type RunSettings } from "./settings.ts";

const POLL_MS = 25;
const ANSWER_MS = 1_000;
const LAST_LINES = 12;
/** As the control plane says it (`src/discovery/messages.ts`), at the end of what the sidecar says. */
const REFUSAL = /refused: (.*)$/s;

export interface Waited {
  readonly host: string;
  /** Of its telemetry. */
  readonly port: number;
  /** By `performance.now()`. */
  readonly end: number;
  /** Where its messages go; absent: not into a file. */
  readonly log?: string;
}

/** Rejects with a RunError if it is refused, or is not ready in time. */
export async function untilServing(
  { host, port, end, log }: Waited,
  { waitMs, controlPlane }: RunSettings,
): Promise<void> {
  let why = "";
  while (performance.now() < end) {
    const health = await healthOf(host, port);
    if (health?.isReady === true) return;
    why = health?.text ?? why;
    const [, reason] = REFUSAL.exec(why) ?? [];
    if (reason !== undefined) throw new RunError(`the control plane ${controlPlane} refuses: ${reason}`);
    await sleep(POLL_MS);
  }
  throw new RunError(`the sidecar was not ready in ${waitMs / 1_000} s`, [
    why === "" ? "it has not answered" : why,
    ...(log === undefined ? [] : lastLines(log)),
  ]);
}

interface Answer {
  readonly isReady: boolean;
  readonly text: string;
}

/** Undefined: it does not answer yet. */
function healthOf(host: string, port: number): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const asked = get(
      { host, port, path: "/healthz/ready", timeout: ANSWER_MS, agent: false },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () => resolve({ isReady: response.statusCode === 200, text: text.trim() }));
        response.on("error", () => resolve(undefined));
      },
    );
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => resolve(undefined));
  });
}

function lastLines(file: string): readonly string[] {
  const lines = readFileSync(file, "utf8").split("\n");
  // One that ends at once says the same each time.
  return [...new Set(lines.filter((line) => line !== ""))].slice(-LAST_LINES);
}
