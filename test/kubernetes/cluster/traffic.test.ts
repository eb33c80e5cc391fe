/**
 * From kubectl to a request: real sidecars enrol with pods' tokens, and go by Services, EndpointSlices, routes and policies as they are
 * written into a real API server. An EndpointSlice may not name loopback, so applications and a sidecar have addresses of the range for
 * benchmarks (RFC 2544) while the suite runs.
 */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, expect, it } from "vitest";
import { requires } from "../../harness/requires.ts";
import { install, type PlaneProcess, startPlane } from "./control-plane.ts";
import { createPod, type SidecarOfPod, startSidecarOf } from "./sidecar.ts";
import { clusterOfSuite } from "./suite.ts";

/** Of applications without sidecars, and of the pod that has one. */
const [ADDRESS, POD_ADDRESS] = ["198.18.200.1", "198.18.200.2"] as const;
/** Where the pod with a sidecar is reached; as by interception, the sidecar takes what comes there. */
const POD_PORT = 8_080;
const WAIT = { timeout: 15_000, interval: 50 };

requires(
  "kubernetes",
  "root",
  "ip",
)("sidecars of a real cluster", () => {
  const origins: Server[] = [];
  const sidecars: SidecarOfPod[] = [];
  let plane: PlaneProcess;
  const suite = clusterOfSuite({}, async (own) => {
    for (const address of [ADDRESS, POD_ADDRESS])
      execFileSync("ip", ["address", "replace", `${address}/32`, "dev", "lo"]);
    await install(own);
    plane = await startPlane(own, "a");
    await own.kubectl("create", "namespace", "shop");
    await createPod(own, "shop", "client", "198.18.200.3");
    sidecars.push(await startSidecarOf(own, plane, ["shop", "client"], { "app-port": "1" }));
  });
  afterAll(async () => {
    for (const sidecar of sidecars) await sidecar.stop();
    await plane?.stop();
    for (const origin of origins) origin.close();
    for (const address of [ADDRESS, POD_ADDRESS])
      execFileSync("ip", ["address", "delete", `${address}/32`, "dev", "lo"]);
  });

  /** An application that answers its name; returns its port. */
  const serve = async (name: string, address: string = ADDRESS) => {
    const origin = createServer((_request, response) => response.end(name)).listen(0, address);
    origins.push(origin);
    await once(origin, "listening");
    return (origin.address() as AddressInfo).port;
  };
  const askFor = (path: string, service = "web") => {
    const [{ outboundPort } = { outboundPort: 0 }] = sidecars;
    return askThrough(outboundPort, `${service}.shop.svc.cluster.local`, path);
  };
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

  it("speaks mutual TLS with another pod's, which knows who asks", async () => {
    const appPort = String(await serve("private", "127.0.0.1"));
    await createPod(suite, "shop", "vault", POD_ADDRESS);
    const flags = {
      "app-port": appPort,
      host: POD_ADDRESS,
      "inbound-port": String(POD_PORT),
      labels: "app=vault",
    };
    sidecars.push(await startSidecarOf(suite, plane, ["shop", "vault"], flags));
    await apply(serviceNamed("vault"), sliceOf("vault", POD_PORT, { address: POD_ADDRESS, pod: "vault" }));
    const askVault = () => askFor("/", "vault");
    await expect.poll(askVault, WAIT).toBe("200 private");
    const allow = (account: string) => ({
      ...{ apiVersion: "weft.dev/v1alpha1", kind: "AuthorizationPolicy" },
      metadata: { name: "vault", namespace: "shop" },
      spec: {
        selector: { matchLabels: { app: "vault" } },
        rules: [{ from: [{ source: { principals: [`cluster.local/ns/shop/sa/${account}`] } }] }],
      },
    });
    await apply(allow("somebody"));
    await expect.poll(askVault, WAIT).toMatch(/^403 /);
    await apply(allow("client"));
    await expect.poll(askVault, WAIT).toBe("200 private");
    const message = 'jsonpath={.status.conditions[?(@.type=="Programmed")].message}';
    // Policies go to all sidecars of their namespace.
    const said = () => suite.kubectl("get", "authorizationpolicy", "vault", "-n", "shop", "-o", message);
    await expect.poll(said, WAIT).toBe("applied by 2 of 2 sidecars");
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

function sliceOf(
  service: string,
  port: number,
  { address = ADDRESS, pod }: { readonly address?: string; readonly pod?: string } = {},
): object {
  const targetRef = pod === undefined ? {} : { targetRef: { kind: "Pod", namespace: "shop", name: pod } };
  return {
    ...{ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", addressType: "IPv4" },
    metadata: { name: `${service}-1`, namespace: "shop", labels: { "kubernetes.io/service-name": service } },
    endpoints: [{ addresses: [address], conditions: { ready: true }, ...targetRef }],
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
