import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { textIo } from "../../test/harness/io.ts";
import { run } from "./authz.ts";

const MESH = `apiVersion: v1
kind: Service
metadata: { name: catalog }
spec: { selector: { app: catalog }, ports: [{ port: 80, targetPort: http }] }
---
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: catalog-1, labels: { app: catalog } }
spec: { serviceAccount: catalog, ports: { http: 9000 }, address: 10.0.0.1 }
---
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: web, labels: { app: web } }
spec: { serviceAccount: web, address: 10.0.0.2 }
---
apiVersion: weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: { name: catalog }
spec:
  selector: { matchLabels: { app: catalog } }
  rules:
    - from: [{ source: { principals: [cluster.local/ns/default/sa/web] } }]
      to: [{ operation: { methods: [GET], ports: [9000] } }]
    - when: [{ key: "request.auth.claims[realm][role]", values: [admin] }]
---
apiVersion: weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: { name: no-admin }
spec:
  action: DENY
  rules:
    - to: [{ operation: { paths: ["/admin*"] } }]
      when: [{ key: "request.headers[x-team]", notValues: [root] }]
---
apiVersion: weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: { name: watch }
spec: { action: AUDIT, rules: [{ to: [{ operation: { paths: [/watched] } }] }] }
`;

const directory = mkdtempSync(join(tmpdir(), "weft-authz-"));
const file = join(directory, "mesh.yaml");
writeFileSync(file, MESH);
afterAll(() => rmSync(directory, { recursive: true }));

async function authz(...argv: string[]) {
  const { io, output } = textIo();
  const code = await run(argv, io);
  return { code, output: output() };
}

function check(...argv: string[]) {
  return authz("check", "-f", directory, ...argv);
}

const WEB = ["--from", "web", "--to", "catalog"];

describe("weft authz check", () => {
  it.each<[string[], 0 | 1, string, number]>([
    [WEB, 0, "AuthorizationPolicy default/catalog rule 0", 22],
    [[...WEB, "--method", "POST"], 1, "no rule of AuthorizationPolicy default/catalog", 20],
    [[...WEB, "--path", "/x/..//%61dmin/y"], 1, "AuthorizationPolicy default/no-admin rule 0", 32],
    [
      [...WEB, "--path", "/admin", "--header", "x-team=root"],
      0,
      "AuthorizationPolicy default/catalog rule 0",
      22,
    ],
    [["--to", "catalog", "--claim", "realm.role=admin"], 0, "AuthorizationPolicy default/catalog rule 1", 24],
    [["--to", "catalog"], 1, "no rule of AuthorizationPolicy default/catalog", 20],
    [
      ["--from", "cluster.local/ns/default/sa/web", "--to", "default/catalog-1"],
      0,
      "AuthorizationPolicy default/catalog rule 0",
      22,
    ],
    // A rule that asks for HTTP takes connections without it where it denies, and none where it allows.
    [[...WEB, "--tcp"], 1, "AuthorizationPolicy default/no-admin rule 0", 32],
  ])("%s", async (argv, expected, decidedBy, line) => {
    const { code, output } = await check(...argv, "--json");
    const { items } = JSON.parse(output);
    expect(items).toMatchObject([{ to: "catalog-1", allowed: expected === 0, decidedBy, file, line }]);
    expect(code).toBe(expected);
  });

  it("tells people the same, and what would be audited", async () => {
    expect(await check(...WEB, "--path", "/watched")).toEqual({
      code: 0,
      output:
        `allowed: web → catalog-1\n  by AuthorizationPolicy default/catalog rule 0 (${file}:22)\n` +
        "  audited by AuthorizationPolicy default/watch rule 0\n",
    });
  });

  it("says what it does not know, and what was probably meant", async () => {
    const { code, output } = await check("--from", "web", "--to", "catalg");
    expect(code).toBe(1);
    expect(output).toContain("no Workload and no Service default/catalg");
    expect(output).toContain('did you mean "default/catalog"?');
  });

  it("refuses what no sidecar would read", async () => {
    expect((await check(...WEB, "--path", "/a b")).output).toContain("no request that a sidecar takes");
    expect((await check(...WEB, "--header", "x-team")).code).toBe(2);
    expect((await check("--from", "web")).code).toBe(2);
    expect((await authz("decide")).code).toBe(2);
  });
});
