/**
 * Two sidecars' traffic loops with an application behind the second: outbound → mutual TLS → inbound → application. Their
 * certificates are made as the CA makes them; `test/identity/pki.ts` makes the wrong ones.
 */
import { randomBytes } from "node:crypto";
import type { InboundListenerResource, MutualTlsMode } from "../../src/discovery/listener.ts";
import type { EndpointResource } from "../../src/discovery/messages.ts";
import { readCertificate } from "../../src/identity/certificate.ts";
import { privateKeyPem } from "../../src/identity/key.ts";
import type { Secret } from "../../src/identity/secret.ts";
import type { Change } from "../../src/proxy/snapshot/loop-protocol.ts";
import { clusterAt, OUTBOUND, plainRoute, type RunningLoop, startLoop } from "../harness/loop.ts";
import { counting, exchangeBytes, type RawOrigin, rawOrigin } from "../harness/raw.ts";
import {
  type Change as CertificateChange,
  type Holder,
  leafExtensions,
  makeLeaf,
  namesExtension,
  pemOf,
  TRUST_DOMAIN,
} from "../identity/pki.ts";
import { root } from "../identity/refused-certificates.ts";

export function idOf(serviceAccount: string): string {
  return `spiffe://${TRUST_DOMAIN}/ns/default/sa/${serviceAccount}`;
}

/** A right leaf for a service account of namespace `default`, but for what is changed. */
export function leafFor(
  serviceAccount: string,
  change: CertificateChange = {},
  issuer: Holder = root,
): Holder {
  const names = namesExtension(["uri", idOf(serviceAccount)]);
  return makeLeaf(issuer, { extensions: leafExtensions({ names }), ...change });
}

export function secretFor(
  serviceAccount: string,
  leaf = leafFor(serviceAccount),
  trusted = pemOf(root),
): Secret {
  const read = readCertificate(leaf.der);
  return {
    id: idOf(serviceAccount),
    trustDomain: TRUST_DOMAIN,
    notAfter: read.kind === "certificate" ? read.certificate.notAfter : 0,
    privateKey: privateKeyPem(leaf.key),
    chain: pemOf(leaf),
    bundle: trusted,
    ticketKeys: randomBytes(48),
  };
}

export function secret(serviceAccount: string, leaf?: Holder, trusted?: string): Change {
  return { kind: "secret", secret: secretFor(serviceAccount, leaf, trusted) };
}

export function inboundAt(appPort: number, mtls: MutualTlsMode): Change {
  const resource: InboundListenerResource = {
    name: "inbound",
    local: { ...OUTBOUND.local, workload: "shop", app: "shop", principal: idOf("shop") },
    limits: OUTBOUND.limits,
    metricPrefix: "istio",
    connectTimeoutMs: 2_000,
    mtls,
    ports: [{ service: { name: "shop", namespace: "default" }, servicePort: 80, appPort, protocol: "http1" }],
  };
  return { kind: "listener", resource };
}

/** Cluster, endpoint and route of `shop` at a port, under mutual TLS and with the service account `shop`. */
export function shopAt(port: number, change: Partial<EndpointResource> = {}): Change[] {
  const [cluster, endpoints] = clusterAt("shop", [port]);
  if (cluster?.kind !== "cluster" || endpoints?.kind !== "endpoints") throw new TypeError("a cluster");
  return [
    cluster,
    {
      ...endpoints,
      endpoints: endpoints.endpoints.map((e) => ({ ...e, serviceAccount: "shop", tls: "mutual", ...change })),
    },
    ...plainRoute("shop"),
  ];
}

export interface Pair {
  readonly client: RunningLoop;
  readonly server: RunningLoop;
  readonly app: RawOrigin;
  close(): Promise<void>;
}

export async function startPair(mtls: MutualTlsMode = "STRICT"): Promise<Pair> {
  const app = await rawOrigin(counting());
  const [client, server] = await Promise.all([startLoop(), startLoop()]);
  await server.apply([secret("shop"), inboundAt(app.port, mtls)]);
  await client.apply([
    secret("client"),
    { kind: "listener", resource: OUTBOUND },
    ...shopAt(server.inboundPort),
  ]);
  return {
    client,
    server,
    app,
    close: async () => {
      await Promise.all([client.close(), server.close()]);
      await app.close();
    },
  };
}

export const GET = "GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n";

/** One request through the whole pair, on a connection of its own. */
export function get(port: number, text: string = GET): Promise<string> {
  return exchangeBytes(port, [text]);
}

/** Polls until `read` gives `expected`; a counter of a loop is written after its connection's last byte. */
export async function until(read: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 15_000;
  while (!read()) {
    if (performance.now() > end) throw new Error(`not in 15 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const FAILURES = "weft_tls_handshake_failures_total";
export const HANDSHAKES = "weft_tls_handshakes_total";
