/** Enrolment with a service account token: the cluster says whose it is. Its API server is played here, its client is real. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { accountOf, implausible } from "../../src/control-plane/ca/service-account-token.ts";
import { enrol } from "../../src/discovery/enrol-client.ts";
import type { EnrolResult } from "../../src/discovery/enrolment.ts";
import { makeCsr } from "../../src/identity/csr.ts";
import { makeKey } from "../../src/identity/key.ts";
import { planeTls } from "../../src/proxy/enrolment/plane-tls.ts";
import { TrustFile } from "../../src/proxy/enrolment/trust-file.ts";
import { contextOf, leafExtensions, makeLeaf, namesExtension, pemOf } from "../identity/pki.ts";
import { root } from "../identity/refused-certificates.ts";
import { TRUST_DOMAIN } from "./sidecar.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const HOUR_S = 3_600;
const now = () => Math.floor(Date.now() / 1_000);

/** A token as far as it can be read; this cluster takes its third part for the signature. */
function tokenOf(claims: object, signature = "right"): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "RS256" })}.${part(claims)}.${signature}`;
}

const WEB = { sub: "system:serviceaccount:default:web", aud: ["weft"], exp: now() + HOUR_S };

let directory: string;
let cluster: Server;
/** Requests to the cluster's API server: path and body. */
let reviews: { readonly path: string; readonly token: string; readonly authorization: string }[];
let answer: (token: string) => object | number | "silence";

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "weft-kubernetes-"));
  reviews = [];
  const names = namesExtension(["dns", "localhost"]);
  const leaf = makeLeaf(root, { extensions: leafExtensions({ names }) });
  cluster = createServer(contextOf(leaf), async (request, response) => {
    const { spec } = JSON.parse(await text(request)) as { spec: { token: string; audiences: string[] } };
    const path = `${request.method} ${request.url} ${spec.audiences.join()}`;
    reviews.push({ path, token: spec.token, authorization: request.headers.authorization ?? "" });
    const status = answer(spec.token);
    if (status === "silence") return;
    response.writeHead(typeof status === "number" ? status : 201, { "content-type": "application/json" });
    response.end(
      JSON.stringify({
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenReview",
        metadata: {},
        spec,
        status,
      }),
    );
  }).listen(0, "localhost");
  await once(cluster, "listening");
  const { port } = cluster.address() as AddressInfo;
  const kubeconfig = {
    ...{ apiVersion: "v1", kind: "Config", "current-context": "test" },
    clusters: [
      {
        name: "test",
        cluster: { server: `https://localhost:${port}`, "certificate-authority-data": btoa(pemOf(root)) },
      },
    ],
    users: [{ name: "plane", user: { token: "the-planes-own" } }],
    contexts: [{ name: "test", context: { cluster: "test", user: "plane" } }],
  };
  writeFileSync(join(directory, "kubeconfig"), JSON.stringify(kubeconfig));
});

afterAll(() => {
  cluster.closeAllConnections();
  cluster.close();
  rmSync(directory, { recursive: true, force: true });
});

const authenticated = (username: string, audiences: readonly string[] = ["weft"]) => ({
  authenticated: true,
  audiences,
  user: { username, extra: { "authentication.kubernetes.io/pod-name": ["web-7d4f"] } },
});

interface Plane {
  readonly target: string;
  readonly stderr: () => string;
  close(): Promise<void>;
}

async function startPlane(...flags: readonly string[]): Promise<Plane> {
  const state = mkdtempSync(join(directory, "state-"));
  const config = mkdtempSync(join(directory, "config-"));
  const workload = {
    ...{ apiVersion: "weft.dev/v1alpha1", kind: "Workload", metadata: { name: "web" } },
    spec: { address: "127.0.0.1", serviceAccount: "web", ports: { http: 8_080 } },
  };
  writeFileSync(join(config, "web.yaml"), JSON.stringify(workload));
  const args = ["--config", config, "--state-dir", state, "--discovery-port", "0", "--api-port", "0"];
  const child = spawn(process.execPath, [MAIN, "control-plane", ...args, ...flags], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, KUBECONFIG: join(directory, "kubeconfig") },
  });
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += String(chunk);
  });
  const { discoveryPort } = await firstLine(child, () => stderr);
  bundleFile = join(state, "trust-bundle.pem");
  return {
    target: `127.0.0.1:${discoveryPort}`,
    stderr: () => stderr,
    close: async () => {
      const ended = once(child, "close");
      child.kill("SIGTERM");
      await ended;
    },
  };
}

async function firstLine(child: ChildProcess, stderr: () => string): Promise<Record<string, unknown>> {
  if (child.stdout === null) throw new Error("no stdout");
  for await (const line of createInterface(child.stdout)) return JSON.parse(line) as Record<string, unknown>;
  throw new Error(stderr());
}

let bundleFile: string;

async function ask(plane: Plane, kubernetesToken: string): Promise<EnrolResult> {
  const trust = TrustFile.open(bundleFile);
  if (typeof trust === "string") throw new Error(trust);
  const request = { csr: makeCsr(makeKey()).toString("base64"), kubernetesToken };
  return enrol(plane.target, request, planeTls(trust.bundle, TRUST_DOMAIN, undefined), 10_000);
}

async function outcome(plane: Plane, token: string): Promise<string> {
  const result = await ask(plane, token);
  return result.kind === "issued" ? "issued" : `${result.refusal.reason} ${result.refusal.isRetriable}`;
}

describe("a control plane with --kubernetes-tokens", { timeout: 60_000 }, () => {
  let plane: Plane;
  beforeAll(async () => {
    plane = await startPlane("--kubernetes-tokens");
  });
  afterAll(() => plane.close());

  it("signs for the account that the cluster names, and writes down the pod", async () => {
    answer = () => authenticated("system:serviceaccount:default:web");
    const token = tokenOf(WEB);
    expect(await outcome(plane, token)).toBe("issued");
    expect(reviews.at(-1)).toEqual({
      path: "POST /apis/authentication.k8s.io/v1/tokenreviews weft",
      token,
      authorization: "Bearer the-planes-own",
    });
    await expect.poll(plane.stderr).toContain("spiffe://cluster.local/ns/default/sa/web");
    expect(plane.stderr()).toMatch(/kubernetes_token.*web-7d4f/);
    expect(plane.stderr()).not.toContain(token);
  });

  it("believes the cluster, not the token", async () => {
    answer = () => authenticated("system:serviceaccount:shop:stock");
    expect(await outcome(plane, tokenOf(WEB))).toBe("issued");
    await expect.poll(plane.stderr).toContain("spiffe://cluster.local/ns/shop/sa/stock");
  });

  it.each([
    ["unknown to the cluster", () => ({ authenticated: false, error: "invalid bearer token" })],
    ["for other audiences", () => authenticated("system:serviceaccount:default:web", ["api"])],
    [
      "reviewed by a server that knows no audiences",
      () => authenticated("system:serviceaccount:default:web", []),
    ],
    ["of a user", () => authenticated("admin")],
    ["of a name that is no account", () => authenticated("system:serviceaccount:default:a/b")],
  ])("refuses a token %s", async (_is, status) => {
    answer = status;
    expect(await outcome(plane, tokenOf(WEB))).toBe("kubernetes_token_rejected false");
  });

  it("has no sidecar be the control plane", async () => {
    answer = () => authenticated("system:serviceaccount:weft-system:control-plane");
    expect(await outcome(plane, tokenOf(WEB))).toBe("control_plane_account false");
  });

  it("asks to come again where the cluster does not answer", async () => {
    answer = () => 500;
    expect(await outcome(plane, tokenOf(WEB))).toBe("kubernetes_unavailable true");
    answer = () => "silence";
    expect(await outcome(plane, tokenOf(WEB))).toBe("kubernetes_unavailable true");
  });

  it.each([
    ["no token", "secret"],
    ["one part too many", `${tokenOf(WEB)}.x`],
    ["for another audience", tokenOf({ ...WEB, aud: ["kubernetes"] })],
    ["of no account", tokenOf({ ...WEB, sub: "alice" })],
    ["expired", tokenOf({ ...WEB, exp: now() - 10 })],
    ["over 8 KiB", tokenOf({ ...WEB, more: "x".repeat(8_192) })],
  ])("does not trouble the cluster with what is %s", async (_is, token) => {
    const before = reviews.length;
    expect(await outcome(plane, token)).toBe("kubernetes_token_rejected false");
    expect(reviews.length).toBe(before);
  });

  it("enrols a sidecar with --kubernetes-token-file", async () => {
    answer = () => authenticated("system:serviceaccount:default:web");
    const file = join(directory, "token");
    writeFileSync(file, tokenOf(WEB));
    const ports = ["outbound", "inbound", "admin", "telemetry"].flatMap((name) => [`--${name}-port`, "0"]);
    const who = ["--workload", "default/web", "--service-account", "web", "--app-port", "8080"];
    const how = [
      "--control-plane",
      plane.target,
      "--trust-bundle",
      bundleFile,
      "--kubernetes-token-file",
      file,
    ];
    const child = spawn(process.execPath, [MAIN, "sidecar", ...who, ...how, ...ports], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stderr = "";
    child.stderr.on("data", (chunk) => {
      stderr += String(chunk);
    });
    const { adminPort } = await firstLine(child, () => stderr);
    await expect
      .poll(async () => (await fetch(`http://127.0.0.1:${adminPort}/certs`)).text(), { timeout: 10_000 })
      .toContain("spiffe://cluster.local/ns/default/sa/web");
    const ended = once(child, "close");
    child.kill("SIGKILL");
    await ended;
  });
});

it("a control plane without --kubernetes-tokens says so", async () => {
  const plane = await startPlane();
  expect(await outcome(plane, tokenOf(WEB))).toBe("kubernetes_not_configured false");
  await plane.close();
});

it("accounts are read to the byte", () => {
  expect(accountOf("system:serviceaccount:a:b.c-d")).toEqual({ namespace: "a", serviceAccount: "b.c-d" });
  for (const user of ["system:serviceaccount:a:", "system:serviceaccount::b", "serviceaccount:a:b"])
    expect(accountOf(user)).toBeUndefined();
  for (const user of [
    "system:serviceaccount:A:b",
    "system:serviceaccount:a:b\n",
    "system:serviceaccount:a:-",
  ])
    expect(accountOf(user)).toBeUndefined();
  expect(implausible(tokenOf({ ...WEB, aud: "weft" }), Date.now())).toBeUndefined();
});
