/** What the two sides of a traffic loop share: its clock, its scratch memory and its ways to other sidecars. */
import type { HopContext } from "./hop/connection.ts";
import { Hops } from "./hop/hops.ts";
import { Turn } from "./hop/turn.ts";
import { WindowBudget } from "./hop/window.ts";
import type { Keyring } from "./net/credentials.ts";
import { Scratch } from "./net/scratch.ts";
import type { TimerWheel } from "./net/timer-wheel.ts";
import { type HandshakeCounts, Origination } from "./net/tls-connect.ts";
import type { Loop } from "./request/listener-context.ts";

/** `outbound`: counts the handshakes that this side begins. */
export function loopContext(
  wheel: TimerWheel,
  keyring: Keyring,
  outbound: HandshakeCounts,
  random: () => number = Math.random,
): Loop {
  const hop: HopContext = { wheel, turn: new Turn(), budget: new WindowBudget() };
  const hops = new Hops({ ...hop, origination: new Origination(keyring, outbound), random });
  return { wheel, scratch: new Scratch(), random, hops, hop };
}
