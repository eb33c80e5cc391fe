/** The inbound side of a sidecar in this process, as netfilter brings it what was going to one port of its application. */
import { Addressed } from "../../src/proxy/addressed.ts";
import { ClusterTable } from "../../src/proxy/cluster-table.ts";
import { Inbound } from "../../src/proxy/inbound.ts";
import { loopContext } from "../../src/proxy/loop-context.ts";
import { Keyring } from "../../src/proxy/net/credentials.ts";
import { Listener } from "../../src/proxy/net/listener.ts";
import { TimerWheel } from "../../src/proxy/net/timer-wheel.ts";
import { SlotAllocator } from "../../src/proxy/telemetry/slot-allocator.ts";

export interface Intercepting {
  readonly inbound: Inbound;
  /** Where clients connect, on loopback. */
  readonly port: number;
  close(): void;
}

/** Without any configuration. */
export async function intercepting(port: number): Promise<Intercepting> {
  const allocator = new SlotAllocator(
    () => {},
    () => {},
  );
  const keyring = new Keyring();
  const loop = loopContext(new TimerWheel(), keyring, allocator);
  const inbound = new Inbound(loop, new ClusterTable(loop, allocator, "destination"), allocator, {
    isOwn: () => false,
    keyring,
    onDecision() {},
  });
  const original = { address: "127.0.0.1", port };
  const addressed = new Addressed(inbound, original, () => inbound.findPort(original));
  const listener = new Listener((socket, server) => inbound.acceptAt(addressed, socket, server));
  return {
    inbound,
    port: await listener.listen({ host: "127.0.0.1", port: 0, reusePort: false }),
    close() {
      inbound.connections.closeAll();
      listener.close();
    },
  };
}
