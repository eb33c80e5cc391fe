/**
 * Asks a sidecar whether it can serve: it announces its ports as soon as it listens, and is ready when it has its
 * configuration.
 */
import { Agent, get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 25;
const TIMEOUT_MS = 1_000;

/** Resolves with true when `/healthz/ready` answers 200, with false when `signal` aborts first. */
export async function isServing(host: string, port: number, signal: AbortSignal): Promise<boolean> {
  const agent = new Agent({ keepAlive: true });
  try {
    while (!signal.aborted) {
      if ((await statusOf(agent, host, port)) === 200) return true;
      await sleep(POLL_MS);
    }
    return false;
  } finally {
    agent.destroy();
  }
}

function statusOf(agent: Agent, host: string, port: number): Promise<number> {
  return new Promise((resolve) => {
    const outgoing = get({ agent, host, port, path: "/healthz/ready", timeout: TIMEOUT_MS }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode ?? 0));
      response.on("error", () => resolve(0));
    });
    outgoing.on("timeout", () => outgoing.destroy());
    outgoing.on("error", () => resolve(0));
  });
}
