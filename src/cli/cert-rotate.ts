/** `weft cert rotate-root`: begins the change, or joins one that is under way, and prints each step as sidecars confirm it. */
import { setTimeout as sleep } from "node:timers/promises";
import { type ApiClient, ApiError } from "../local/api-client.ts";
import type { RotationAnswer } from "../local/api-types.ts";
import { EXIT } from "./exit.ts";
import type { Io } from "./io.ts";
import { count } from "./output.ts";

const POLL_MS = 100;
/** Sidecars that are named when time runs out. */
const MAX_NAMED = 10;
const PATH = "/v1/root/rotate";

const STEPS = {
  distributing: "distribute: sidecars learn to trust the new root beside the old",
  reissuing: "reissue: the new root signs, sidecars renew their certificates",
  retiring: "retire: sidecars trust the new root alone",
  steady: "done",
} as const satisfies Record<RotationAnswer["phase"], string>;

const ORDER = ["distributing", "reissuing", "retiring", "steady"] as const;

/** Resolves with the exit code. */
export async function rotateRoot(
  client: ApiClient,
  timeoutMs: number,
  asJson: boolean,
  io: Io,
): Promise<number> {
  const startedAt = performance.now();
  let state = await begin(client);
  let next = ORDER.indexOf(state.phase);
  for (;;) {
    // A step may have come and gone between two looks.
    const entered = ORDER.slice(next, ORDER.indexOf(state.phase) + 1);
    for (const phase of entered) {
      const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
      const line = `${seconds.padStart(6)} s  ${STEPS[phase]} (${count(state.sidecars, "sidecar")})`;
      io.stdout.write(`${asJson ? JSON.stringify({ ...state, phase }) : line}\n`);
    }
    next += entered.length;
    if (state.phase === "steady") return EXIT.ok;
    if (performance.now() - startedAt > timeoutMs) break;
    await sleep(POLL_MS);
    state = await client.call<RotationAnswer>("GET", PATH);
  }
  const more = state.lacking.length > MAX_NAMED ? ", …" : "";
  io.stderr.write(
    `still ${state.phase}: waiting for ${state.lacking.slice(0, MAX_NAMED).join(", ")}${more}\n` +
      "  the control plane goes on by itself; run this again to watch\n",
  );
  return EXIT.failed;
}

async function begin(client: ApiClient): Promise<RotationAnswer> {
  try {
    return await client.call<RotationAnswer>("POST", PATH);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== "under_way") throw error;
    return client.call<RotationAnswer>("GET", PATH);
  }
}
