/** Policies as a person applies them: real processes, enrolled sidecars, mutual TLS, and traffic all the while. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { exchangeBytes } from "../harness/raw.ts";
import { UpProcess } from "../local/up-process.ts";

let up: UpProcess | undefined;
afterEach(() => up?.dispose());

interface Instance {
  readonly id: string;
  readonly sidecar: Readonly<Record<string, number>>;
}

const POLICIES = `apiVersion: weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: { name: catalog }
spec:
  selector: { matchLabels: { app: catalog } }
  rules:
    - from: [{ source: { principals: ["*/ns/default/sa/web"] } }]
      to: [{ operation: { methods: [GET] } }]
---
apiVersion: weft.dev/v1alpha1
kind: MeshConfig
metadata: { name: default }
spec: { authorization: { exposeDenials: true } }
`;

it("weft apply --wait: from its return on, every request is judged by the new policies", {
  timeout: 60_000,
}, async () => {
  up = new UpProcess(["--duration", "12s"]);
  const started = await up.until(({ event }) => event === "started");
  const instances = started["instances"] as readonly Instance[];
  const outboundOf = (name: string) =>
    instances.find((instance) => instance.id === `default/${name}`)?.sidecar["outbound"] ?? 0;
  const call = async (from: string, line: string) => {
    const text = `${line} HTTP/1.1\r\nHost: catalog\r\nConnection: close\r\n\r\n`;
    return exchangeBytes(outboundOf(from), [text]);
  };
  expect(await call("reviews", "GET /")).toMatch(/^HTTP\/1\.1 200/);

  const file = join(up.folder, "policies.yaml");
  writeFileSync(file, POLICIES);
  const applied = await up.run("apply", "-f", file, "--wait");
  expect(applied.code, applied.stderr).toBe(0);
  expect(await call("web", "GET /")).toMatch(/^HTTP\/1\.1 200/);
  expect(await call("web", "DELETE /")).toMatch(/^HTTP\/1\.1 403/);
  const refused = await call("reviews", "GET /");
  expect(refused).toMatch(/^HTTP\/1\.1 403 .*RBAC: access denied$/s);
  expect(refused).toContain("(no rule of AuthorizationPolicy default/catalog)");

  const answer = await up.run("authz", "check", "--from", "reviews", "--to", "catalog", "--json");
  expect(answer.code, answer.stderr).toBe(1);
  const { items } = JSON.parse(answer.stdout);
  expect(items).toHaveLength(2);
  expect(items[0]).toMatchObject({
    from: "reviews",
    allowed: false,
    decidedBy: "no rule of AuthorizationPolicy default/catalog",
    file: expect.stringMatching(/\.yaml$/),
  });
  expect((await up.run("authz", "check", "--from", "web", "--to", "catalog")).code).toBe(0);

  expect((await up.run("delete", "ap", "catalog", "--wait")).code).toBe(0);
  expect(await call("reviews", "GET /")).toMatch(/^HTTP\/1\.1 200/);
});
