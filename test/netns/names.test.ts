/**
 * Names of the mesh, as programs resolve them that know nothing of it: real `weft init --redirect-dns`, real sidecars, a real control plane
 * and a resolver beside them, in network namespaces of the test's own. Both back ends of `weft init`.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requires } from "../harness/requires.ts";
import { get, Mesh, type MeshPod } from "./mesh.ts";
import { beside, type Pod, type Running } from "./network.ts";

const SEARCH =
  "search default.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5 timeout:6 attempts:1\n";
const RESOLVER = { ipv4: "198.18.0.3", ipv6: "2001:2::3" };
const PLAIN = "198.19.0.20";
const PORT = 80;

function service(name: string, spec: object): object {
  return { apiVersion: "v1", kind: "Service", metadata: { name }, spec };
}

const HTTP = { name: "http", port: PORT, targetPort: 8_080 };
const DOCUMENTS = [
  service("shop", { selector: { app: "shop" }, ports: [HTTP] }),
  service("addressed", {
    selector: { app: "shop" },
    clusterIP: PLAIN,
    clusterIPs: [PLAIN, "2001:2::1:20"],
    ports: [HTTP],
  }),
  service("headless", { selector: { app: "shop" }, clusterIP: "None", ports: [HTTP] }),
  service("outside", { type: "ExternalName", externalName: "plain.example" }),
  ...["shop", "client"].map((name, i) => ({
    apiVersion: "weft.dev/v1alpha1",
    kind: "Workload",
    metadata: { name, labels: { app: name } },
    spec: { address: `198.18.0.${2 - i}`, intercepted: true, serviceAccount: name },
  })),
];

interface Looked {
  readonly found: Readonly<Record<string, readonly string[] | string>>;
  readonly ms: number;
}

function lookUp(pod: Pod, ...names: readonly string[]): Looked {
  const { stdout, stderr } = pod.run([process.execPath, beside("lookup.ts"), ...names]);
  if (stdout === "") throw new Error(`lookup said nothing: ${stderr}`);
  return JSON.parse(stdout) as Looked;
}

for (const backend of ["nft", "iptables"] as const) {
  requires(
    "root",
    "ip",
    "nft",
    "iptables",
    "setpriv",
  )(`names of the mesh by ${backend}`, () => {
    let mesh: Mesh;
    let client: MeshPod;
    let client6: MeshPod;
    let resolver: Running;
    const asked: string[] = [];

    beforeAll(async () => {
      mesh = await Mesh.start(DOCUMENTS);
      const beyond = mesh.network.pod(3);
      resolver = await beyond.start(beside("zone.ts"), ["53", RESOLVER.ipv4, RESOLVER.ipv6]);
      resolver.lines.on("line", (line) => asked.push(line));
      const init = ["--redirect-dns"];
      const env = { WEFT_DNS_PORT: "15053" };
      [client, client6] = await Promise.all([
        mesh.pod(1, "client", {
          backend,
          init,
          env,
          resolvConf: `nameserver ${RESOLVER.ipv4}\n${SEARCH}`,
        }),
        mesh.pod(4, "client6", {
          backend,
          init,
          env,
          resolvConf: `nameserver ${RESOLVER.ipv6}\n${SEARCH}`,
        }),
        mesh.pod(2, "shop", { backend, ports: { http: [8_080] } }),
      ]);
    }, 60_000);
    afterAll(() => mesh.close());

    describe.each(["IPv4", "IPv6"])("asked of a resolver by %s", (family) => {
      const from = (): MeshPod => (family === "IPv4" ? client : client6);

      it("names in all their forms are the Service's automatic address, and requests to it reach the Service", () => {
        const forms = ["shop", "shop.default", "shop.default.svc", "shop.default.svc.cluster.local"];
        const { found } = lookUp(from(), ...forms);
        const address = String(found["shop"]);
        expect(address).toMatch(/^(24\d|25[0-5])(\.\d+){3}$/);
        for (const form of forms) expect(found[form], form).toEqual([address]);
        const { status, body } = get(from(), "shop", PORT, "shop");
        expect(status).toBe(200);
        expect(body).toMatchObject({ from: "127.0.0.6", port: 8_080 });
        expect(body?.headers["x-forwarded-client-cert"]).toContain("/ns/default/sa/client");
      });

      it("a Service's own addresses are answered, those of a headless one's instances, and those of another name", () => {
        const { found } = lookUp(from(), "addressed", "headless", "shop.headless.default.svc", "outside");
        expect(found).toEqual({
          addressed: [PLAIN, "2001:2::1:20"],
          headless: ["198.18.0.2"],
          "shop.headless.default.svc": ["198.18.0.2"],
          outside: ["198.18.0.77"],
        });
      });

      it("getent sees the same", () => {
        const { stdout } = from().run(["getent", "ahostsv4", "addressed.default"]);
        expect(stdout).toContain(PLAIN);
      });

      it("others come from the resolver, also where UDP does not hold them", () => {
        const { found } = lookUp(from(), "plain.example.", "big.example.");
        expect(found["plain.example."]).toEqual(["198.18.0.77"]);
        expect(found["big.example."]).toHaveLength(60);
        return expect
          .poll(() => asked)
          .toEqual(expect.arrayContaining(["A big.example udp", "A big.example tcp"]));
      });

      it("what is not there is asked for once, and what only a search list makes up not at all", async () => {
        const [name, last] = ["no", "last"].map((word) => `${word}-${family.toLowerCase()}.example`);
        const whole = `${name}.default.svc.cluster.local`;
        expect(lookUp(from(), `${name}`, `${name}`, whole, `${last}`).found[`${name}`]).toBe("ENOTFOUND");
        await expect.poll(() => asked.some((line) => line === `A ${last} udp`)).toBe(true);
        expect(asked.filter((line) => line === `A ${name} udp`)).toHaveLength(1);
        expect(asked.filter((line) => line.includes("cluster.local.default"))).toEqual([]);
      });
    });

    it("a resolver that says nothing is waited for 4 s at each try, and one that is gone not at all", async () => {
      const silent = lookUp(client, "silent.example.");
      expect(silent.found["silent.example."]).toBe("EAI_AGAIN");
      expect(silent.ms).toBeGreaterThan(3_500);
      expect(silent.ms).toBeLessThan(10_000);
      resolver.child.kill("SIGKILL");
      await expect.poll(() => resolver.child.signalCode).toBe("SIGKILL");
      const gone = lookUp(client, "gone.example.", "shop");
      expect(gone.found["gone.example."]).toBe("EAI_AGAIN");
      expect(gone.found["shop"]).toHaveLength(1);
      expect(gone.ms).toBeLessThan(4_000);
    }, 60_000);

    it("the sidecars have said nothing that anybody would have to read", () => {
      expect(client.log() + client6.log()).toBe("");
    });
  });
}
