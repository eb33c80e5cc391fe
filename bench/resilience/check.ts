/** Checks before a run that the proxy spreads requests over all backends, so that a fault of one is met by all peers alike. */
import { ask } from "../check.ts";
import type { Backends } from "./backends.ts";
import { HOST } from "./peers.ts";

/** The least busy of two is any of five: that one of them is never met has a chance of 10⁻⁸. */
const REQUESTS = 100;
/** On a busy machine a try may take too long and be made again. */
const MOST = 105;

/** Throws when an answer is wrong, or when backends received fewer requests than were sent, or many more. */
export async function checkPeer(port: number, backends: Backends): Promise<void> {
  const before = backends.received();
  for (let i = 0; i < REQUESTS; i++) {
    const { status } = await ask(port, "/api/small", { host: HOST });
    if (status !== 200) throw new Error(`answers ${status} while all backends are well`);
  }
  const received = backends.received() - before;
  if (received < REQUESTS || received > MOST) throw new Error(`${REQUESTS} requests became ${received}`);
  const idle = backends.receivedEach().filter((count) => count === 0).length;
  if (idle > 0) throw new Error(`${idle} backends were never asked`);
}
