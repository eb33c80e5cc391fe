/** TCP services through a real traffic loop: instances that are not there, what bounds connections, and what is counted. */
import net from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { ClusterResource } from "../../src/discovery/messages.ts";
import type { OpaquePort, RouteResource } from "../../src/discovery/route.ts";
import type { Change } from "../../src/proxy/snapshot/loop-protocol.ts";
import { freePort } from "../harness/free-ports.ts";
import { clusterAt, OUTBOUND, plainRoute, type RunningLoop, startLoop } from "../harness/loop.ts";
import { exchangeBytes } from "../harness/raw.ts";

const CONNECT = "CONNECT web:80 HTTP/1.1\r\nHost: web:80\r\n\r\n";
const TO_WEB = { reporter: "source", destination_service_name: "web", request_protocol: "tcp" };

let loop: RunningLoop;
const servers: net.Server[] = [];
const sockets = new Set<net.Socket>();

beforeEach(async () => {
  loop = await startLoop();
});
afterEach(async () => {
  await loop.close();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  for (const server of servers.splice(0)) server.close();
});

/** An instance that greets with its number and echoes. */
async function instance(number: number): Promise<number> {
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.write(`${number};`);
    socket.on("data", (chunk) => socket.write(chunk));
    socket.on("error", () => {});
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as net.AddressInfo).port;
}

async function serve(ports: readonly number[], settings: Partial<ClusterResource> = {}): Promise<void> {
  const changes = [...clusterAt("web", ports), ...plainRoute("web")].map((change): Change => {
    if (change.kind === "cluster")
      return { ...change, resource: { ...change.resource, protocol: "tcp", ...settings } };
    return change.kind === "route" ? leadingTo(change.resource, TO_ITSELF) : change;
  });
  await loop.apply([{ kind: "listener", resource: OUTBOUND }, ...changes]);
}

const TO_ITSELF = [{ weight: 1, cluster: "web.default:80" }];

function leadingTo(route: RouteResource, backends: OpaquePort["backends"]): Change {
  return { kind: "route", resource: { ...route, opaque: { isCertain: true, backends } } };
}

/** A connection that stays open, once it has been greeted; the instance's number, or the status that it was refused with. */
async function open(): Promise<{ readonly socket: net.Socket; readonly greeting: string }> {
  const socket = net.connect(loop.outboundPort, "127.0.0.1");
  sockets.add(socket);
  socket.on("error", () => {});
  socket.write(CONNECT);
  let text = "";
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    const greeting = /^HTTP\/1\.1 200 [^\r]*\r\n\r\n(\d+);/.exec(text) ?? /^HTTP\/1\.1 (\d+)/.exec(text);
    if (greeting?.[1] !== undefined && greeting[1] !== "200") return { socket, greeting: greeting[1] };
  }
  throw new Error(`closed after: ${text}`);
}

it("an instance that refuses connections is passed over for another", async () => {
  await serve([await freePort(), await instance(1), await freePort()]);
  for (let i = 0; i < 10; i++) expect((await open()).greeting).toBe("1");
  expect(loop.read("weft_retries_total", { cluster: "web.default:80" })).toBeGreaterThan(0);
  expect(loop.read("tcp_connections_opened_total", { ...TO_WEB, response_flags: "-" })).toBe(10);
});

it("at most three instances are asked for one connection", async () => {
  await serve(await Promise.all(Array.from({ length: 5 }, freePort)));
  expect((await open()).greeting).toBe("503");
  expect(loop.read("weft_retries_total", { cluster: "web.default:80" })).toBe(2);
});

it("who refuses is ejected, and then nobody asks it", async () => {
  const outlier = { consecutive5xx: 2, baseEjectionMs: 60_000, maxEjectionPercent: 50 };
  await serve([await freePort(), await instance(1)], { outlier });
  for (let i = 0; i < 10; i++) expect((await open()).greeting).toBe("1");
  expect(loop.read("weft_outlier_ejections_total", { cluster: "web.default:80" })).toBe(1);
  expect(loop.read("weft_retries_total", { cluster: "web.default:80" })).toBe(2);
});

it("open connections weigh: the instance with fewer of them gets the next", async () => {
  await serve([await instance(1), await instance(2)]);
  const opened: string[] = [];
  for (let i = 0; i < 20; i++) opened.push((await open()).greeting);
  expect(opened.filter((greeting) => greeting === "1").length).toBe(10);
});

it("there are no more connections than the breaker takes, and one that ends makes room", async () => {
  await serve([await instance(1)], { breaker: { maxConnections: 2 } });
  const [first] = [await open(), await open()];
  expect((await open()).greeting).toBe("503");
  first.socket.destroy();
  await expect.poll(async () => (await open()).greeting).toBe("1");
});

it("bytes are counted while they pass, by destination and direction", async () => {
  await serve([await instance(7)]);
  const { socket } = await open();
  socket.write("12345");
  const read = (name: string) => loop.read(name, TO_WEB);
  await expect.poll(() => read("tcp_sent_bytes_total")).toBe("7;12345".length);
  expect(read("tcp_received_bytes_total")).toBe(5);
  expect(read("tcp_connections_opened_total")).toBe(1);
  expect(read("tcp_connections_closed_total")).toBe(0);
  socket.destroy();
  await expect.poll(() => read("tcp_connections_closed_total")).toBe(1);
  const ends = { destination_workload: "web-0", source_workload: "client", destination_app: "web" };
  expect(loop.read("tcp_sent_bytes_total", { ...TO_WEB, ...ends })).toBe("7;12345".length);
});

it("without instances there is none to ask", async () => {
  await serve([]);
  const answer = await exchangeBytes(loop.outboundPort, [CONNECT], { end: true });
  expect(answer).toMatch(/^HTTP\/1\.1 503 [\s\S]*no_endpoint/);
});

it("a weighted choice of Services, and the share of one that does not exist is refused", async () => {
  const [one, two] = [await instance(1), await instance(2)];
  await serve([one]);
  const other = clusterAt("other", [two]).map(
    (change): Change =>
      change.kind === "cluster" ? { ...change, resource: { ...change.resource, protocol: "tcp" } } : change,
  );
  const split = (backends: OpaquePort["backends"]): Change[] =>
    plainRoute("web").map((change) =>
      change.kind === "route" ? leadingTo(change.resource, backends) : change,
    );
  const [web, elsewhere] = ["web.default:80", "other.default:80"];
  await loop.apply([
    ...other,
    ...split([
      { weight: 1, cluster: web },
      { weight: 2, cluster: elsewhere },
      { weight: 1, reason: "no Service" },
    ]),
  ]);
  const counts = new Map<string, number>();
  for (let i = 0; i < 200; i++) {
    const { greeting, socket } = await open();
    counts.set(greeting, (counts.get(greeting) ?? 0) + 1);
    socket.destroy();
  }
  // Six standard deviations.
  const near = (share: number) => [
    200 * share - 6 * Math.sqrt(200 * share),
    200 * share + 6 * Math.sqrt(200 * share),
  ];
  for (const [greeting, share] of [
    ["1", 0.25],
    ["2", 0.5],
    ["500", 0.25],
  ] as const) {
    const [least = 0, most = 0] = near(share);
    expect(counts.get(greeting), greeting).toBeGreaterThan(least);
    expect(counts.get(greeting), greeting).toBeLessThan(most);
  }
  await loop.apply(split([{ weight: 0, cluster: web }]));
  expect((await open()).greeting).toBe("503");
});
