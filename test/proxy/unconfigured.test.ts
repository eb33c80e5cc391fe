/** What an intercepting sidecar does with connections to its application before it has heard anything of that one's ports. */
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { Addressed } from "../../src/proxy/addressed.ts";
import { ClusterTable } from "../../src/proxy/cluster-table.ts";
import { Inbound } from "../../src/proxy/inbound.ts";
import { loopContext } from "../../src/proxy/loop-context.ts";
import { Keyring } from "../../src/proxy/net/credentials.ts";
import { Listener } from "../../src/proxy/net/listener.ts";
import { TimerWheel } from "../../src/proxy/net/timer-wheel.ts";
import { Judge } from "../../src/proxy/policy/judge.ts";
import { SlotAllocator } from "../../src/proxy/telemetry/slot-allocator.ts";
import { OPEN } from "../harness/policy.ts";
import { INBOUND } from "../harness/subscriber.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

/** An application that speaks first. */
async function application(): Promise<number> {
  const server = net.createServer((socket) => socket.end("welcome")).listen(0, "127.0.0.1");
  closers.push(() => void server.close());
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** The inbound side, as netfilter brings it what was going to `port`. */
async function intercepting(port: number): Promise<{ readonly inbound: Inbound; readonly port: number }> {
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
  closers.push(
    () => listener.close(),
    () => inbound.connections.closeAll(),
  );
  return { inbound, port: await listener.listen({ host: "127.0.0.1", port: 0, reusePort: false }) };
}

/** What a client hears that says nothing, and how the connection ends. */
async function listen(port: number): Promise<{ readonly heard: string; readonly code: string }> {
  const socket = net.connect(port, "127.0.0.1");
  let heard = "";
  let code = "";
  socket.on("data", (chunk) => {
    heard += String(chunk);
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    code = error.code ?? "";
  });
  await new Promise((resolve) => socket.once("close", resolve));
  return { heard, code };
}

it("they are reset, so that a client which waits for the server to speak tries again, and is served then", async () => {
  const app = await application();
  const { inbound, port } = await intercepting(app);
  expect(await listen(port)).toEqual({ heard: "", code: "ECONNRESET" });
  const service = { name: "db", namespace: "default" };
  inbound.configure({
    ...INBOUND,
    ports: [{ service, servicePort: app, appPort: app, protocol: "tcp" }],
  });
  inbound.admission.setPolicy(OPEN, Judge.of(OPEN));
  expect(await listen(port)).toEqual({ heard: "welcome", code: "" });
});
