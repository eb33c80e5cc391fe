/** A connection proves who is there until one of its certificates ends, and not longer. */
import { connect } from "node:tls";
import { afterEach, expect, it, vi } from "vitest";
import { ClusterTable } from "../../src/proxy/cluster-table.ts";
import { Inbound } from "../../src/proxy/inbound.ts";
import { loopContext } from "../../src/proxy/loop-context.ts";
import { Credentials, Keyring } from "../../src/proxy/net/credentials.ts";
import { Listener } from "../../src/proxy/net/listener.ts";
import { TimerWheel } from "../../src/proxy/net/timer-wheel.ts";
import { Judge } from "../../src/proxy/policy/judge.ts";
import { SlotAllocator } from "../../src/proxy/telemetry/slot-allocator.ts";
import { OPEN } from "../harness/policy.ts";
import { counting, rawOrigin } from "../harness/raw.ts";
import { HOUR } from "../identity/pki.ts";
import { GET, inboundAt, leafFor, secretFor } from "./pair.ts";
import { RIGHT } from "./stranger.ts";

afterEach(() => vi.useRealTimers());

const KEEP = GET.replace("Connection: close\r\n", "");

it("an open connection is served until its certificates end, then answered 403 and closed", async () => {
  const app = await rawOrigin(counting());
  const allocator = new SlotAllocator(
    () => {},
    () => {},
  );
  const keyring = new Keyring();
  keyring.credentials = new Credentials(secretFor("shop", leafFor("shop", { notAfter: Date.now() + HOUR })));
  const loop = loopContext(new TimerWheel(), keyring, allocator, () => 0);
  const inbound = new Inbound(loop, new ClusterTable(loop, allocator, "destination"), allocator, {
    isOwn: () => false,
    keyring,
    onDecision() {},
  });
  const change = inboundAt(app.port, "STRICT");
  if (change.kind !== "listener" || change.resource.name !== "inbound") throw new TypeError("inbound");
  inbound.configure(change.resource);
  inbound.admission.setPolicy(OPEN, Judge.of(OPEN));
  const listener = new Listener((socket, server) => inbound.accept(socket, server));
  const port = await listener.listen({ host: "127.0.0.1", port: 0, reusePort: false });
  const socket = connect({ ...RIGHT, port, host: "127.0.0.1", rejectUnauthorized: false });
  let received = "";
  socket.on("data", (chunk) => {
    received += chunk.toString();
  });
  const answered = () => new Promise((resolve) => socket.once("data", resolve));
  socket.write(KEEP);
  await answered();
  vi.useFakeTimers({ now: Date.now() + HOUR + 30_000, toFake: ["Date"] });
  socket.write(KEEP);
  await answered();
  expect(received.match(/HTTP\/1.1 200 /g)).toHaveLength(2);
  const asked = app.received;
  vi.setSystemTime(Date.now() + 60_000);
  socket.write(KEEP);
  await new Promise((resolve) => socket.on("end", resolve));
  expect(received).toMatch(/HTTP\/1.1 403 Forbidden\r\n.*UAEX client_expired: /s);
  expect(app.received).toBe(asked);
  socket.destroy();
  inbound.connections.closeAll();
  for (const cluster of inbound.clusters.values()) cluster.remove();
  listener.close();
  await app.close();
});
