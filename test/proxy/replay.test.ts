/** A request that a dead pooled connection took along is sent again, and is the same request. */
import { once } from "node:events";
import net from "node:net";
import { expect, it } from "vitest";
import { clusterAt, OUTBOUND, plainRoute, startLoop } from "../harness/loop.ts";
import { rawOrigin } from "../harness/raw.ts";

it("to the letter, also where the path was spelt otherwise", async () => {
  const seen: string[] = [];
  // Each connection answers one request and dies of the second.
  const counts = new WeakMap<net.Socket, number>();
  const origin = await rawOrigin((_all, socket, text) => {
    const count = (counts.get(socket) ?? 0) + 1;
    counts.set(socket, count);
    if (count > 1) {
      socket.resetAndDestroy();
      return;
    }
    seen.push(text);
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  const loop = await startLoop();
  await loop.apply([
    { kind: "listener", resource: OUTBOUND },
    ...clusterAt("shop", [origin.port]),
    ...plainRoute("shop"),
  ]);
  const targets = ["/first", "/a//b/../c%41?x=/../y", "/%61//%62", "http://shop//a/./b/", "/last"];
  const socket = net.connect(loop.outboundPort, "127.0.0.1");
  for (const [i, target] of targets.entries()) {
    socket.write(`GET ${target} HTTP/1.1\r\nHost: shop\r\nX-Number: ${i}\r\n\r\n`);
    const [answer] = await once(socket, "data");
    expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /);
  }
  expect(seen.map((text) => /^GET (\S+) .*?x-number: (\d)/is.exec(text)?.slice(1))).toEqual([
    ["/first", "0"],
    ["/a/cA?x=/../y", "1"],
    ["/a/b", "2"],
    ["/a/b/", "3"],
    ["/last", "4"],
  ]);
  expect(origin.connections).toBe(targets.length);
  socket.destroy();
  await loop.close();
  await origin.close();
});
