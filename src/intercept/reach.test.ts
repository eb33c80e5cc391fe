import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { reach } from "./reach.ts";

let server: net.Server | undefined;
afterEach(() => void server?.close());

async function listening(): Promise<number> {
  server = net.createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** As on a machine that gives this process no time: nothing of it runs. */
function stall(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

it("somebody who is there is found, also if this process stalls for longer than it would wait", async () => {
  const target = { address: "127.0.0.1", port: await listening() };
  expect(await reach(target)).toBeUndefined();
  // From here timers are what the loop looks at next.
  await new Promise((resolve) => setImmediate(resolve));
  const found = reach(target, 50);
  process.nextTick(stall, 100);
  expect(await found).toBeUndefined();
});

it("nobody is there", async () => {
  const port = await listening();
  server?.close();
  expect(await reach({ address: "127.0.0.1", port })).toBe("ECONNREFUSED");
});
