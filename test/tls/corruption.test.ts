/**
 * A way between two sidecars that changes, loses, repeats or cuts bytes of a handshake or of what follows. Whatever it does, each
 * end hears what the other has said, or nothing, and both are alive.
 */
import { once } from "node:events";
import net from "node:net";
import { expect, it } from "vitest";
import { below, seededRandom } from "../harness/random.ts";
import { runs } from "../harness/runs.ts";
import { makeOriginator, startAcceptor, targetAt } from "./in-process.ts";
import { secretFor, until } from "./pair.ts";

/** A handshake and the first words have about this many bytes in each direction. */
const SPAN = 2_600;
/** A damaged length makes an end wait for bytes that never come; the way is closed then. */
const STALL_MS = 60;

type Damage = (bytes: Buffer, at: number, random: () => number) => Buffer;

const DAMAGES: readonly Damage[] = [
  (bytes, at, random) => {
    const other = Buffer.from(bytes);
    other[at] = (other[at] ?? 0) ^ (1 << below(random, 8));
    return other;
  },
  (bytes, at) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]),
  (bytes, at, random) =>
    Buffer.concat([bytes.subarray(0, at), Buffer.of(below(random, 256)), bytes.subarray(at)]),
  (bytes, at) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(0, at), bytes.subarray(at)]),
  (bytes, at) => bytes.subarray(0, at),
];

async function damagingRelay(port: number, random: () => number): Promise<net.Server> {
  const server = net.createServer((client) => {
    const far = net.connect({ port, host: "127.0.0.1", noDelay: true });
    const isUpward = random() < 0.5;
    const at = below(random, SPAN);
    const damage = DAMAGES[below(random, DAMAGES.length)] ?? DAMAGES[0]!;
    pass(client, far, isUpward ? damage : null);
    pass(far, client, isUpward ? null : damage);
    const close = () => {
      client.destroy();
      far.destroy();
    };
    const stall = setTimeout(close, STALL_MS);
    for (const socket of [client, far]) {
      socket.on("data", () => stall.refresh());
      socket.on("error", () => {});
      socket.on("close", () => {
        clearTimeout(stall);
        close();
      });
    }

    function pass(from: net.Socket, to: net.Socket, change: Damage | null): void {
      let passed = 0;
      from.on("data", (chunk: Buffer) => {
        const isHit = change !== null && at >= passed && at < passed + chunk.length;
        to.write(isHit ? change(chunk, at - passed, random) : chunk);
        passed += chunk.length;
      });
      from.on("end", () => to.end());
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

it("damage on the way never becomes words", async () => {
  const { seed, numRuns } = runs(150);
  const acceptor = await startAcceptor(secretFor("shop"));
  const originator = makeOriginator(secretFor("client"));
  const shop = targetAt(acceptor.port, "shop");
  const ends = new Map<string, number>();
  for (let i = 0; i < numRuns; i++) {
    const random = seededRandom(seed + i * 7_919);
    const relay = await damagingRelay(acceptor.port, random);
    const { port } = relay.address() as net.AddressInfo;
    const heard = await originator.ask({ ...shop, port, session: random() < 0.5 ? shop.session : null });
    relay.close();
    expect(heard, `seed ${seed}, case ${i}`).toMatch(/^(hello|closed|E[A-Z_]+: .*|ERR_[A-Z_0-9/]+: .*)$/s);
    ends.set(heard.split(":")[0] ?? "", (ends.get(heard.split(":")[0] ?? "") ?? 0) + 1);
    if (i % 10 === 0) expect(await originator.ask(shop)).toBe("hello");
  }
  await until(() => acceptor.acceptor.size === 0, "all handshakes have ended");
  expect(await originator.ask(shop)).toBe("hello");
  expect(ends.get("ETLSFAILED")).toBeGreaterThan(numRuns / 5);
  expect(new Set(acceptor.clients.map((client) => client?.id)).size).toBe(1);
  acceptor.close();
});
