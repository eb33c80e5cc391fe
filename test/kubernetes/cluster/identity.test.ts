/** Who a sidecar is, by tokens of a real cluster: TokenRequest gives them, TokenReview judges them, and what they were bound to may have gone. */
import { generateKeyPairSync, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { CONTROL_PLANE_ACCOUNT } from "../../../src/control-plane/ca/control-plane-account.ts";
import { requires } from "../../harness/requires.ts";
import { enrolWith, install, type PlaneProcess, startPlane } from "./control-plane.ts";
import { ACCOUNT_KEY } from "./flags.ts";
import { clusterOfSuite } from "./suite.ts";

const REJECTED = "kubernetes_token_rejected false";

requires("kubernetes")("enrolment with a cluster's tokens", () => {
  let plane: PlaneProcess;
  const suite = clusterOfSuite({}, async (own) => {
    await install(own);
    plane = await startPlane(own, "a");
    await own.kubectl("create", "namespace", "shop");
  });
  afterAll(() => plane?.stop());

  const tokenOf = async (account: string, ...flags: string[]) => {
    await suite.kubectl.tried("", "create", "serviceaccount", account, "-n", "shop");
    return (await suite.kubectl("create", "token", account, "-n", "shop", ...flags)).trim();
  };
  const boundTo = async (pod: string) => {
    const token = await tokenOf("bound", ...WEFT);
    expect(token).not.toBe("");
    const spec = { serviceAccountName: "bound", containers: [{ name: "app", image: "app" }] };
    const document = { apiVersion: "v1", kind: "Pod", metadata: { name: pod, namespace: "shop" }, spec };
    await suite.kubectl.given(JSON.stringify(document), "create", "-f", "-");
    return tokenOf("bound", ...WEFT, "--bound-object-kind", "Pod", "--bound-object-name", pod);
  };

  it("takes a token for the audience weft, beside others too", async () => {
    expect(await enrolWith(plane, await tokenOf("web", ...WEFT))).toBe("issued");
    expect(await enrolWith(plane, await tokenOf("web", ...WEFT, "--audience", "vault"))).toBe("issued");
    await expect.poll(plane.log).toContain("spiffe://cluster.local/ns/shop/sa/web");
  });

  it("takes a pod's, as the kubelet projects it, and writes down which pod's", async () => {
    expect(await enrolWith(plane, await boundTo("web-7d4f"))).toBe("issued");
    await expect.poll(plane.log).toMatch(/ns\/shop\/sa\/bound.*web-7d4f|web-7d4f.*ns\/shop\/sa\/bound/);
  });

  it("refuses one for the API server or for somebody else", async () => {
    expect(await enrolWith(plane, await tokenOf("web"))).toBe(REJECTED);
    expect(await enrolWith(plane, await tokenOf("web", "--audience", "vault"))).toBe(REJECTED);
  });

  it("refuses one whose account is gone, also when another has its name", async () => {
    const token = await tokenOf("gone", ...WEFT);
    await suite.kubectl("delete", "serviceaccount", "gone", "-n", "shop");
    expect(await enrolWith(plane, token)).toBe(REJECTED);
    await suite.kubectl("create", "serviceaccount", "gone", "-n", "shop");
    expect(await enrolWith(plane, token)).toBe(REJECTED);
  });

  it("refuses one whose pod is gone", async () => {
    const token = await boundTo("short-lived");
    await suite.kubectl("delete", "pod", "short-lived", "-n", "shop", "--now");
    expect(await enrolWith(plane, token)).toBe(REJECTED);
  });

  it("refuses one that has expired, though the cluster signed it, and one that somebody else signed", async () => {
    const token = await tokenOf("web", ...WEFT);
    const key = readFileSync(join(suite.cluster.folder, ACCOUNT_KEY), "utf8");
    expect(await enrolWith(plane, signedAnew(token, key, {}))).toBe("issued");
    expect(await enrolWith(plane, signedAnew(token, key, { exp: Math.floor(Date.now() / 1_000) - 1 }))).toBe(
      REJECTED,
    );
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const pem = privateKey.export({ type: "sec1", format: "pem" }).toString();
    expect(await enrolWith(plane, signedAnew(token, pem, {}))).toBe(REJECTED);
  });

  it("gives nobody the identity by which sidecars know the control plane", async () => {
    const { namespace, serviceAccount } = CONTROL_PLANE_ACCOUNT;
    await suite.kubectl("create", "serviceaccount", serviceAccount, "-n", namespace);
    const token = await suite.kubectl("create", "token", serviceAccount, "-n", namespace, ...WEFT);
    expect(await enrolWith(plane, token.trim())).toBe("control_plane_account false");
  });

  it("asks to come again while the API server is away", async () => {
    const token = await tokenOf("web", ...WEFT);
    await suite.cluster.killApiServer();
    expect(await enrolWith(plane, token)).toBe("kubernetes_unavailable true");
    await suite.cluster.startApiServer();
    await expect.poll(() => enrolWith(plane, token), { timeout: 15_000, interval: 100 }).toBe("issued");
  });
});

const WEFT = ["--audience", "weft"];

/** The token with other claims, signed by a key of P-256. */
function signedAnew(token: string, key: string, change: object): string {
  const [head = "", body = ""] = token.split(".");
  const claims = { ...(JSON.parse(Buffer.from(body, "base64url").toString()) as object), ...change };
  const signed = `${head}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}`;
  const signature = sign("sha256", Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" });
  return `${signed}.${signature.toString("base64url")}`;
}
