/** The shapes a message can take, through a real traffic loop: bodies, versions, interim responses, tunnels. */
import { networkInterfaces } from "node:os";
import { afterEach, describe, expect, it } from "vitest";
import type { Change } from "../../src/proxy/snapshot/loop-protocol.ts";
import { clusterAt, OUTBOUND, type RunningLoop, startLoopTo } from "../harness/loop.ts";
import { exchangeBytes, type RawOrigin, rawOrigin } from "../harness/raw.ts";

let loop: RunningLoop | undefined;
let origin: RawOrigin | undefined;

afterEach(async () => {
  await loop?.close();
  await origin?.close();
});

async function serve(answer: Parameters<typeof rawOrigin>[0]): Promise<RunningLoop> {
  origin = await rawOrigin(answer);
  const started = await startLoopTo(origin.port);
  loop = started;
  return started;
}

const request = (line: string, fields = "", body = "") => `${line}\r\nHost: web\r\n${fields}\r\n${body}`;
const CLOSE = "Connection: close\r\n";

describe("bodies", () => {
  it("a chunked response keeps its framing, loses its extensions and passes its trailers", async () => {
    const { outboundPort } = await serve((_, socket) =>
      socket.write(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nSum: 1\r\nHost: evil\r\n\r\n",
      ),
    );
    expect(await exchangeBytes(outboundPort, [request("GET / HTTP/1.1", CLOSE)])).toMatch(
      /5\r\nhello\r\n0\r\nSum: 1\r\n\r\n$/,
    );
  });

  it("an HTTP/1.0 client gets a chunked response as plain bytes until the close", async () => {
    const { outboundPort } = await serve((_, socket) =>
      socket.write(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
      ),
    );
    const answer = await exchangeBytes(outboundPort, [
      "GET / HTTP/1.0\r\nHost: web\r\nConnection: keep-alive\r\n\r\n",
    ]);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\nconnection: close\r\n\r\nhello world$/);
  });

  it("an HTTP/1.0 client that asks keeps its connection", async () => {
    const { outboundPort } = await serve((_, socket) =>
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    );
    const one = "GET / HTTP/1.0\r\nHost: web\r\nConnection: keep-alive\r\n\r\n";
    const answer = await exchangeBytes(outboundPort, [one, "GET / HTTP/1.0\r\nHost: web\r\n\r\n"]);
    expect(answer.split("\r\n\r\nok").length - 1).toBe(2);
    expect(answer).toContain("connection: keep-alive");
  });

  it("a body ended by the close ends the client's connection too", async () => {
    const { outboundPort } = await serve((_, socket) => socket.end("HTTP/1.0 200 OK\r\n\r\nall of it"));
    expect(await exchangeBytes(outboundPort, [request("GET / HTTP/1.1")])).toMatch(
      /connection: close\r\n\r\nall of it$/,
    );
  });

  it("204, 304 and HEAD have no body, whatever their length says, and keep the connection", async () => {
    const { outboundPort } = await serve((seen, socket) => {
      const last = seen.trimEnd().split("\r\n\r\n").at(-1) ?? "";
      const status = last.startsWith("HEAD")
        ? "200 OK"
        : last.includes("/304")
          ? "304 Not Modified"
          : "204 No Content";
      socket.write(
        `HTTP/1.1 ${status}\r\n${status === "204 No Content" ? "" : "Content-Length: 99\r\n"}\r\n`,
      );
    });
    const answer = await exchangeBytes(outboundPort, [
      request("HEAD / HTTP/1.1"),
      request("GET /304 HTTP/1.1"),
      request("GET /204 HTTP/1.1", CLOSE),
    ]);
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 304", "HTTP/1.1 204"]);
    expect(origin?.connections).toBe(1);
  });

  it("a chunked upload arrives byte for byte, split anywhere", async () => {
    const body = "5\r\nhello\r\n6;e=1\r\n world\r\n0\r\n\r\n";
    const bytes = request("POST / HTTP/1.1", `Transfer-Encoding: chunked\r\n${CLOSE}`, body);
    const { outboundPort } = await serve((seen, socket) => {
      if (seen.endsWith("0\r\n\r\n")) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
    for (let cut = 1; cut < bytes.length; cut += 3) {
      if (origin !== undefined) origin.received = "";
      expect(await exchangeBytes(outboundPort, [bytes.slice(0, cut), bytes.slice(cut)])).toMatch(/ok$/);
      expect(origin?.received).toMatch(/\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n$/);
    }
  });

  it("100-continue passes in both directions", async () => {
    let hasContinued = false;
    const { outboundPort } = await serve((seen, socket) => {
      if (!hasContinued) socket.write("HTTP/1.1 100 Continue\r\n\r\n");
      hasContinued = true;
      if (seen.endsWith("hello")) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
    const head = request("POST / HTTP/1.1", `Expect: 100-continue\r\nContent-Length: 5\r\n${CLOSE}`);
    expect(await exchangeBytes(outboundPort, [head, "hello"])).toMatch(
      /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK[\s\S]*ok$/,
    );
    expect(origin?.received).toContain("Expect: 100-continue");
  });

  it("an answer that comes before the body is complete closes both connections", async () => {
    const { outboundPort } = await serve((_, socket) =>
      socket.write("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"),
    );
    const head = request("POST / HTTP/1.1", "Content-Length: 1000000\r\n", "part of it");
    expect(await exchangeBytes(outboundPort, [head])).toMatch(
      /^HTTP\/1\.1 413 [\s\S]*connection: close[\s\S]*no$/,
    );
    await exchangeBytes(outboundPort, [request("GET / HTTP/1.1", CLOSE)]);
    expect(origin?.connections).toBe(2);
  });
});

describe("tunnels", () => {
  it("an upgrade is tunnelled after 101, early bytes included", async () => {
    const { outboundPort } = await serve((seen, socket) => {
      if (seen.endsWith("\r\n\r\n"))
        socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nhi ");
      if (seen.endsWith("late")) socket.end("bye");
    });
    const head = request("GET /ws HTTP/1.1", "Connection: Upgrade\r\nUpgrade: echo\r\n");
    const answer = await exchangeBytes(outboundPort, [`${head}early`, "late"]);
    expect(answer).toMatch(/^HTTP\/1\.1 101 [\s\S]*Upgrade: echo\r\nconnection: upgrade\r\n\r\nhi bye$/);
    expect(origin?.received).toMatch(/connection: upgrade\r\n\r\nearlylate$/);
  });

  it("an upgrade answered by 200 is not tunnelled: the second request is read by Weft", async () => {
    const { outboundPort } = await serve((seen, socket) => {
      if (seen.endsWith("\r\n\r\n")) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
    const head = request("GET /ws HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n");
    const answer = await exchangeBytes(outboundPort, [
      `${head}GET /admin HTTP/1.1\r\nHost: nowhere/\r\n\r\n`,
    ]);
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 400"]);
    expect(origin?.received).not.toContain("/admin");
  });

  it("h2c is not offered to the upstream", async () => {
    const { outboundPort } = await serve((_, socket) =>
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    );
    const fields =
      "Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n";
    expect(await exchangeBytes(outboundPort, [request("GET / HTTP/1.1", fields)])).toMatch(/ok$/);
    expect(origin?.received).not.toMatch(/h2c|http2-settings/i);
  });

  it("CONNECT to a Service answers 200 and the requests inside are routed like any others", async () => {
    const { outboundPort } = await serve((_, socket) =>
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    );
    const answer = await exchangeBytes(outboundPort, [
      "CONNECT web:80 HTTP/1.1\r\nHost: web:80\r\n\r\n",
      request("GET /inside HTTP/1.1", CLOSE),
    ]);
    expect(answer).toMatch(/^HTTP\/1\.1 200 Connection Established\r\n\r\nHTTP\/1\.1 200 OK[\s\S]*ok$/);
    expect(origin?.received).toMatch(/^GET \/inside HTTP\/1\.1\r\n[\s\S]*x-request-id/);
  });

  it("CONNECT to an outside address tunnels bytes under ALLOW_ANY and is refused under REGISTRY_ONLY", async () => {
    const running = await serve((seen, socket) => {
      if (seen.endsWith("ping")) socket.end("pong");
    });
    const connect = `CONNECT 127.0.0.1:${origin?.port} HTTP/1.1\r\nHost: x:1\r\n\r\n`;
    expect(
      await exchangeBytes(running.outboundPort, [
        `${connect.replace("HTTP/1.1\r\n", "HTTP/1.1\r\nConnection: close\r\n")}`,
      ]),
    ).toMatch(/ 502 /);
    await running.apply([{ kind: "listener", resource: { ...OUTBOUND, outboundPolicy: "ALLOW_ANY" } }]);
    const answer = await exchangeBytes(running.outboundPort, [connect, "ping"]);
    expect(answer).toBe("HTTP/1.1 200 Connection Established\r\n\r\npong");
  });

  it("a request that leads back to the sidecar is refused, by whatever address or name", async () => {
    const running = await serve(() => {});
    await running.apply([{ kind: "listener", resource: { ...OUTBOUND, outboundPolicy: "ALLOW_ANY" } }]);
    const { address } = Object.values(networkInterfaces()).flat().at(-1) ?? { address: "127.0.0.1" };
    for (const host of ["localhost", "127.1.2.3", "[::1]", "[::ffff:127.0.0.1]", literal(address)]) {
      const own = `${host}:${running.outboundPort}`;
      const get = `GET http://${own}/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
      expect(await exchangeBytes(running.outboundPort, [get]), host).toMatch(/ 508 /);
      const connect = `CONNECT ${own} HTTP/1.1\r\nHost: ${own}\r\nConnection: close\r\n\r\n`;
      expect(await exchangeBytes(running.outboundPort, [connect]), host).toMatch(/ 508 /);
    }
  });

  it("an endpoint that is this sidecar's outbound port, or an application that is its inbound port, is refused", async () => {
    const running = await serve(() => {});
    const get = "GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n";
    await running.apply(clusterAt("web", [running.outboundPort]));
    expect(await exchangeBytes(running.outboundPort, [get])).toMatch(/ 508 /);
    await running.apply([inboundTo(running.inboundPort)]);
    expect(await exchangeBytes(running.inboundPort, [get])).toMatch(/ 508 /);
  });

  it("a workload may call itself, through its own inbound port", async () => {
    const running = await serve((_seen, socket) =>
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    );
    await running.apply([inboundTo(origin?.port ?? 0), ...clusterAt("web", [running.inboundPort])]);
    const get = "GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n";
    expect(await exchangeBytes(running.outboundPort, [get])).toMatch(/^HTTP\/1.1 200/);
  });
});

function inboundTo(appPort: number): Change {
  return {
    kind: "listener",
    resource: {
      name: "inbound",
      local: OUTBOUND.local,
      limits: OUTBOUND.limits,
      metricPrefix: "istio",
      connectTimeoutMs: 2_000,
      ports: [
        { service: { name: "web", namespace: "default" }, servicePort: 80, appPort, protocol: "http1" },
      ],
    },
  };
}

function literal(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}
