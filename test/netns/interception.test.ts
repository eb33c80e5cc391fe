/**
 * Real sidecars, a real control plane and real netfilter, in network namespaces of the test's own: applications that know nothing of a
 * mesh call each other by address. Both back ends of `weft init`.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requires } from "../harness/requires.ts";
import { call, get, Mesh, type MeshPod, SIDECAR_UID, startApplication } from "./mesh.ts";
import type { Pod } from "./network.ts";

const SHOP = { ipv4: "198.19.0.10", ipv6: "2001:2::1:10" };
const SELF = "198.19.0.11";
const LOOP = "198.19.0.12";
/** Of no Service. */
const FREE_UID = 2_000;

interface Port {
  readonly name?: string;
  readonly port: number;
  readonly targetPort?: number;
}

function service(name: string, app: string, clusterIPs: readonly string[], ports: readonly Port[]): object {
  const spec = { selector: { app }, clusterIP: clusterIPs[0], clusterIPs, ports };
  return { apiVersion: "v1", kind: "Service", metadata: { name }, spec };
}

function workload(name: string, address: string): object {
  const spec = { address, intercepted: true, serviceAccount: name };
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind: "Workload",
    metadata: { name, labels: { app: name } },
    spec,
  };
}

function policy(kind: string, name: string, spec: object): object {
  return { apiVersion: "weft.dev/v1alpha1", kind, metadata: { name }, spec };
}

const DOCUMENTS = [
  service(
    "shop",
    "shop",
    [SHOP.ipv4, SHOP.ipv6],
    [
      { name: "http", port: 80, targetPort: 8_080 },
      { name: "http-other", port: 81, targetPort: 8_081 },
      { name: "tcp-echo", port: 9_000 },
      { name: "postgres", port: 5_432 },
      { name: "odd-http", port: 7_000 },
      { name: "odd-tcp", port: 7_001 },
      { name: "odd-banner", port: 7_002 },
      { name: "grpc", port: 7_003, targetPort: 7_001 },
      { name: "tcp-secret", port: 9_001 },
      { name: "http-slow", port: 9_002, targetPort: 9_100 },
    ],
  ),
  service("client", "client", [SELF], [{ name: "http", port: 80, targetPort: 8_080 }]),
  service(
    "loop",
    "client",
    [LOOP],
    [
      { name: "http", port: 80, targetPort: 15_001 },
      { name: "tcp-admin", port: 81, targetPort: 15_000 },
    ],
  ),
  workload("shop", "198.18.0.2"),
  workload("client", "198.18.0.1"),
  policy("PeerAuthentication", "default", { mtls: { mode: "PERMISSIVE" } }),
  policy("AuthorizationPolicy", "secret", {
    selector: { matchLabels: { app: "shop" } },
    action: "DENY",
    rules: [{ to: [{ operation: { ports: ["9001"] } }] }],
  }),
];

const REQUEST = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

const REGISTRY_ONLY = policy("MeshConfig", "default", { outboundPolicy: "REGISTRY_ONLY" });

for (const backend of ["nft", "iptables"] as const) {
  requires(
    "root",
    "ip",
    "nft",
    "iptables",
    "setpriv",
  )(`interception by ${backend}`, () => {
    let mesh: Mesh;
    let shop: MeshPod;
    let client: MeshPod;
    let outsider: Pod;

    beforeAll(async () => {
      mesh = await Mesh.start(DOCUMENTS);
      outsider = mesh.network.pod(3);
      const shopPorts = {
        http: [8_080, 8_081, 7_000, 8_099, 9_100],
        echo: [9_000, 7_001, 9_001],
        banner: [5_432, 5_433, 7_002],
      };
      const init = ["--exclude-inbound-ports", "9100"];
      [shop, client] = await Promise.all([
        mesh.pod(2, "shop", { backend, init, ports: shopPorts, family: 6 }),
        mesh.pod(1, "client", {
          backend,
          init: [
            "--exclude-outbound-ports",
            "8100",
            "--exclude-outbound-ip-ranges",
            "198.18.0.4/32",
            "--exclude-outbound-uids",
            String(FREE_UID),
          ],
          ports: { http: [8_080] },
        }),
        startApplication(outsider, { http: [8_080, 8_100], echo: [6_001], banner: [5_432, 6_000] }),
      ]);
    }, 60_000);
    afterAll(() => mesh.close());

    describe("HTTP", () => {
      it.each([
        ["by its name", SHOP.ipv4, "shop"],
        ["whatever the Host", SHOP.ipv4, "something.example"],
        ["by IPv6", SHOP.ipv6, `[${SHOP.ipv6}]`],
      ])(
        "goes by Service address, %s, under mutual TLS, and comes from 127.0.0.6",
        (_what, address, host) => {
          const { status, body } = get(client, address, 80, host);
          expect(status).toBe(200);
          expect(body).toMatchObject({ from: "127.0.0.6", port: 8_080, headers: { host } });
          expect(body?.headers["x-forwarded-client-cert"]).toContain("/ns/default/sa/client");
        },
      );

      it("goes to the port that the address has, whatever the Host says", () => {
        expect(get(client, SHOP.ipv4, 81, SHOP.ipv4).body?.port).toBe(8_081);
        expect(get(client, SHOP.ipv4, 81, "shop").body?.port).toBe(8_081);
      });

      it("goes to the endpoint that the address has", () => {
        const { body } = get(client, shop.ipv4, 8_081, "anything");
        expect(body).toMatchObject({ from: "127.0.0.6", port: 8_081 });
        expect(body?.headers["x-forwarded-client-cert"]).toContain("/ns/default/sa/client");
      });

      it("is found by its first bytes where the port says nothing", () => {
        expect(get(client, SHOP.ipv4, 7_000, "x").body).toMatchObject({ port: 7_000, from: "127.0.0.6" });
      });

      it("is found however late its first bytes come", () => {
        for (const after of [150, 600]) {
          const { received } = call(client, SHOP.ipv4, 7_000, { send: REQUEST, after });
          expect(received).toContain("200 OK");
          expect(received).toContain("x-forwarded-client-cert");
        }
      });

      it("goes by Host where the address says nothing, else on to that address", () => {
        expect(get(client, outsider.ipv4, 8_080, "shop").body).toMatchObject({
          from: "127.0.0.6",
          port: 8_080,
        });
        const { body } = get(client, outsider.ipv4, 8_080, "elsewhere.example:8080");
        expect(body).toMatchObject({ from: client.ipv4, headers: { host: "elsewhere.example:8080" } });
        expect(body?.headers["x-request-id"]).toBeDefined();
      });
    });

    describe("TCP", () => {
      it("goes by Service address, and half-closes pass", () => {
        expect(call(client, SHOP.ipv4, 9_000, { send: "hello" })).toMatchObject({
          received: "hello",
          error: "",
        });
        expect(call(client, SHOP.ipv6, 9_000, { send: "hello" })).toMatchObject({
          received: "hello",
          error: "",
        });
      });

      it("is not HTTP where the port says nothing and the first bytes are none", () => {
        const send = "\x16\x03\x01 or anything";
        expect(call(client, SHOP.ipv4, 7_001, { send })).toMatchObject({ received: send, error: "" });
      });

      it("is HTTP/2, which is not read yet", () => {
        const send = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        expect(call(client, SHOP.ipv4, 7_003, { send })).toMatchObject({ received: send, error: "" });
      });

      it("waits for nobody where the server speaks first", () => {
        const { received } = call(client, SHOP.ipv4, 5_432, { until: "from" });
        expect(received).toContain("220 hello\nfrom 127.0.0.6");
        expect(call(client, SHOP.ipv4, 7_002, { until: "from" }).received).toContain("220 hello");
        expect(call(client, outsider.ipv4, 5_432, { until: "from" }).received).toContain(
          `from ${client.ipv4}`,
        );
        expect(call(client, outsider.ipv4, 6_000, { until: "from" }).received).toContain(
          `from ${client.ipv4}`,
        );
      });

      it("is under policy", () => {
        expect(call(client, SHOP.ipv4, 9_001, { send: "hello" })).toMatchObject({
          received: "",
          error: "ECONNRESET",
        });
        expect(call(outsider, shop.ipv4, 9_001, { send: "hello" })).toMatchObject({
          received: "",
          error: "ECONNRESET",
        });
      });

      it("ends with a reset where nobody listens", () => {
        expect(call(client, outsider.ipv4, 6_666, { send: "x" }).error).toBe("ECONNRESET");
      });
    });

    describe("clients without a sidecar", () => {
      it("reach the port they mean, and the application sees 127.0.0.6 or ::6", () => {
        expect(get(outsider, shop.ipv4, 8_081, "x").body).toMatchObject({ from: "127.0.0.6", port: 8_081 });
        expect(get(outsider, shop.ipv6, 8_081, "x").body).toMatchObject({ from: "::6", port: 8_081 });
        expect(get(outsider, shop.ipv4, 8_099, "x").body).toMatchObject({ from: "127.0.0.6", port: 8_099 });
      });

      it("may wait for the server to speak", () => {
        expect(call(outsider, shop.ipv4, 5_432, { until: "from" }).received).toContain("from 127.0.0.6");
        expect(call(outsider, shop.ipv4, 5_433, { until: "from" }).received).toContain("from 127.0.0.6");
        expect(call(outsider, shop.ipv4, 9_000, { send: "hello" }).received).toBe("hello");
      });
    });

    describe("what is not intercepted", () => {
      it("excluded ports, ranges and users go their own way", () => {
        expect(get(client, outsider.ipv4, 8_100, "x").body?.headers["x-request-id"]).toBeUndefined();
        const asFree = call(client, outsider.ipv4, 8_080, { send: REQUEST }, FREE_UID);
        expect(asFree.received).not.toContain("x-request-id");
        expect(get(outsider, shop.ipv4, 9_100, "x").body?.from).toBe(outsider.ipv4);
      });

      it("loopback, and a pod's own address", () => {
        for (const host of ["127.0.0.1", "::1", client.ipv4, client.ipv6]) {
          const { status, body } = get(client, host, 8_080, "x");
          expect(status, host).toBe(200);
          expect(body?.headers["x-request-id"]).toBeUndefined();
        }
      });

      it("an application that runs as the sidecar's user", () => {
        const { received } = call(client, outsider.ipv4, 8_080, { send: REQUEST }, SIDECAR_UID);
        expect(received).toContain("200 OK");
        expect(received).not.toContain("x-request-id");
      });

      it("the sidecar's metrics", () => {
        expect(get(outsider, shop.ipv4, 15_020, "x", "/healthz/ready").status).toBe(200);
      });
    });

    it("a pod calls itself by its Service's address", () => {
      const { status, body } = get(client, SELF, 80, SELF);
      expect(status).toBe(200);
      expect(body).toMatchObject({ from: "127.0.0.6", port: 8_080 });
      expect(body?.headers["x-forwarded-client-cert"]).toContain("/ns/default/sa/client");
    });

    it.each([15_000, 15_001])("nobody reaches the sidecar's port %i through it", (port) => {
      expect(call(outsider, shop.ipv4, port, { send: "GET / HTTP/1.1\r\nhost: x\r\n\r\n" })).toMatchObject({
        received: "",
        error: "ECONNRESET",
      });
    });

    it("a Service that leads to its own sidecar's ports is a loop, and refused", () => {
      expect(get(client, LOOP, 80, "x").status).toBe(508);
      expect(call(client, LOOP, 81, { send: "x" })).toMatchObject({ received: "", error: "ECONNRESET" });
    });

    it("a Service's new address is followed, and so is what outboundPolicy says of others", async () => {
      const moved = "198.19.0.99";
      expect(get(client, moved, 80, "x").status).not.toBe(200);
      const [first, ...rest] = DOCUMENTS;
      expect(first).toBeDefined();
      mesh.write([
        service("shop", "shop", [moved], [{ name: "http", port: 80, targetPort: 8_080 }]),
        ...rest,
        REGISTRY_ONLY,
      ]);
      await expect.poll(() => get(client, moved, 80, "x").body?.from, { timeout: 10_000 }).toBe("127.0.0.6");
      await expect.poll(() => get(client, outsider.ipv4, 8_080, "x").status, { timeout: 10_000 }).toBe(502);
      expect(call(client, outsider.ipv4, 6_001, { send: "hello" })).toMatchObject({
        received: "",
        error: "ECONNRESET",
      });
    });

    it("the sidecars have said nothing that anybody would have to read", () => {
      expect(client.log()).toBe("");
      const lines = shop
        .log()
        .split("\n")
        .filter((line) => line !== "" && !line.includes("AuthorizationPolicy"));
      expect(lines).toEqual([]);
    });
  });
}
