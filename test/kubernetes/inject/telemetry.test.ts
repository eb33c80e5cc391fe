/** The other half of an injection: a real sidecar asks a real application what the kubelet and Prometheus want to know of it. */

import { once } from "node:events";
import { createServer as createHttp, request } from "node:http";
import { createServer as createHttps } from "node:https";
import { type AddressInfo, createServer as createTcp, type Server } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { injectPod } from "../../../src/inject/inject.ts";
import { readAppProbes } from "../../../src/proxy/admin/app-probe-table.ts";
import { freePort } from "../../harness/free-ports.ts";
import { type HttpOrigin, httpOrigin } from "../../harness/http-origin.ts";
import { startTestSidecar } from "../../harness/sidecar.ts";
import { grpcHealthServer } from "../../health/grpc-server.ts";
import { contextOf, leafExtensions, makeLeaf, namesExtension } from "../../identity/pki.ts";
import { root } from "../../identity/refused-certificates.ts";
import { InMemoryDiscovery } from "../../sidecar/in-memory-discovery.ts";
import { SETTINGS } from "./pods.ts";
import type { AnyPod } from "./schema.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Injects a pod, and starts the sidecar that it would have, as far as its telemetry port goes. */
async function sidecarOf(containers: readonly object[], annotations: Readonly<Record<string, string>> = {}) {
  const result = injectPod({ metadata: { annotations }, spec: { containers } }, SETTINGS);
  if (result.kind !== "injected") throw new Error(result.kind);
  const pod = result.pod as unknown as AnyPod;
  const env = (pod.spec.initContainers?.[1]?.env ?? []) as readonly { name: string; value?: string }[];
  const variable = (name: string) => env.find((one) => one.name === name)?.value?.replaceAll("$$", "$");
  const probes = readAppProbes(variable("WEFT_APP_PROBES") ?? "{}");
  if (typeof probes === "string") throw new Error(probes);
  const metrics = variable("WEFT_APP_METRICS");
  const sidecar = await startTestSidecar({
    connect: new InMemoryDiscovery().connect,
    application: metrics === undefined ? { probes } : { probes, metrics },
  });
  closers.push(() => sidecar.close());
  return {
    pod,
    ask: (path: string, headers: Record<string, string> = {}, port = sidecar.ports.telemetry) =>
      ask(port, path, headers),
    admin: (path: string) => ask(sidecar.ports.admin, path, {}),
  };
}

function ask(
  port: number,
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  const asked = request({ host: "127.0.0.1", port, path, headers, agent: false }, (response) => {
    let body = "";
    response.setEncoding("utf8").on("data", (chunk: string) => {
      body += chunk;
    });
    response.on("end", () => resolve({ status: response.statusCode ?? 0, body: body.trim() }));
  });
  asked.on("error", reject);
  asked.end();
  return promise;
}

async function application(answer: Parameters<typeof httpOrigin>[0]): Promise<HttpOrigin> {
  const origin = await httpOrigin(answer);
  closers.push(() => origin.close());
  return origin;
}

async function listening(server: Server, host = "127.0.0.1"): Promise<number> {
  server.listen(0, host);
  await once(server, "listening");
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

describe("HTTP probes", () => {
  it("reach the application as the kubelet would have asked", async () => {
    const app = await application((response) => {
      response.statusCode = 418;
      response.end("short and stout");
    });
    const httpHeaders = [{ name: "X-Probe", value: "$(A) $$" }];
    const { pod, ask } = await sidecarOf([
      {
        name: "web",
        ports: [{ name: "http", containerPort: app.port }],
        livenessProbe: { httpGet: { path: "/live?a=b", port: "http", httpHeaders }, timeoutSeconds: 5 },
      },
    ]);
    expect(pod.spec.containers[0]?.["livenessProbe"]).toEqual({
      httpGet: { path: "/app-health/web/livez", port: 15_020 },
      timeoutSeconds: 5,
    });
    const kubelet = { host: "198.18.0.7:15020", "user-agent": "kube-probe/1.33" };
    expect(await ask("/app-health/web/livez", kubelet)).toEqual({ status: 418, body: "short and stout" });
    expect(app.seen).toMatchObject([
      {
        method: "GET",
        url: "/live?a=b",
        headers: { host: `198.18.0.7:${app.port}`, "user-agent": "kube-probe/1.33", "x-probe": "$(A) $$" },
      },
    ]);
    expect((await ask("/app-health/web/readyz")).status).toBe(404);
  });

  it("the probe's own Host wins, redirects within the host are followed, others are an answer", async () => {
    const app = await application((response, { url }) => {
      if (url === "/a") response.writeHead(302, { location: "/b" });
      if (url === "/c") response.writeHead(302, { location: "http://elsewhere.example/" });
      if (url === "/loop") response.writeHead(302, { location: "/loop" });
      response.end(url);
    });
    const probe = (path: string) => ({
      httpGet: { path, port: app.port, httpHeaders: [{ name: "Host", value: "shop.example" }] },
    });
    const { ask } = await sidecarOf([
      { name: "web", livenessProbe: probe("/a"), readinessProbe: probe("/c"), startupProbe: probe("/loop") },
    ]);
    expect(await ask("/app-health/web/livez")).toEqual({ status: 200, body: "/b" });
    expect((await ask("/app-health/web/readyz")).status).toBe(302);
    expect(await ask("/app-health/web/startupz")).toEqual({ status: 503, body: "too many redirects" });
    expect(app.seen.every(({ headers }) => headers.host === "shop.example")).toBe(true);
  });

  it("over TLS, whoever signed the certificate", async () => {
    const leaf = makeLeaf(root, {
      extensions: leafExtensions({ names: namesExtension(["dns", "other.example"]) }),
    });
    const port = await listening(
      createHttps(contextOf(leaf), (_request, response) => response.end("secret")),
    );
    const { ask } = await sidecarOf([
      { name: "web", readinessProbe: { httpGet: { scheme: "HTTPS", port, path: "/" } } },
    ]);
    expect(await ask("/app-health/web/readyz")).toEqual({ status: 200, body: "secret" });
  });

  it("fail when nobody listens, and when no answer comes in the probe's time", async () => {
    const silent = await listening(createTcp((socket) => socket.on("error", () => {})));
    const { ask } = await sidecarOf([
      {
        name: "web",
        livenessProbe: { httpGet: { port: await freePort(), path: "/" } },
        readinessProbe: { httpGet: { port: silent, path: "/" }, timeoutSeconds: 1 },
      },
    ]);
    expect(await ask("/app-health/web/livez")).toEqual({ status: 503, body: "ECONNREFUSED" });
    expect(await ask("/app-health/web/readyz")).toEqual({ status: 503, body: "no answer in time" });
  });

  it("hooks go the same way", async () => {
    const app = await application((response) => response.end("drained"));
    const { pod, ask } = await sidecarOf([
      { name: "web", lifecycle: { preStop: { httpGet: { path: "/drain", port: app.port } } } },
    ]);
    const path = "/app-lifecycle/web/prestopz";
    expect(pod.spec.containers[0]?.["lifecycle"]).toEqual({ preStop: { httpGet: { path, port: 15_020 } } });
    expect(await ask(path)).toEqual({ status: 200, body: "drained" });
  });
});

it("a header that the probe has twice comes twice", async () => {
  const app = await application((response) => response.end());
  const httpHeaders = ["1", "2"].map((value) => ({ name: "X-A", value }));
  const { ask } = await sidecarOf([
    { name: "web", livenessProbe: { httpGet: { port: app.port, httpHeaders } } },
  ]);
  expect((await ask("/app-health/web/livez")).status).toBe(200);
  expect(app.seen[0]?.headers["x-a"]).toBe("1, 2");
});

it("fields that are null are fields that are not there, as the API server has it", async () => {
  const app = await application((response) => response.end("well"));
  const { pod, ask } = await sidecarOf([
    {
      name: "web",
      livenessProbe: {
        ...{ exec: null, tcpSocket: null, timeoutSeconds: null },
        httpGet: { path: null, host: null, scheme: null, httpHeaders: null, port: app.port },
      },
      readinessProbe: { httpGet: { port: app.port, httpHeaders: [{ name: "X-A", value: null }] } },
    },
  ]);
  expect(pod.spec.containers[0]?.["livenessProbe"]).toMatchObject({
    httpGet: { path: "/app-health/web/livez" },
  });
  expect(await ask("/app-health/web/livez")).toEqual({ status: 200, body: "well" });
  expect(await ask("/app-health/web/readyz")).toEqual({ status: 200, body: "well" });
});

it("an application that listens on IPv6 alone is asked there", async () => {
  const port = await listening(
    createHttp((_request, response) => response.end("six 6\n")),
    "::1",
  );
  const probes = {
    livenessProbe: { httpGet: { path: "/", port } },
    readinessProbe: { tcpSocket: { port } },
  };
  const { ask } = await sidecarOf([{ name: "web", ...probes }], {
    "prometheus.io/scrape": "true",
    "prometheus.io/port": String(port),
  });
  expect(await ask("/app-health/web/livez")).toEqual({ status: 200, body: "six 6" });
  expect((await ask("/app-health/web/readyz")).status).toBe(200);
  expect((await ask("/metrics")).body).toContain("six 6");
});

it("TCP probes: a connection is enough", async () => {
  const port = await listening(createTcp((socket) => void socket.on("error", () => {}).resume()));
  const { ask } = await sidecarOf([
    {
      name: "db",
      livenessProbe: { tcpSocket: { port } },
      readinessProbe: { tcpSocket: { port: await freePort() } },
    },
  ]);
  expect((await ask("/app-health/db/livez")).status).toBe(200);
  expect(await ask("/app-health/db/readyz")).toEqual({ status: 503, body: "ECONNREFUSED" });
});

it("gRPC probes: SERVING, of the service that is named", async () => {
  const server = await grpcHealthServer();
  closers.push(() => server.close());
  const { port } = server;
  const { ask } = await sidecarOf([{ name: "api", readinessProbe: { grpc: { port, service: "shop" } } }]);
  expect((await ask("/app-health/api/readyz")).status).toBe(200);
  server.answer({ status: 2 });
  expect(await ask("/app-health/api/readyz")).toEqual({ status: 503, body: "NOT_SERVING" });
  expect(server.calls.at(-1)).toContain("shop");
});

describe("metrics", () => {
  const scraped = (port: number) => ({
    "prometheus.io/scrape": "true",
    "prometheus.io/port": String(port),
    "prometheus.io/path": "/m?x=1",
  });

  it("the application's below the sidecar's; of two of a name the application's", async () => {
    const text =
      "# TYPE shop_orders_total counter\nshop_orders_total 7\n# TYPE process_open_fds gauge\nprocess_open_fds 3";
    const app = await application((response) => {
      response.setHeader("content-type", "text/plain; version=0.0.4");
      response.end(text);
    });
    const { ask, admin } = await sidecarOf([{ name: "web" }], scraped(app.port));
    const { body } = await ask("/metrics");
    expect(app.seen[0]?.url).toBe("/m?x=1");
    expect(body).toContain("weft_build_info{");
    expect(body).toContain("weft_app_metrics_up 1\n");
    expect(body.endsWith(text)).toBe(true);
    expect(body.match(/^process_open_fds /gm)).toHaveLength(1);
    expect((await admin("/metrics")).body).not.toContain("shop_orders_total");
  });

  it.each([
    ["is not there", undefined],
    ["answers 500", (response: import("node:http").ServerResponse) => response.writeHead(500).end()],
    [
      "answers HTML",
      (response: import("node:http").ServerResponse) =>
        response.writeHead(200, { "content-type": "text/html" }).end("<p>"),
    ],
    [
      "sends more than 16 MiB",
      (response: import("node:http").ServerResponse) => response.end(Buffer.alloc(17 * 1_048_576, "a")),
    ],
    [
      "breaks off",
      (response: import("node:http").ServerResponse) =>
        void response.write("a 1\n", () => response.destroy()),
    ],
  ])("an application that %s leaves the sidecar's own", async (_what, answer) => {
    const port = answer === undefined ? await freePort() : (await application(answer)).port;
    const { ask } = await sidecarOf([{ name: "web" }], scraped(port));
    const { status, body } = await ask("/metrics");
    expect(status).toBe(200);
    expect(body).toContain("weft_app_metrics_up 0");
    expect(body).toContain("weft_build_info{");
    expect(body).not.toContain("aaaa");
  });
});
