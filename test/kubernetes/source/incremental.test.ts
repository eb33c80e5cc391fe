/**
 * After any pods, EndpointSlices and namespaces that come, change and go, what the compiler has is what a fresh one would make, and it
 * has named everything that became different.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { Compiler } from "../../../src/control-plane/compile/compiler.ts";
import {
  decodeSlice,
  type SliceRecord,
} from "../../../src/control-plane/source/kubernetes/endpoint-slice.ts";
import { decodePod, type PodRecord } from "../../../src/control-plane/source/kubernetes/pod.ts";
import { Population } from "../../../src/control-plane/source/kubernetes/population.ts";
import type { Node, ResourceType } from "../../../src/discovery/messages.ts";
import { INBOUND_POLICY } from "../../../src/discovery/policy.ts";
import { loadFiles } from "../../../src/resources/load.ts";
import { runs } from "../../harness/runs.ts";
import { pod, slice } from "./cluster.ts";

const NAMESPACES = ["a", "b", "c"] as const;
const APPS = ["web", "db"] as const;
const PODS = [0, 1, 2] as const;

/** Policies of each reach: own namespace, another by label, all, some pods of it; and limits that count instances. */
const RESOURCES = loadFiles([
  {
    name: "mesh.yaml",
    text: [
      ...NAMESPACES.flatMap((namespace) =>
        APPS.map((name) => ({
          apiVersion: "v1",
          kind: "Service",
          metadata: { name, namespace },
          spec: { selector: { app: name }, ports: [{ name: "http", port: 80, targetPort: "http" }] },
        })),
      ),
      network("a", [{ podSelector: { matchLabels: { app: "db" } } }]),
      network("b", [
        {
          namespaceSelector: { matchLabels: { team: "x" } },
          podSelector: { matchLabels: { version: "v2" } },
        },
      ]),
      network("c", [{ namespaceSelector: {} }]),
      {
        apiVersion: "weft.dev/v1alpha1",
        kind: "RateLimit",
        metadata: { name: "limit", namespace: "a" },
        spec: { targetRef: { name: "web" }, limits: [{ requests: 10, per: "1s", scope: "mesh" }] },
      },
    ]
      .map((document) => JSON.stringify(document))
      .join("\n---\n"),
  },
]);

function network(namespace: string, from: readonly object[]): object {
  const spec = { podSelector: {}, ingress: [{ from }] };
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: "net", namespace },
    spec,
  };
}

const NODES = NAMESPACES.flatMap((namespace) =>
  APPS.flatMap((app) =>
    PODS.map(
      (n): Node => ({
        id: `${namespace}/${app}-${n}`,
        namespace,
        workload: `${app}-${n}`,
        serviceAccount: app,
        labels: { app },
        address: "127.0.0.1",
        ports: { inbound: 1, outbound: 2, admin: 3, telemetry: 4 },
        version: "0",
      }),
    ),
  ),
);

/** Of pods, at the port of their EndpointSlices. */
const ADDRESSES = ["10.0.0.0:8080", "10.0.1.0:8080", "10.0.2.0:8080"];

/** Versions of all that anybody could ask for. */
function versions(compiler: Compiler): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const ask = (type: ResourceType, name: string, node: Node, key: string) =>
    found.set(`${type} ${name} ${key}`, compiler.get(type, name, node)?.version ?? "-");
  for (const namespace of NAMESPACES) {
    for (const app of APPS) ask("endpoints", `${app}.${namespace}:80`, NODES[0] as Node, "");
  }
  for (const address of ADDRESSES) {
    for (const type of ["cluster", "endpoints", "route"] as const) ask(type, address, NODES[0] as Node, "");
  }
  for (const node of NODES) {
    for (const name of ["inbound", "outbound"]) ask("listener", name, node, node.id);
    ask("policy", INBOUND_POLICY, node, node.id);
  }
  return found;
}

const home = { namespace: fc.constantFrom(...NAMESPACES), app: fc.constantFrom(...APPS) };
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("pod" as const),
      ...home,
      n: fc.constantFrom(...PODS),
      ip: fc.nat(3),
      version: fc.constantFrom("v1", "v2", ""),
      injected: fc.boolean(),
      account: fc.constantFrom("x", "y"),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("slice" as const),
      ...home,
      members: fc.array(fc.constantFrom("ready", "draining", "away"), { maxLength: 3 }),
      zone: fc.constantFrom("z1", "z2"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("namespace" as const),
      namespace: home.namespace,
      team: fc.constantFrom("x", "y", ""),
    }),
  },
);

it("is what a fresh compiler makes, and everything that differs was named", () => {
  expect(RESOURCES.issues.filter(({ severity }) => severity === "error")).toEqual([]);
  fc.assert(
    fc.property(fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { maxLength: 12 }), (bursts) => {
      const population = new Population();
      const pods = new Map<string, PodRecord>();
      const slices = new Map<string, SliceRecord>();
      const compiler = new Compiler("STRICT", population);
      compiler.update(RESOURCES.resources);
      let before = versions(compiler);
      expect([...before].filter(([key, version]) => version === "-" && !/ 10\.0/.test(key))).toEqual([]);
      let revision = 0;
      for (const burst of bursts) {
        for (const s of burst) {
          const version = String(++revision);
          if (s.kind === "namespace") {
            population.namespaceChanged(s.namespace, s.team === "" ? undefined : { team: s.team });
          } else if (s.kind === "pod") {
            const { namespace, app, injected } = s;
            const id = `${namespace}/${app}-${s.n}`;
            const object = pod({
              name: `${app}-${s.n}`,
              ip: `10.0.${s.n}.${s.ip}`,
              app,
              namespace,
              injected,
              serviceAccount: s.account,
            });
            const labels = { ...(object.metadata["labels"] as object), version: s.version };
            // No version: it is gone.
            const after =
              s.version === ""
                ? undefined
                : decodePod({ ...object, metadata: { ...object.metadata, labels } }, id, version);
            population.podChanged(id, pods.get(id), after);
            if (after === undefined) pods.delete(id);
            else pods.set(id, after);
          } else {
            const members = s.members.map((state, n) => ({
              ip: `10.0.${n}.0`,
              pod: `${s.app}-${n}`,
              ready: state === "ready",
              draining: state === "draining",
              zone: s.zone,
            }));
            const key = `${s.namespace}/${s.app}-abc`;
            // Nobody in it: it is gone.
            const after =
              members.length === 0
                ? undefined
                : decodeSlice(slice(s.app, members, s.namespace), key, version);
            population.sliceChanged(slices.get(key), after);
            if (after === undefined) slices.delete(key);
            else slices.set(key, after);
          }
        }
        const named = new Set(compiler.moved(population.take()).map(({ type, name }) => `${type} ${name}`));
        const now = versions(compiler);
        const fresh = new Compiler("STRICT", population);
        fresh.update(RESOURCES.resources);
        expect(now).toEqual(versions(fresh));
        for (const [key, version] of now) {
          if (version !== before.get(key)) expect(named).toContain(key.split(" ", 2).join(" "));
        }
        before = now;
      }
    }),
    runs(60),
  );
});
