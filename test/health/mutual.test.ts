/** Health checks of applications behind a sidecar: what the checks say is about the application, and under mutual TLS. */
import { createServer, type Server } from "node:http";
import { createSecureServer, type ServerHttp2Stream } from "node:http2";
import net, { type AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { InboundPort } from "../../src/discovery/listener.ts";
import type { Protocol } from "../../src/discovery/messages.ts";
import type { Change } from "../../src/proxy/snapshot/loop-protocol.ts";
import { type RunningLoop, startLoop } from "../harness/loop.ts";
import { policy, policyOf } from "../policy/protected.ts";
import { HANDSHAKES, inboundAt, secret, secretFor } from "../tls/pair.ts";
import { RIGHT } from "../tls/stranger.ts";
import { asker, clusterOf, endpointAt, GET, GRPC, TCP } from "./ask.ts";
import { grpcHealthServer } from "./grpc-server.ts";

let server: RunningLoop;
let closers: (() => void)[];

beforeEach(async () => {
  closers = [];
  server = await startLoop();
  closers.push(() => void server.close());
});
afterEach(() => {
  for (const close of closers) close();
});

function inbound(appPort: number, protocol: Protocol): Change {
  const change = inboundAt(appPort, "STRICT");
  if (change.kind !== "listener" || change.resource.name !== "inbound") throw new TypeError("a listener");
  const ports: InboundPort[] = change.resource.ports.map((port) => ({ ...port, protocol }));
  return { ...change, resource: { ...change.resource, ports } };
}

async function behindSidecar(app: Pick<Server, "listen" | "close" | "address">, protocol: Protocol) {
  await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", () => resolve()));
  closers.push(() => app.close());
  const { port } = app.address() as AddressInfo;
  await server.apply([secret("shop"), inbound(port, protocol)]);
  return { stop: () => app.close() };
}

const endpoint = () => endpointAt(server.inboundPort, { tls: "mutual" });
const CLIENT = { secret: secretFor("client") };

describe("HTTP", () => {
  it("the application is asked by the Service's name, and its status decides", async () => {
    let status = 200;
    const seen: string[] = [];
    await behindSidecar(
      createServer((request, response) => {
        seen.push(
          `${request.method} ${request.url} ${request.headers.host} ${request.headers["user-agent"]}`,
        );
        response.writeHead(status).end("well");
      }),
      "http1",
    );
    const { ask } = asker(clusterOf({ ...GET, path: "/healthz?deep=1" } as typeof GET), endpoint(), CLIENT);
    expect(await ask()).toBe("pass");
    status = 503;
    expect(await ask()).toBe("HTTP 503");
    expect(seen).toEqual(Array(2).fill("GET /healthz?deep=1 shop.default:80 weft-health-check"));
    expect(server.read(HANDSHAKES, { listener: "inbound", kind: "full" })).toBe(1);
    expect(server.read(HANDSHAKES, { listener: "inbound", kind: "resumed" })).toBe(1);
  });

  it("an application that is not there fails, with what its sidecar says", async () => {
    await server.apply([secret("shop"), inbound(1, "http1")]);
    expect(await asker(clusterOf(GET), endpoint(), CLIENT).ask()).toMatch(/^HTTP 503 \(UF; /);
    expect(await asker(clusterOf(TCP), endpoint(), CLIENT).ask()).toMatch(/^HTTP 503 \(UF; /);
  });

  it("TCP of a port that speaks HTTP is any answer of the application", async () => {
    await behindSidecar(
      createServer((_, response) => response.writeHead(500).end()),
      "http1",
    );
    expect(await asker(clusterOf(TCP), endpoint(), CLIENT).ask()).toBe("pass");
  });

  it("a probe that policy refuses has failed", async () => {
    await behindSidecar(
      createServer((_, response) => response.end()),
      "http1",
    );
    await server.apply([{ kind: "policy", resource: policyOf(policy("p", {})) }]);
    expect(await asker(clusterOf(GET), endpoint(), CLIENT).ask()).toMatch(/^HTTP 403 \(UAEX; /);
  });
});

describe("ports that do not speak HTTP", () => {
  it("TCP reaches the application, and says goodbye", async () => {
    const ends: string[] = [];
    const app = net.createServer((socket) => {
      socket.write("+HELLO\r\n");
      socket
        .resume()
        .on("end", () => ends.push("end"))
        .on("error", (error) => ends.push(error.message));
    });
    await behindSidecar(app as unknown as Server, "tcp");
    expect(await asker(clusterOf(TCP, "tcp"), endpoint(), CLIENT).ask()).toBe("pass");
    await expect.poll(() => ends).toEqual(["end"]);
    await server.apply([inbound(1, "tcp")]);
    expect(await asker(clusterOf(TCP, "tcp"), endpoint(), CLIENT).ask()).toMatch(/^HTTP 503 \(UF; /);
  });

  it("gRPC and HTTP go through the tunnel", async () => {
    const grpc = await grpcHealthServer();
    closers.push(grpc.close);
    await server.apply([secret("shop"), inbound(grpc.port, "tcp")]);
    const { ask } = asker(clusterOf(GRPC, "tcp"), endpoint(), CLIENT);
    expect(await ask()).toBe("pass");
    grpc.answer({ status: 2 });
    expect(await ask()).toBe("NOT_SERVING");
    await behindSidecar(
      createServer((_, response) => response.writeHead(204).end()),
      "tcp",
    );
    expect(await asker(clusterOf(GET, "tcp"), endpoint(), CLIENT).ask()).toBe("pass");
  });
});

describe("who answers", () => {
  const REFUSED = /^TLS: wrong_identity: expected .*\/sa\/cart, found .*\/sa\/shop$/;

  it("nobody but the workload that the configuration says is there is asked anything", async () => {
    const seen: string[] = [];
    await behindSidecar(
      createServer((request, response) => {
        seen.push(request.url ?? "");
        response.end();
      }),
      "http1",
    );
    const cart = { ...endpoint(), serviceAccount: "cart" };
    for (const probe of [GET, TCP]) {
      const { ask } = asker(clusterOf(probe), cart, CLIENT);
      expect(await ask()).toMatch(REFUSED);
      expect(await ask()).toMatch(REFUSED);
    }
    expect(seen).toEqual([]);
  });

  it("without a certificate of its own a sidecar says nothing of the endpoint", async () => {
    await behindSidecar(
      createServer((_, response) => response.end()),
      "http1",
    );
    const { ask, reach } = asker(clusterOf(GET), endpoint());
    expect(await ask()).toBe("unknown");
    reach.setSecret(CLIENT.secret);
    expect(await ask()).toBe("pass");
    reach.setSecret({ ...CLIENT.secret, notAfter: Date.now() - 1_000 });
    expect(await ask()).toBe("unknown");
  });

  it("what is not TLS, or not there, says so", async () => {
    const app = net.createServer((socket) => socket.end("HTTP/1.1 200 OK\r\n\r\n"));
    await behindSidecar(app as unknown as Server, "http1");
    const plain = endpointAt((app.address() as AddressInfo).port, { tls: "mutual" });
    expect(await asker(clusterOf(GET), plain, CLIENT).ask()).toBe("TLS: plaintext");
    expect(await asker(clusterOf(GET), endpointAt(1, { tls: "mutual" }), CLIENT).ask()).toBe("ECONNREFUSED");
  });

  it("gRPC goes as HTTP/2 to a peer that speaks it, and fails at one that does not", async () => {
    const app = createSecureServer({ ...RIGHT, requestCert: true, rejectUnauthorized: false });
    app.on("stream", (stream: ServerHttp2Stream) => {
      stream.respond({ ":status": 200 }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(Buffer.from([0, 0, 0, 0, 2, 0x08, 1]));
    });
    await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", () => resolve()));
    closers.push(() => app.close());
    const { port } = app.address() as AddressInfo;
    const peer = endpointAt(port, { tls: "mutual", serviceAccount: "web" });
    expect(await asker(clusterOf(GRPC), peer, CLIENT).ask()).toBe("pass");
    await server.apply([secret("shop"), inbound(1, "http1")]);
    expect(await asker(clusterOf(GRPC), endpoint(), CLIENT).ask()).toBe("TLS: no_application_protocol");
  });
});
