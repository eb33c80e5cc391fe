/** Health checks of applications without a sidecar: what each kind of check makes of what real servers do. */
import http, { type ServerResponse } from "node:http";
import net from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { HealthProbe } from "../../src/discovery/health-check.ts";
import { asker, clusterOf, endpointAt, GET, GRPC, TCP } from "./ask.ts";
import { type GrpcAnswer, grpcHealthServer } from "./grpc-server.ts";

const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function listening(server: net.Server): Promise<number> {
  const sockets = new Set<net.Socket>();
  server.on("connection", (socket: net.Socket) => sockets.add(socket));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return address !== null && typeof address === "object" ? address.port : 0;
}

/** A server that answers each connection's first bytes with these. */
function saying(text: string): Promise<number> {
  return listening(net.createServer((socket) => socket.once("data", () => socket.end(text))));
}

function serving(answer: (response: ServerResponse, request: http.IncomingMessage) => void): Promise<number> {
  return listening(http.createServer((request, response) => answer(response, request)));
}

const ask = (probe: HealthProbe, port: number) => asker(clusterOf(probe), endpointAt(port)).ask();
/** As `ask`, where there will be no answer. */
const wait = (probe: HealthProbe, port: number) =>
  asker(clusterOf(probe), endpointAt(port), { patienceMs: 200 }).ask();

/** A port of this machine that nobody listens at. */
async function deadPort(): Promise<number> {
  const server = net.createServer();
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe("HTTP", () => {
  it.each<[status: number, expected: (readonly [number, number])[], outcome: string]>([
    [200, [[200, 299]], "pass"],
    [204, [[200, 299]], "pass"],
    [299, [[200, 299]], "pass"],
    [301, [[200, 299]], "HTTP 301"],
    [404, [[200, 299]], "HTTP 404"],
    [503, [[200, 299]], "HTTP 503"],
    [
      404,
      [
        [200, 200],
        [404, 404],
      ],
      "pass",
    ],
    [
      405,
      [
        [200, 200],
        [404, 404],
      ],
      "HTTP 405",
    ],
  ])("%i where %j are expected: %s", async (status, expectedStatuses, outcome) => {
    const port = await serving((response) => response.writeHead(status).end());
    expect(await ask({ kind: "http", path: "/", expectedStatuses }, port)).toBe(outcome);
  });

  it("asks for the path, at the host, on a connection of its own each time", async () => {
    const seen: string[] = [];
    const port = await serving((response, { url, headers, socket }) => {
      seen.push(`${url} ${headers.host} ${headers.connection} ${socket.remotePort}`);
      response.end();
    });
    const probe: HealthProbe = {
      kind: "http",
      path: "/a?b",
      host: "shop.example",
      expectedStatuses: [[200, 200]],
    };
    const { ask: again } = asker(clusterOf(probe), endpointAt(port));
    expect([await again(), await again()]).toEqual(["pass", "pass"]);
    expect(seen.map((line) => line.slice(0, 24))).toEqual(Array(2).fill("/a?b shop.example close "));
    expect(new Set(seen).size).toBe(2);
  });

  it.each<[what: string, answer: string, outcome: RegExp]>([
    ["no HTTP", "SSH-2.0-x\r\n", /^HPE_INVALID/],
    ["nothing", "", /^ECONNRESET$/],
    ["a body that breaks off", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", /^ECONNRESET$/],
    ["a body without end, within reason", `HTTP/1.1 200 OK\r\n\r\n${"x".repeat(100_000)}`, /^pass$/],
    ["an interim answer first", "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", /^pass$/],
    ["a switch of protocols", "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", /^HTTP 101$/],
    ["a head without end", `HTTP/1.1 200 OK\r\nx: ${"x".repeat(100_000)}`, /^HPE_HEADER_OVERFLOW$/],
  ])("an answer that is %s", async (_what, answer, outcome) => {
    expect(await ask(GET, await saying(answer))).toMatch(outcome);
  });

  it("no answer, half an answer and an endless one hang", async () => {
    expect(await wait(GET, await serving(() => {}))).toBe("hangs");
    expect(await wait(GET, await serving((response) => void response.write("x")))).toBe("hangs");
  });

  it("a refused connection says so", async () => {
    expect(await ask(GET, await deadPort())).toBe("ECONNREFUSED");
  });
});

describe("TCP", () => {
  it("a connection passes, whatever is spoken there; it ends in order", async () => {
    const ends: string[] = [];
    const port = await listening(
      net.createServer((socket) => {
        socket.write("+HELLO\r\n");
        socket.on("data", (chunk) => ends.push(`data ${chunk.length}`));
        socket.on("error", (error) => ends.push(error.message)).on("end", () => ends.push("end"));
      }),
    );
    expect(await ask(TCP, port)).toBe("pass");
    await expect.poll(() => ends).toEqual(["end"]);
  });

  it("a refused connection fails", async () => {
    expect(await ask(TCP, await deadPort())).toBe("ECONNREFUSED");
  });
});

describe("gRPC", () => {
  it.each<[what: string, answer: GrpcAnswer, outcome: string]>([
    ["SERVING", { status: 1 }, "pass"],
    ["UNKNOWN", { status: 0 }, "UNKNOWN"],
    ["NOT_SERVING", { status: 2 }, "NOT_SERVING"],
    ["SERVICE_UNKNOWN", { status: 3 }, "SERVICE_UNKNOWN"],
    ["a status of later", { status: 9 }, "status 9"],
    ["a service it does not know", { grpcStatus: 5, message: "no%20such" }, "grpc-status 5 no such"],
    ["no health service", { grpcStatus: 12 }, "grpc-status 12"],
    ["SERVING, and then a failure", { status: 1, grpcStatus: 14 }, "grpc-status 14"],
    ["no message", { raw: Buffer.alloc(0) }, "an answer that is no HealthCheckResponse"],
    ["HTTP 415", { httpStatus: 415 }, "HTTP 415"],
    ["too much", { raw: Buffer.alloc(100_000) }, "an answer that is too long"],
  ])("%s", async (_what, answer, outcome) => {
    const server = await grpcHealthServer();
    closers.push(server.close);
    server.answer(answer);
    expect(await ask(GRPC, server.port)).toBe(outcome);
  });

  it("asks for the service by name", async () => {
    const server = await grpcHealthServer();
    closers.push(server.close);
    expect(await ask({ kind: "grpc", service: "shop.v1.Catalog" }, server.port)).toBe("pass");
    expect(await ask(GRPC, server.port)).toBe("pass");
    const call = "/grpc.health.v1.Health/Check shop.default:80";
    expect(server.calls).toEqual([`${call} shop.v1.Catalog`, `${call} `]);
  });

  it("what is no HTTP/2, or not there, fails", async () => {
    expect(await ask(GRPC, await saying("HTTP/1.1 400 Bad Request\r\n\r\n"))).toMatch(/^ERR_HTTP2_/);
    expect(await ask(GRPC, await deadPort())).toBe("ECONNREFUSED");
    expect(await wait(GRPC, await listening(net.createServer(() => {})))).toBe("hangs");
  });
});
