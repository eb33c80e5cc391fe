/**
 * From kubectl to a request: a real sidecar enrols with a pod's token, and goes by Services, EndpointSlices and routes as they are written
 * into a real API server. The applications are this machine's own; an EndpointSlice may not name loopback, so they have an address of the
 * range for benchmarks (RFC 2544) while the suite runs.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { requires } from "../../harness/requires.ts";
import { end, firstLine, install, type PlaneProcess, startPlane } from "./control-plane.ts";
import { clusterOfSuite } from "./suite.ts";

const MAIN = fileURLToPath(new URL("../../../src/cli/main.ts", import.meta.url));
const ADDRESS = "198.18.200.1";
const WAIT = { timeout: 15_000, interval: 50 };

requires(
  "kubernetes",
  "root",
  "ip",
)("a sidecar of a real cluster", () => {
  const origins: Server[] = [];
  let plane: PlaneProcess;
  let sidecar: ChildProcess | undefined;
  let outboundPort = 0;
  const suite = clusterOfSuite({}, async (own) => {
    execFileSync("ip", ["address", "replace", `${ADDRESS}/32`, "dev", "lo"]);
    await install(own);
    plane = await startPlane(own, "a");
    const { kubectl, cluster } = own;
    await kubectl("create", "namespace", "shop");
    await kubectl("create", "serviceaccount", "client", "-n", "shop");
    await kubectl("wait", "--for=create", "--timeout=20s", "-n", "shop", "configmap/weft-trust-bundle");
    const spec = { serviceAccountName: "client", containers: [{ name: "app", image: "app" }] };
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "client-0", namespace: "shop" }, spec };
    await kubectl.given(JSON.stringify(pod), "create", "-f", "-");
    const bound = ["--bound-object-kind", "Pod", "--bound-object-name", "client-0"];
    const token = await kubectl("create", "token", "client", "-n", "shop", "--audience", "weft", ...bound);
    const bundle = [
      "get",
      "configmap",
      "weft-trust-bundle",
      "-n",
      "shop",
      "-o",
      "jsonpath={.data.trust-bundle\\.pem}",
    ];
    const [tokenFile, bundleFile] = [join(cluster.folder, "token"), join(cluster.folder, "bundle.pem")];
    writeFileSync(tokenFile, token.trim(), { mode: 0o600 });
    writeFileSync(bundleFile, await kubectl(...bundle));
    const flags = {
      ...{ "control-plane": `127.0.0.1:${plane.discoveryPort}`, "trust-bundle": bundleFile },
      ...{ "kubernetes-token-file": tokenFile, workload: "shop/client-0", "service-account": "client" },
      ...{
        "outbound-port": "0",
        "inbound-port": "0",
        "admin-port": "0",
        "telemetry-port": "0",
        "app-port": "1",
      },
    };
    const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]);
    sidecar = spawn(process.execPath, [MAIN, "sidecar", ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let log = "";
    sidecar.stderr?.setEncoding("utf8").on("data", (text: string) => {
      log += text;
    });
    ({ outboundPort } = (await firstLine(sidecar, () => log)) as { outboundPort: number });
  });
  afterAll(async () => {
    if (sidecar !== undefined) await end(sidecar, "SIGKILL");
    await plane?.stop();
    for (const origin of origins) origin.close();
    execFileSync("ip", ["address", "delete", `${ADDRESS}/32`, "dev", "lo"]);
  });

  /** An application that answers its name; returns its port. */
  const serve = async (name: string) => {
    const origin = createServer((_request, response) => response.end(name)).listen(0, ADDRESS);
    origins.push(origin);
    await once(origin, "listening");
    return (origin.address() as AddressInfo).port;
  };
  const askFor = (path: string) => askThrough(outboundPort, "web.shop.svc.cluster.local", path);
  const ask = () => askFor("/");
  const apply = (...documents: object[]) =>
    suite.kubectl.given(
      documents.map((document) => JSON.stringify(document)).join("\n---\n"),
      "apply",
      "-f",
      "-",
    );

  it("reaches what a Service's EndpointSlice names, and what it names next", async () => {
    const [first, second] = [await serve("first"), await serve("second")];
    await apply(serviceNamed("web"), sliceOf("web", first));
    await expect.poll(ask, WAIT).toBe("200 first");
    await apply(sliceOf("web", second));
    await expect.poll(ask, WAIT).toBe("200 second");
  });

  it("goes by routes and faults as kubectl applies and deletes them", async () => {
    const port = await serve("canary");
    await apply(serviceNamed("canary"), sliceOf("canary", port), routeTo("canary"));
    await expect.poll(() => askFor("/new"), WAIT).toBe("200 canary");
    expect(await ask()).toBe("200 second");
    const fault = { targetRef: { name: "web" }, faults: [{ abort: { status: 418 } }] };
    const metadata = { name: "teapot", namespace: "shop" };
    await apply({ apiVersion: "weft.dev/v1alpha1", kind: "FaultInjection", metadata, spec: fault });
    await suite.kubectl(
      "wait",
      "--for=condition=Programmed",
      "--timeout=15s",
      "-n",
      "shop",
      "faultinjection/teapot",
    );
    expect(await ask()).toMatch(/^418 /);
    await suite.kubectl("delete", "faultinjection/teapot", "-n", "shop");
    await expect.poll(ask, WAIT).toBe("200 second");
  });

  it("goes on while the API server is away, and learns what happened after", {
    timeout: 60_000,
  }, async () => {
    await suite.cluster.killApiServer();
    expect(await ask()).toBe("200 second");
    await suite.cluster.startApiServer();
    await apply(sliceOf("web", await serve("third")));
    await expect.poll(ask, { timeout: 30_000, interval: 100 }).toBe("200 third");
  });
});

function askThrough(port: number, host: string, path: string): Promise<string> {
  return new Promise((resolve) => {
    const asked = request(
      { host: "127.0.0.1", port, path, headers: { host }, agent: false },
      async (response) => {
        let body = "";
        for await (const chunk of response) body += String(chunk);
        resolve(`${response.statusCode} ${body}`);
      },
    );
    asked.once("error", ({ message }) => resolve(message));
    asked.end();
  });
}

/** Without a selector: nobody but the test says where it is. */
function serviceNamed(name: string): object {
  const ports = [{ name: "http", port: 80, protocol: "TCP" }];
  return { apiVersion: "v1", kind: "Service", metadata: { name, namespace: "shop" }, spec: { ports } };
}

function sliceOf(service: string, port: number): object {
  return {
    ...{ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", addressType: "IPv4" },
    metadata: { name: `${service}-1`, namespace: "shop", labels: { "kubernetes.io/service-name": service } },
    endpoints: [{ addresses: [ADDRESS], conditions: { ready: true } }],
    ports: [{ name: "http", port, protocol: "TCP" }],
  };
}

function routeTo(service: string): object {
  const matches = [{ path: { type: "PathPrefix", value: "/new" } }];
  return {
    ...{ apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute" },
    metadata: { name: "web", namespace: "shop" },
    spec: {
      parentRefs: [{ group: "", kind: "Service", name: "web" }],
      rules: [
        { matches, backendRefs: [{ name: service, port: 80 }] },
        { backendRefs: [{ name: "web", port: 80 }] },
      ],
    },
  };
}
