/** A control plane with its admission webhook, here, and a client of it as the API server is one: it trusts a CA and a name. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openGrpcDiscovery } from "../../../src/cli/control-plane.ts";
import type { Log } from "../../../src/control-plane/log.ts";
import { startControlPlane } from "../../../src/control-plane/server.ts";
import { SETTINGS } from "../inject/pods.ts";

export const HOST = "weft-control-plane.weft-system.svc";

export interface Reply {
  readonly status: number;
  readonly body: Review;
}

/** As much of an answer as tests look at. */
export interface Review {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly error?: { readonly message: string };
  readonly response?: {
    readonly uid: string;
    readonly allowed: boolean;
    readonly patchType?: string;
    readonly patch?: string;
    readonly warnings?: readonly string[];
    readonly status?: { readonly code: number; readonly message: string };
  };
}

export interface WebhookPlane {
  readonly apiPort: number;
  readonly webhookPort: number;
  /** Roots as the control plane publishes them, as PEM. */
  roots(): string;
  /** What was logged, as JSON lines. */
  readonly lines: string[];
  close(): Promise<void>;
}

export async function startPlane(configuration?: string): Promise<WebhookPlane> {
  const directory = mkdtempSync(join(tmpdir(), "weft-webhook-"));
  mkdirSync(join(directory, "config"));
  const lines: string[] = [];
  const write = (fields: object, message: string) => void lines.push(JSON.stringify({ message, ...fields }));
  const log: Log = { debug: write, info: write, warn: write, error: write };
  const ca = join(directory, "ca");
  const bundleFile = join(directory, "trust-bundle.pem");
  const webhook = { port: 0, settings: SETTINGS, ...(configuration === undefined ? {} : { configuration }) };
  const plane = await startControlPlane({
    ...{
      configDir: join(directory, "config"),
      host: "127.0.0.1",
      discoveryPort: 0,
      apiPort: 0,
      log,
      webhook,
    },
    identity: { caDirectory: ca, tokenDirectory: ca, bundleFile, hosts: [HOST], reconnectMs: 1 },
    openDiscovery: openGrpcDiscovery,
  });
  return {
    apiPort: plane.apiPort,
    webhookPort: plane.webhookPort ?? 0,
    roots: () => readFileSync(bundleFile, "utf8"),
    lines,
    close: async () => {
      await plane.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export interface CallOptions {
  readonly ca: string;
  readonly host?: string;
  readonly path?: string;
  readonly method?: string;
  readonly type?: string;
  readonly agent?: Agent;
}

/** Sends a body; rejects where the certificate is not right. */
export function call(port: number, body: string | Buffer, options: CallOptions): Promise<Reply> {
  const {
    ca,
    host = HOST,
    path = "/inject?timeout=10s",
    method = "POST",
    type = "application/json",
  } = options;
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const asked = request(
    {
      ...{ host: "127.0.0.1", port, path, method, ca, servername: host, agent: options.agent ?? false },
      headers: { host, "content-type": type, "content-length": Buffer.byteLength(body) },
    },
    (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Review }),
      );
      response.on("error", reject);
    },
  );
  asked.on("error", reject);
  asked.end(body);
  return promise;
}

/** An AdmissionReview as an API server of Kubernetes 1.33 sends it. */
export function admissionReview(object: unknown, overrides: object = {}): string {
  const gvk = { group: "", version: "v1", kind: "Pod" };
  const gvr = { group: "", version: "v1", resource: "pods" };
  return JSON.stringify({
    kind: "AdmissionReview",
    apiVersion: "admission.k8s.io/v1",
    request: {
      uid: "705ab4f5-6393-11e8-b7cc-42010a800002",
      ...{ kind: gvk, resource: gvr, requestKind: gvk, requestResource: gvr },
      namespace: "shop",
      operation: "CREATE",
      userInfo: {
        username: "system:serviceaccount:kube-system:replicaset-controller",
        groups: ["system:authenticated"],
      },
      object,
      oldObject: null,
      dryRun: false,
      options: { kind: "CreateOptions", apiVersion: "meta.k8s.io/v1" },
      ...overrides,
    },
  });
}
