/** What the two sides of a traffic loop share: its clock, its scratch memory and its ways to other sidecars. */
import type { HopContext } from "./hop/connection.ts";
import { Hops } from "./hop/hops.ts";
import { Turn } from "./hop/turn.ts";
import { WindowBudget } from "./hop/window.ts";
import { type Connect, connectTcp } from "./net/connect-tcp.ts";
import type { Keyring } from "./net/credentials.ts";
import { Scratch } from "./net/scratch.ts";
import type { TimerWheel } from "./net/timer-wheel.ts";
import { Origination } from "./net/tls-connect.ts";
import { Comparisons } from "./request/comparisons.ts";
import type { Loop } from "./request/listener-context.ts";
import { Overload } from "./request/overload.ts";
import { HandshakeSeries } from "./telemetry/handshake-series.ts";
import { HopSeries } from "./telemetry/hop-series.ts";
import type { SlotAllocator } from "./telemetry/slot-allocator.ts";

/** `allocator`: where the handshakes and connections that this side begins are counted. */
export function loopContext(
  wheel: TimerWheel,
  keyring: Keyring,
  allocator: SlotAllocator,
  random: () => number = Math.random,
  connect: Connect = connectTcp,
): Loop {
  const hop: HopContext = { wheel, turn: new Turn(), budget: new WindowBudget(() => wheel.now()) };
  const origination = new Origination(keyring, new HandshakeSeries(allocator, "outbound"));
  const hops = new Hops({ ...hop, origination, random, counts: new HopSeries(allocator, "outbound") });
  return {
    ...{ wheel, scratch: new Scratch(), random, overload: new Overload(wheel) },
    comparisons: new Comparisons(wheel),
    ...{ connect, hops, hop },
  };
}
