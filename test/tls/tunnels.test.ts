/** TCP through two sidecars: CONNECT on the hop, so that it goes under mutual TLS too. */
import net from "node:net";
import { connect } from "node:tls";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { InboundPort } from "../../src/discovery/listener.ts";
import type { Protocol } from "../../src/discovery/messages.ts";
import type { Change } from "../../src/proxy/snapshot/loop-protocol.ts";
import { OUTBOUND, type RunningLoop, startLoop } from "../harness/loop.ts";
import { exchangeBytes } from "../harness/raw.ts";
import { policy, policyOf } from "../policy/protected.ts";
import { HANDSHAKES, inboundAt, secret, shopAt, until } from "./pair.ts";
import { NO_HOST_NAME, RIGHT } from "./stranger.ts";

const CONNECT = "CONNECT shop:80 HTTP/1.1\r\nHost: shop:80\r\n\r\n";

let client: RunningLoop;
let server: RunningLoop;
let app: net.Server;
let received: string;
let appSockets: Set<net.Socket>;

/** The changes with every port and cluster of another protocol. */
function speaking(protocol: Protocol, changes: readonly Change[]): Change[] {
  return changes.map((change) => {
    if (change.kind === "cluster") return { ...change, resource: { ...change.resource, protocol } };
    if (change.kind === "route" && protocol === "tcp") {
      const opaque = { backends: [{ weight: 1, cluster: "shop.default:80" }], isCertain: true };
      return { ...change, resource: { ...change.resource, opaque } };
    }
    if (change.kind !== "listener" || change.resource.name !== "inbound") return change;
    const ports: InboundPort[] = change.resource.ports.map((port) => ({ ...port, protocol }));
    return { ...change, resource: { ...change.resource, ports } };
  });
}

beforeEach(async () => {
  received = "";
  appSockets = new Set();
  // Speaks first, and then echoes.
  app = net.createServer({ allowHalfOpen: true }, (socket) => {
    appSockets.add(socket);
    socket.write("+HELLO\r\n");
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
      socket.write(chunk);
    });
    socket.on("end", () => socket.end("+BYE\r\n"));
    socket.on("error", () => {});
    socket.on("close", () => appSockets.delete(socket));
  });
  await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
  [client, server] = await Promise.all([startLoop(), startLoop()]);
  const { port } = app.address() as net.AddressInfo;
  await server.apply([secret("shop"), ...speaking("tcp", [inboundAt(port, "STRICT")])]);
  const listener: Change = { kind: "listener", resource: OUTBOUND };
  await client.apply([secret("client"), listener, ...speaking("tcp", shopAt(server.inboundPort))]);
});

afterEach(async () => {
  await Promise.all([client.close(), server.close()]);
  for (const socket of appSockets) socket.destroy();
  app.close();
});

it("bytes pass both ways, the server's first, and each side ends by itself", async () => {
  const socket = net.connect({ port: client.outboundPort, host: "127.0.0.1", allowHalfOpen: true });
  let got = "";
  socket.on("data", (chunk: Buffer) => {
    got += chunk.toString("latin1");
  });
  socket.write(CONNECT);
  await until(() => got.endsWith("+HELLO\r\n"), "a greeting");
  expect(got).toBe("HTTP/1.1 200 Connection Established\r\n\r\n+HELLO\r\n");
  socket.write("PING\r\n");
  await until(() => got.endsWith("PING\r\n"), "an echo");
  expect(client.read(HANDSHAKES, { listener: "outbound" })).toBe(1);
  socket.end();
  await until(() => got.endsWith("+BYE\r\n"), "an end");
  expect(received).toBe("PING\r\n");
  await until(() => appSockets.size === 0, "the application's connection is closed");
});

it("what the client sends early arrives behind the greeting", async () => {
  const answer = await exchangeBytes(client.outboundPort, [`${CONNECT}EARLY\r\n`], { end: true });
  expect(answer).toBe("HTTP/1.1 200 Connection Established\r\n\r\n+HELLO\r\nEARLY\r\n+BYE\r\n");
});

it("megabytes pass whole through a slow reader", async () => {
  const size = 4 * 1_048_576;
  const socket = net.connect(client.outboundPort, "127.0.0.1");
  socket.write(CONNECT);
  for (let sent = 0; sent < size; sent += 65_536) socket.write(Buffer.alloc(65_536, "x"));
  let length = 0;
  for await (const chunk of socket) {
    length += chunk.length;
    await new Promise((resolve) => setImmediate(resolve));
    if (length >= size + CONNECT.length) break;
  }
  expect(length).toBeGreaterThanOrEqual(size);
  socket.destroy();
});

it("a tunnel and requests share a hop, and a client that breaks off ends its tunnel alone", async () => {
  const first = net.connect(client.outboundPort, "127.0.0.1", () => first.write(CONNECT));
  const second = net.connect(client.outboundPort, "127.0.0.1", () => second.write(CONNECT));
  await until(() => appSockets.size === 2, "two tunnels");
  first.resetAndDestroy();
  await until(() => appSockets.size === 1, "one is over");
  let got = "";
  second.on("data", (chunk: Buffer) => {
    got += chunk.toString("latin1");
  });
  second.write("STILL\r\n");
  await until(() => got.endsWith("STILL\r\n"), "an echo");
  expect(client.read("weft_hop_connections_active", { listener: "outbound" })).toBe(1);
  second.destroy();
});

it("an application that is not there is 503 to the client, with what its sidecar says", async () => {
  await server.apply(speaking("tcp", [inboundAt(1, "STRICT")]));
  const answer = await exchangeBytes(client.outboundPort, [CONNECT], { end: true });
  expect(answer).toMatch(/^HTTP\/1\.1 503 /);
  expect(answer).toContain("tunnel_refused");
  expect(answer).toContain("UF; ");
});

it("a sidecar tunnels to ports that do not speak HTTP alone, and for peers alone", async () => {
  await server.apply([inboundAt((app.address() as net.AddressInfo).port, "PERMISSIVE")]);
  const answer = await exchangeBytes(client.outboundPort, [CONNECT], { end: true });
  expect(answer).toMatch(/^HTTP\/1\.1 503 [\s\S]*tunnel_refused[^\r]*CONNECT is for the outbound port/);
  await server.apply(speaking("tcp", [inboundAt((app.address() as net.AddressInfo).port, "PERMISSIVE")]));
  const plain = await exchangeBytes(server.inboundPort, [CONNECT], { end: true });
  expect(plain).toMatch(/^HTTP\/1\.1 405 /);
  expect(received).toBe("");
});

it("a peer that is no sidecar may tunnel as well", async () => {
  const socket = connect({ ...RIGHT, ...NO_HOST_NAME, host: "127.0.0.1", port: server.inboundPort });
  let got = "";
  socket.on("data", (chunk: Buffer) => {
    got += chunk.toString("latin1");
  });
  socket.write(`${CONNECT}PING\r\n`);
  await until(() => got.endsWith("PING\r\n"), "an echo");
  socket.destroy();
});

const PORT = () => (app.address() as net.AddressInfo).port;
const CLIENT = { principals: ["cluster.local/ns/default/sa/client"] };

it.each<[string, () => object, number]>([
  [
    "DENY of a path: what only HTTP has is left out",
    () => ({ action: "DENY", rules: [to({ paths: ["/x"] })] }),
    403,
  ],
  [
    "DENY of a path at another port",
    () => ({ action: "DENY", rules: [to({ paths: ["/x"], notPorts: [PORT()] })] }),
    200,
  ],
  ["ALLOW of a method: it never takes what is not HTTP", () => ({ rules: [to({ methods: ["*"] })] }), 403],
  ["ALLOW of the caller", () => ({ rules: [{ from: [{ source: CLIENT }] }] }), 200],
  ["ALLOW of the port", () => ({ rules: [to({ ports: [PORT()] })] }), 200],
  ["ALLOW of nobody", () => ({}), 403],
])("policy is asked when a tunnel opens: %s", async (_name, spec, status) => {
  await server.apply([{ kind: "policy", resource: policyOf(policy("p", spec())) }]);
  const answer = await exchangeBytes(client.outboundPort, [CONNECT, "PING"], { end: true });
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(received).toBe(status === 200 ? "PING" : "");
});

it("a tunnel that is open stays so when policy changes; the next one is judged by the new", async () => {
  const socket = net.connect(client.outboundPort, "127.0.0.1", () => socket.write(CONNECT));
  let got = "";
  socket.on("data", (chunk: Buffer) => {
    got += chunk.toString("latin1");
  });
  await until(() => got.endsWith("+HELLO\r\n"), "a greeting");
  await server.apply([{ kind: "policy", resource: policyOf(policy("p", {})) }]);
  socket.write("STILL\r\n");
  await until(() => got.endsWith("STILL\r\n"), "an echo");
  expect(await exchangeBytes(client.outboundPort, [CONNECT], { end: true })).toMatch(/^HTTP\/1\.1 403 /);
  socket.destroy();
});

function to(operation: object): object {
  return { to: [{ operation }] };
}
