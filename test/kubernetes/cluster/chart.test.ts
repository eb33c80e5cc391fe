/** The chart, installed, upgraded and uninstalled by Helm in a real API server. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { findProgram, requires } from "../../harness/requires.ts";
import { clusterOfSuite } from "./suite.ts";

const CHART = join(import.meta.dirname, "../../../deploy/chart");
const WAIT = { timeout: 15_000, interval: 200 };

requires("kubernetes", "helm")("the chart in a real API server", () => {
  const suite = clusterOfSuite();

  /** What Helm says on standard error: nothing but faults and warnings. */
  const helm = async (...args: string[]) => {
    const { kubeconfig, folder } = suite.cluster;
    const env = { PATH: process.env["PATH"], HOME: folder, KUBECONFIG: kubeconfig };
    const own = ["--namespace", "weft-system"];
    return (await promisify(execFile)(findProgram("helm") ?? "helm", [...args, ...own], { env })).stderr;
  };
  const get = (...what: string[]) => suite.kubectl("get", "-n", "weft-system", ...what);
  const ca = () => get("secret", "weft-ca", "-o", "jsonpath={.data.ca\\.json}");

  it("is installed, under what Pod Security calls restricted", async () => {
    await suite.kubectl("create", "namespace", "weft-system");
    const level = "pod-security.kubernetes.io/enforce=restricted";
    await suite.kubectl("label", "namespace", "weft-system", level);
    expect(await helm("install", "weft", CHART)).toBe("");
    const pods = () => get("pods", "-o", "jsonpath={.items[*].status.phase}");
    await expect.poll(pods, WAIT).toBe("Pending");
  });

  it("is upgraded, and leaves the CA alone that a control plane has made", async () => {
    const made = JSON.stringify({ stringData: { "ca.json": "a CA" } });
    await suite.kubectl("patch", "secret", "weft-ca", "-n", "weft-system", "-p", made);
    const before = await ca();
    expect(await helm("upgrade", "weft", CHART, "--set", "replicas=3,log.level=warn")).toBe("");
    expect(await get("deployment", "weft-control-plane", "-o", "jsonpath={.spec.replicas}")).toBe("3");
    expect(await get("poddisruptionbudgets", "-o", "name")).toContain("weft-control-plane");
    expect(await ca()).toBe(before);
    expect(await helm("rollback", "weft", "1")).toBe("");
    expect(await get("deployment", "weft-control-plane", "-o", "jsonpath={.spec.replicas}")).toBe("1");
    expect(await ca()).toBe(before);
  });

  it("leaves definitions, resources and the CA where it is uninstalled, and takes them up again", async () => {
    const policy = { targetRef: { name: "web" }, retry: { retryOn: ["5xx"] } };
    const metadata = { name: "web", namespace: "default" };
    const document = { apiVersion: "weft.dev/v1alpha1", kind: "TrafficPolicy", metadata, spec: policy };
    await suite.kubectl.given(JSON.stringify(document), "create", "-f", "-");
    const before = await ca();
    await helm("uninstall", "weft", "--wait");
    expect(await get("deployments,services,roles,serviceaccounts", "-o", "name")).toBe(
      "serviceaccount/default\n",
    );
    expect(await suite.kubectl("get", "trafficpolicies", "-o", "name")).toContain("/web");
    expect(await ca()).toBe(before);
    expect(await helm("install", "weft", CHART)).toBe("");
    expect(await ca()).toBe(before);
  });
});
