/** The control plane's port for sidecars under attack: those who drip, those who say nothing, and very many of them. */
import net from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { MAX_STRANGERS, Strangers } from "../../src/discovery/strangers.ts";
import { startPlane, type TestPlane } from "./plane.ts";
import { startSidecar } from "./sidecar.ts";

let plane: TestPlane;
beforeAll(async () => {
  plane = await startPlane();
});
afterAll(() => plane.close());

const portOf = () => Number(plane.target.split(":")[1]);

async function enrols(): Promise<void> {
  const token = await plane.token("web");
  const { target, bundleFile } = plane;
  const sidecar = startSidecar({ target, bundleFile, serviceAccount: "web", token });
  await expect.poll(() => sidecar.streams.opened, { timeout: 15_000 }).toBe(1);
  sidecar.close();
}

/** The beginning of a ClientHello that says it is 512 bytes long. */
const HELLO = Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]);

it("a ClientHello that drips is cut off after 10 s (default), and nobody waits for it", {
  timeout: 90_000,
}, async () => {
  const socket = net.connect(portOf(), "127.0.0.1");
  const began = performance.now();
  const closed = new Promise<number>((resolve) =>
    socket.on("close", () => resolve(performance.now() - began)),
  );
  socket.on("error", () => {});
  let sent = 0;
  const drip = setInterval(() => {
    if (!socket.destroyed) socket.write(Buffer.from([sent < HELLO.length ? (HELLO[sent++] ?? 0) : 0]));
  }, 250);
  await enrols();
  const lived = await closed;
  clearInterval(drip);
  expect(lived).toBeGreaterThan(9_500);
  // By Node's own limit, which begins anew with each byte, it would live for two minutes.
  expect(lived).toBeLessThan(60_000);
});

it("thousands who say nothing keep nobody from enrolling", { timeout: 90_000 }, async () => {
  const sockets: net.Socket[] = [];
  for (let i = 0; i < MAX_STRANGERS + 400; i++) {
    const socket = net.connect(portOf(), "127.0.0.1");
    socket.on("error", () => {});
    sockets.push(socket);
    if (i % 200 === 199) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  // Once all have been accepted, which takes a busy machine a while.
  await expect
    .poll(() => sockets.filter(({ closed }) => closed).length, { timeout: 45_000 })
    .toBeGreaterThanOrEqual(400);
  // After a second the silent ones make room.
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  await enrols();
  for (const socket of sockets) socket.destroy();
});

it("who has had a second makes room, else the newest goes; who is known is none of them", () => {
  let now = 0;
  const strangers = new Strangers(2, () => now);
  const gone: number[] = [];
  const socketAt = (remotePort: number) => {
    const socket = new net.Socket();
    Object.defineProperty(socket, "remotePort", { value: remotePort });
    socket.on("close", () => gone.push(remotePort));
    return socket;
  };
  const all = [1, 2, 3, 4, 5].map(socketAt);
  for (const socket of all.slice(0, 3)) strangers.add(socket);
  expect([strangers.size, all.map(({ destroyed }) => destroyed)]).toEqual([
    2,
    [false, false, true, false, false],
  ]);
  now = 1_001;
  strangers.add(all[3]!);
  expect(all.map(({ destroyed }) => destroyed)).toEqual([true, false, true, false, false]);
  strangers.known(all[1]!);
  strangers.add(all[4]!);
  expect([strangers.size, all[4]!.destroyed]).toEqual([2, false]);
  for (const socket of all) socket.destroy();
});
