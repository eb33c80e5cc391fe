/** What `weft install` prints, taken by a real API server: with its admission, more than once, and in both ways to apply. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { requires } from "../../harness/requires.ts";
import { weft } from "../../harness/weft.ts";
import { gatewayDefinitions } from "./gateway-api.ts";
import { clusterOfSuite } from "./suite.ts";

/** For controllers. */
const WAIT = { timeout: 15_000, interval: 200 };
const SAMPLES = join(import.meta.dirname, "../../../config/samples");

/** What kubectl says became of each object, without those that are alike. */
function outcomes(said: string): string[] {
  const lines = said.trim().split("\n");
  return [...new Set(lines.map((line) => line.replace(/^\S+ /, "")))].sort();
}

requires("kubernetes")("the manifests of weft install", () => {
  const suite = clusterOfSuite();
  const manifests = async (...flags: string[]) => (await weft("", "install", ...flags)).stdout;

  it("are created without a warning, and unchanged the second time", async () => {
    const { code, stdout, stderr } = await suite.kubectl.tried(await manifests(), "apply", "-f", "-");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(outcomes(stdout)).toEqual(["created"]);
    const again = await suite.kubectl.tried(await manifests(), "apply", "-f", "-");
    expect({ stderr: again.stderr, outcomes: outcomes(again.stdout) }).toEqual({
      stderr: "",
      outcomes: ["unchanged"],
    });
  });

  it("may be applied by the server as well, which finds no difference", async () => {
    const said = await suite.kubectl.given(await manifests(), "apply", "--server-side", "-f", "-");
    expect(outcomes(said)).toEqual(["serverside-applied"]);
    expect(await suite.kubectl.given(await manifests(), "diff", "--server-side", "-f", "-")).toBe("");
  });

  it("have definitions that are structural and established", async () => {
    const { items } = JSON.parse(await suite.kubectl("get", "crds", "-o", "json")) as {
      items: { metadata: { name: string }; status: { conditions: { type: string; status: string }[] } }[];
    };
    const states = items.map(({ metadata, status }) => {
      const held = status.conditions
        .filter((condition) => condition.status === "True")
        .map(({ type }) => type);
      return [metadata.name, held.sort()];
    });
    expect(states).toHaveLength(8);
    for (const [, held] of states) expect(held).toEqual(["Established", "NamesAccepted"]);
  });

  it("have names that kubectl reads as they are meant", async () => {
    const text = await manifests("--namespace", "no");
    const said = await suite.kubectl.given(text, "create", "--dry-run=client", "-f", "-", "-o", "name");
    expect(said).toContain("namespace/no\n");
  });

  it("explain their fields", async () => {
    const said = await suite.kubectl("explain", "trafficpolicy.spec.retry.retryOn");
    expect(said).toMatch(/FIELD: +retryOn <\[\]string>(?:.|\n)*words of Envoy's/);
  });

  it("run a pod where Pod Security enforces restricted", async () => {
    const pods = async () =>
      (
        await suite.kubectl("get", "pods", "-n", "weft-system", "-o", "jsonpath={.items[*].status.phase}")
      ).trim();
    await expect.poll(pods, WAIT).toBe("Pending");
  });

  it("may be changed to the operator's CA and more replicas, and back, however they are applied", async () => {
    const shown = ["get", "deployment", "weft-control-plane", "-n", "weft-system", "-o"];
    const path = "jsonpath={.spec.replicas} {.spec.template.spec.volumes[*].secret.secretName}";
    const apply = async (how: readonly string[], ...flags: string[]) => {
      const text = await manifests(...flags);
      const { code, stderr } = await suite.kubectl.tried(text, "apply", ...how, "-f", "-");
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      return (await suite.kubectl(...shown, path)).trim();
    };
    for (const how of [[], ["--server-side", "--force-conflicts"]]) {
      expect(await apply(how, "--ca-secret", "mine", "--replicas", "3")).toBe("3 mine");
      const secrets = ["get", "pods", "-n", "weft-system", "-o", "jsonpath={..secret.secretName}"];
      await expect.poll(() => suite.kubectl(...secrets), WAIT).toContain("mine");
      expect(await apply(how)).toBe("1");
    }
  });

  it("leave the CA alone that a control plane has made, when they are applied again", async () => {
    const made = JSON.stringify({ stringData: { "ca.json": "a CA" } });
    await suite.kubectl("patch", "secret", "weft-ca", "-n", "weft-system", "-p", made);
    for (const how of [[], ["--server-side", "--force-conflicts"]])
      await suite.kubectl.given(await manifests(), "apply", ...how, "-f", "-");
    const path = "jsonpath={.data.ca\\.json}";
    const kept = await suite.kubectl("get", "secret", "weft-ca", "-n", "weft-system", "-o", path);
    expect(Buffer.from(kept, "base64").toString()).toBe("a CA");
  });

  it("make room for the samples", async () => {
    await suite.kubectl("apply", "--server-side", ...gatewayDefinitions().flatMap((path) => ["-f", path]));
    await suite.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd", "--all");
    const { code, stdout, stderr } = await suite.kubectl.tried("", "apply", "-f", SAMPLES);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("faultinjection.weft.dev/chaos created");
  });

  it("go with kubectl delete, and leave nothing", { timeout: 60_000 }, async () => {
    await suite.kubectl.given(await manifests(), "delete", "-f", "-", "--wait=false");
    // When a definition has gone for good is the API server's affair, which now and then takes it minutes.
    const staying =
      "go-template={{range .items}}{{if not .metadata.deletionTimestamp}}{{.metadata.name}} {{end}}{{end}}";
    const kinds = "clusterroles,clusterrolebindings,mutatingwebhookconfigurations,crds";
    expect(await suite.kubectl("get", kinds, "-o", staying)).not.toMatch(/weft/);
    const namespaces = () => suite.kubectl("get", "namespaces", "-o", "name");
    await expect.poll(namespaces, { timeout: 50_000, interval: 200 }).not.toContain("weft-system");
  });
});
