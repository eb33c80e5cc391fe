/** An application behind a real sidecar's traffic loop with mutual TLS, protected by policies as users write them. */
import type { PolicyResource } from "../../src/discovery/policy.ts";
import { compiled } from "../harness/compiled.ts";
import type { RunningLoop } from "../harness/loop.ts";
import { contextOf } from "../identity/pki.ts";
import { leafFor, type Pair, startPair } from "../tls/pair.ts";
import { strangeClient } from "../tls/stranger.ts";

const POLICY_API = { apiVersion: "weft.dev/v1alpha1", kind: "AuthorizationPolicy" } as const;

export function policy(name: string, spec: object): object {
  return { ...POLICY_API, metadata: { name }, spec };
}

export function meshConfig(spec: object): object {
  return { apiVersion: "weft.dev/v1alpha1", kind: "MeshConfig", metadata: { name: "default" }, spec };
}

/** What the sidecar of `shop` would be told. */
export function policyOf(...documents: readonly object[]): PolicyResource {
  return compiled<PolicyResource>(documents, "policy", "inbound", {
    workload: "shop",
    labels: { app: "shop" },
  });
}

export class Protected {
  readonly pair: Pair;
  readonly #server: RunningLoop;

  private constructor(pair: Pair) {
    this.pair = pair;
    this.#server = pair.server;
  }

  static async start(...documents: readonly object[]): Promise<Protected> {
    const found = new Protected(await startPair());
    await found.protect(...documents);
    return found;
  }

  protect(...documents: readonly object[]): Promise<void> {
    return this.#server.apply([{ kind: "policy", resource: policyOf(...documents) }]);
  }

  /** A request with these lines by a client that speaks mutual TLS with the sidecar itself, as `serviceAccount`. */
  async ask(lines: readonly string[], serviceAccount = "web"): Promise<string> {
    const text = [...lines, "Connection: close", "", ""].join("\r\n");
    const { received } = await strangeClient(
      this.#server.inboundPort,
      text,
      contextOf(leafFor(serviceAccount)),
    );
    return received;
  }

  /** The status of a GET. */
  async status(path: string, fields: readonly string[] = [], serviceAccount = "web"): Promise<number> {
    const received = await this.ask([`GET ${path} HTTP/1.1`, "Host: shop", ...fields], serviceAccount);
    return Number(/^HTTP\/1\.1 (\d+)/.exec(received)?.[1] ?? 0);
  }

  /** What the application has been asked for since the last call. */
  seen(): string {
    const { received } = this.pair.app;
    this.pair.app.received = "";
    return received;
  }

  close(): Promise<void> {
    return this.pair.close();
  }
}
