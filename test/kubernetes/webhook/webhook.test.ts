/** The admission webhook over real TLS with bodies as the API server sends them, and as it never would. */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contextOf, leafExtensions, makeLeaf, namesExtension, pemOf } from "../../identity/pki.ts";
import { root } from "../../identity/refused-certificates.ts";
import { applyJsonPatch } from "../inject/json-patch.ts";
import { allPods } from "../inject/pods.ts";
import { type AnyPod, ruleFaults, schemaFaults } from "../inject/schema.ts";
import { admissionReview, call, HOST, startPlane, type WebhookPlane } from "./plane.ts";

let plane: WebhookPlane;
let ca: string;
beforeAll(async () => {
  plane = await startPlane();
  ca = plane.roots();
});
afterAll(() => plane.close());

const send = (body: string | Buffer, options: Partial<Parameters<typeof call>[2]> = {}) =>
  call(plane.webhookPort, body, { ca, ...options });
const ask = async (object: unknown, overrides: object = {}) => {
  const { status, body } = await send(admissionReview(object, overrides));
  if (body.response === undefined) throw new Error(`${status}: ${JSON.stringify(body)}`);
  const { patch } = body.response;
  const operations =
    patch === undefined ? [] : (JSON.parse(Buffer.from(patch, "base64").toString("utf8")) as object[]);
  return { ...body.response, operations };
};
const POD = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { generateName: "web-" },
  spec: { containers: [{ name: "web" }] },
};

describe("pods of all shapes", () => {
  it.each(allPods())("$label", async ({ value, namespace = "shop" }) => {
    const { allowed, operations, uid, patchType } = await ask(value, { namespace });
    expect([allowed, uid]).toEqual([true, "705ab4f5-6393-11e8-b7cc-42010a800002"]);
    if (operations.length === 0) return;
    expect(patchType).toBe("JSONPatch");
    const pod = applyJsonPatch(value, operations) as AnyPod;
    expect([...schemaFaults({ apiVersion: "v1", kind: "Pod", ...pod }, "V1Pod"), ...ruleFaults(pod)]).toEqual(
      [],
    );
    expect((await ask(pod, { namespace })).operations).toEqual([]);
  });
  it("200 containers", async () => {
    const containers = Array.from({ length: 200 }, (_, i) => ({
      name: `c${i}`,
      livenessProbe: { httpGet: { path: "/", port: 80 } },
    }));
    const { operations } = await ask({ ...POD, spec: { containers } });
    const pod = applyJsonPatch({ ...POD, spec: { containers } }, operations) as AnyPod;
    expect(pod.spec.containers).toHaveLength(200);
    expect(ruleFaults(pod)).toEqual([]);
  });
});

describe("passes untouched", () => {
  it.each([
    ["what opted out", { ...POD, metadata: { labels: { "weft.dev/inject": "false" } } }, {}, undefined],
    [
      "hostNetwork, with a warning",
      { ...POD, spec: { ...POD.spec, hostNetwork: true } },
      {},
      "hostNetwork is true",
    ],
    ["the system's namespaces", POD, { namespace: "kube-system" }, "namespace kube-system is the system's"],
    ["its own namespace", POD, { namespace: "weft-system" }, "namespace weft-system is the system's"],
    ["another kind", POD, { kind: { group: "apps", version: "v1", kind: "Deployment" } }, "something else"],
    ["an update", POD, { operation: "UPDATE" }, "when they are created"],
    ["a pod without containers", { ...POD, spec: {} }, {}, "spec.containers: must be a list, found nothing"],
    ["a pod with no containers", { ...POD, spec: { containers: [] } }, {}, "at least one container"],
    ["no object", null, {}, "must be a map"],
    ["a list", [], {}, "must be a map"],
  ])("%s", async (_what, object, overrides, warning) => {
    const { allowed, operations, warnings = [] } = await ask(object, overrides);
    expect([allowed, operations]).toEqual([true, []]);
    expect(warnings.join()).toEqual(warning === undefined ? "" : expect.stringContaining(warning));
  });
  it("1,000 levels of JSON, wherever they stand", async () => {
    const deep: unknown = JSON.parse("[".repeat(1_000) + "]".repeat(1_000));
    const labels = await ask({ ...POD, metadata: { labels: { deep } } });
    expect([labels.allowed, labels.operations.length]).toEqual([true, 0]);
    const { operations } = await ask({ ...POD, spec: { ...POD.spec, deep } });
    expect(applyJsonPatch({ ...POD, spec: { ...POD.spec, deep } }, operations)).toMatchObject({
      spec: { deep },
    });
    expect((await ask(deep)).allowed).toBe(true);
  });
});

it("a bad annotation is refused, with annotation, value and what is allowed", async () => {
  const metadata = { annotations: { "weft.dev/concurrency": "many" } };
  expect(await ask({ ...POD, metadata })).toMatchObject({
    allowed: false,
    operations: [],
    status: {
      code: 422,
      message:
        'Weft: metadata.annotations["weft.dev/concurrency"]: weft.dev/concurrency must be a whole number from 1 to 64, found "many"',
    },
  });
});

describe("what is no AdmissionReview", () => {
  it.each([
    ["", 400, "not JSON"],
    ["{", 400, "not JSON"],
    ["[".repeat(3_000_000), 400, "not JSON"],
    ["[".repeat(100_000) + "]".repeat(100_000), 400, "no AdmissionReview"],
    ["null", 400, "no AdmissionReview"],
    ['{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1"}', 400, "admission.k8s.io/v1"],
    ['{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{}}', 400, "uid"],
    [Buffer.alloc(10 * 1_048_576, " "), 413, "at most"],
  ])("%.20s: %i", async (body, status, message) => {
    const reply = await send(body);
    expect(reply.status).toBe(status);
    expect(reply.body.error?.message).toContain(message);
  });
  it("another path, method or type", async () => {
    expect((await send("{}", { path: "/" })).status).toBe(404);
    expect((await send("{}", { method: "PUT" })).status).toBe(405);
    expect((await send("{}", { type: "text/plain" })).status).toBe(415);
  });
  it("after all of that it still serves", async () => {
    expect((await ask(POD)).operations.length).toBeGreaterThan(0);
  });
});

describe("its certificate", () => {
  it("is the mesh's, for its name alone, and not by an old TLS", async () => {
    await expect(send("{}", { host: "other.weft-system.svc" })).rejects.toThrow(/not in the cert|altnames/);
    await expect(send("{}", { ca: pemOf(root) })).rejects.toThrow(/certificate/);
    const socket = connect({
      host: "127.0.0.1",
      port: plane.webhookPort,
      ca,
      servername: HOST,
      maxVersion: "TLSv1.1",
      minVersion: "TLSv1",
    });
    await expect(once(socket, "secureConnect")).rejects.toThrow();
  });

  it("follows another root, and so does caBundle in the cluster", async () => {
    const cluster = await startCluster();
    const own = await startPlane("weft");
    try {
      const first = own.roots();
      const bundles = () => cluster.bundles().map((text) => Buffer.from(text, "base64").toString("utf8"));
      await expect.poll(bundles, LIMIT).toEqual([first, first]);
      await fetch(`http://127.0.0.1:${own.apiPort}/v1/root/rotate`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: "{}",
      });
      await expect.poll(() => own.roots() !== first && !own.roots().includes(first.trim()), LIMIT).toBe(true);
      await expect.poll(bundles, LIMIT).toEqual([own.roots(), own.roots()]);
      expect((await call(own.webhookPort, admissionReview(POD), { ca: own.roots() })).status).toBe(200);
      await expect(call(own.webhookPort, "{}", { ca: first })).rejects.toThrow(/certificate/);
      expect(cluster.writes()).toBeGreaterThanOrEqual(2);
    } finally {
      await own.close();
      cluster.close();
    }
  });
});

const LIMIT = { timeout: 15_000, interval: 20 };

/** An API server that has one MutatingWebhookConfiguration of two webhooks, with versions. */
async function startCluster() {
  const directory = mkdtempSync(join(tmpdir(), "weft-cluster-"));
  let writes = 0;
  let found = {
    ...{ apiVersion: "admissionregistration.k8s.io/v1", kind: "MutatingWebhookConfiguration" },
    metadata: { name: "weft", resourceVersion: "1" },
    webhooks: ["namespace", "object"].map((name) => ({
      ...{ name: `${name}.inject.weft.dev`, admissionReviewVersions: ["v1"], sideEffects: "None" },
      clientConfig: {
        service: { name: "weft-control-plane", namespace: "weft-system", path: "/inject" },
        caBundle: "",
      },
    })),
  };
  const leaf = makeLeaf(root, {
    extensions: leafExtensions({ names: namesExtension(["dns", "localhost"]) }),
  });
  const server: Server = createServer(contextOf(leaf), async (request, response) => {
    if (request.method === "PUT") {
      const next = JSON.parse(await text(request)) as typeof found;
      const isCurrent = next.metadata.resourceVersion === found.metadata.resourceVersion;
      if (isCurrent) {
        writes++;
        found = { ...next, metadata: { ...next.metadata, resourceVersion: String(writes + 1) } };
      } else response.statusCode = 409;
    }
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(found));
  }).listen(0, "localhost");
  await once(server, "listening");
  const kubeconfig = {
    ...{ apiVersion: "v1", kind: "Config", "current-context": "test" },
    clusters: [
      {
        name: "test",
        cluster: {
          server: `https://localhost:${(server.address() as AddressInfo).port}`,
          "certificate-authority-data": btoa(pemOf(root)),
        },
      },
    ],
    users: [{ name: "plane", user: { token: "the-planes-own" } }],
    contexts: [{ name: "test", context: { cluster: "test", user: "plane" } }],
  };
  writeFileSync(join(directory, "kubeconfig"), JSON.stringify(kubeconfig));
  const before = process.env["KUBECONFIG"];
  process.env["KUBECONFIG"] = join(directory, "kubeconfig");
  return {
    bundles: () => found.webhooks.map(({ clientConfig }) => clientConfig.caBundle),
    writes: () => writes,
    close: () => {
      if (before === undefined) delete process.env["KUBECONFIG"];
      else process.env["KUBECONFIG"] = before;
      server.closeAllConnections();
      server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
