/** New certificates and new roots under load: nobody's request notices (hostile input 38, the data plane's part). */
import net from "node:net";
import { expect, it } from "vitest";
import type { Change } from "../../src/proxy/snapshot/loop-protocol.ts";
import { OUTBOUND, startLoop } from "../harness/loop.ts";
import { makeCa, pemOf } from "../identity/pki.ts";
import { root } from "../identity/refused-certificates.ts";
import { FAILURES, GET, HANDSHAKES, leafFor, secret, shopAt, startPair } from "./pair.ts";

const KEEP = GET.replace("Connection: close\r\n", "");

interface Load {
  readonly statuses: Map<string, number>;
  stop(): Promise<void>;
}

/** `clients` that ask without pause, each on a connection that it renews now and then. */
function load(port: number, clients: number): Load {
  const statuses = new Map<string, number>();
  let isStopped = false;
  const client = async (): Promise<void> => {
    while (!isStopped)
      await someRequests(
        port,
        20,
        (status) => statuses.set(status, (statuses.get(status) ?? 0) + 1),
        () => isStopped,
      );
  };
  const all = Array.from({ length: clients }, client);
  return {
    statuses,
    stop: async () => {
      isStopped = true;
      await Promise.all(all);
    },
  };
}

function someRequests(
  port: number,
  count: number,
  onStatus: (status: string) => void,
  isStopped: () => boolean,
): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: "127.0.0.1", noDelay: true }, () => socket.write(KEEP));
    let left = count;
    socket.on("data", (chunk) => {
      onStatus(chunk.toString("latin1", 9, 12));
      if (--left > 0 && !isStopped()) socket.write(KEEP);
      else socket.end();
    });
    socket.on("error", () => onStatus("error"));
    socket.on("close", () => resolve());
  });
}

it("certificates are renewed and the root is changed in steps, and no request fails", async () => {
  const pair = await startPair();
  const running = load(pair.client.outboundPort, 8);
  const next = makeCa("next");
  const both = pemOf(root, next);
  const turn = async (step: () => Promise<void>) => {
    await step();
    await new Promise((resolve) => setTimeout(resolve, 100));
  };
  // As often as a renewal would: both ends, at different times.
  for (let round = 0; round < 3; round++) {
    await turn(() => pair.server.apply([secret("shop")]));
    await turn(() => pair.client.apply([secret("client")]));
  }
  // Distribute the new root, reissue the leaves, retire the old root.
  await turn(() => pair.server.apply([secret("shop", undefined, both)]));
  await turn(() => pair.client.apply([secret("client", undefined, both)]));
  await turn(() => pair.server.apply([secret("shop", leafFor("shop", {}, next), both)]));
  await turn(() => pair.client.apply([secret("client", leafFor("client", {}, next), both)]));
  await turn(() => pair.server.apply([secret("shop", leafFor("shop", {}, next), pemOf(next))]));
  await turn(() => pair.client.apply([secret("client", leafFor("client", {}, next), pemOf(next))]));
  await running.stop();
  const handshakes = pair.client.read(HANDSHAKES, { listener: "outbound" });
  expect([...running.statuses.keys()]).toEqual(["200"]);
  expect(running.statuses.get("200")).toBeGreaterThan(100);
  // Not one connection was closed for it: there are no more than clients at one time.
  expect(handshakes).toBeLessThanOrEqual(8);
  await pair.close();
});

it("so they are where every step begins new connections", async () => {
  const pair = await startPair();
  const next = makeCa("next");
  const both = pemOf(root, next);
  const newShop = leafFor("shop", {}, next);
  const newClient = leafFor("client", {}, next);
  const steps: readonly (readonly [server: Change, client: Change])[] = [
    [secret("shop", undefined, both), secret("client")],
    [secret("shop", undefined, both), secret("client", undefined, both)],
    [secret("shop", newShop, both), secret("client", undefined, both)],
    [secret("shop", newShop, both), secret("client", newClient, both)],
    [secret("shop", newShop, pemOf(next)), secret("client", newClient, both)],
    [secret("shop", newShop, pemOf(next)), secret("client", newClient, pemOf(next))],
  ];
  for (const [server, ofClient] of steps) {
    await pair.server.apply([server]);
    // A loop of its own has no connection from before.
    const client = await startLoop();
    const listener: Change = { kind: "listener", resource: OUTBOUND };
    await client.apply([ofClient, listener, ...shopAt(pair.server.inboundPort)]);
    const running = load(client.outboundPort, 4);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await running.stop();
    expect([...running.statuses.keys()]).toEqual(["200"]);
    expect(client.read(HANDSHAKES, { kind: "full" })).toBeGreaterThanOrEqual(1);
    expect(client.read(FAILURES, {})).toBe(0);
    await client.close();
  }
  expect(pair.server.read(FAILURES, {})).toBe(0);
  await pair.close();
});
