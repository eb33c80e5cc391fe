/** What `weft install` prints, taken by a real API server: with its admission, more than once, and in both ways to apply. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { requires } from "../../harness/requires.ts";
import { weft } from "../../harness/weft.ts";
import { httpRouteDefinition } from "./gateway-api.ts";
import { clusterOfSuite } from "./suite.ts";

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

  it("run a pod where Pod Security enforces restricted", async () => {
    const pods = async () =>
      (
        await suite.kubectl("get", "pods", "-n", "weft-system", "-o", "jsonpath={.items[*].status.phase}")
      ).trim();
    await expect.poll(pods, { timeout: 30_000, interval: 200 }).toBe("Pending");
  });

  it("may be changed to replicas with the operator's CA", async () => {
    const wanted = await manifests("--ca-secret", "weft-ca", "--replicas", "3");
    const { code, stderr } = await suite.kubectl.tried(wanted, "apply", "-f", "-");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const rollout = ["-n", "weft-system", "get", "deployment", "weft-control-plane", "-o"];
    expect(await suite.kubectl(...rollout, "jsonpath={.spec.replicas} {.spec.strategy.type}")).toBe(
      "3 RollingUpdate",
    );
    const shown = [
      "get",
      "pods",
      "-n",
      "weft-system",
      "-o",
      "jsonpath={.items[*].spec.volumes[*].secret.secretName}",
    ];
    await expect
      .poll(() => suite.kubectl(...shown), { timeout: 30_000, interval: 200 })
      .toContain("weft-ca weft-ca weft-ca");
  });

  it("make room for the samples", async () => {
    await suite.kubectl("apply", "--server-side", "-f", httpRouteDefinition());
    await suite.kubectl(
      "wait",
      "--for=condition=Established",
      "--timeout=30s",
      "crd/httproutes.gateway.networking.k8s.io",
    );
    const { code, stdout, stderr } = await suite.kubectl.tried("", "apply", "-f", SAMPLES);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("faultinjection.weft.dev/chaos created");
  });

  it("go with kubectl delete", async () => {
    const said = await suite.kubectl.given(await manifests(), "delete", "-f", "-", "--wait=false");
    expect(outcomes(said).every((outcome) => outcome.includes("deleted"))).toBe(true);
    const left = ["get", "clusterroles,clusterrolebindings,mutatingwebhookconfigurations,crds", "-o", "name"];
    const ours = async () => (await suite.kubectl(...left)).split("\n").filter((name) => /weft/.test(name));
    await expect.poll(ours, { timeout: 30_000, interval: 200 }).toEqual([]);
  });
});
