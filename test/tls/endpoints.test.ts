/** Hostile input 33, and all else that an endpoint may show instead of what it should: 503 UF with the reason, and not a byte. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { OUTBOUND, type RunningLoop, startLoop } from "../harness/loop.ts";
import { rawOrigin } from "../harness/raw.ts";
import { contextOf, type Holder, makeCa, makeLeaf } from "../identity/pki.ts";
import { REFUSED } from "../identity/refused-certificates.ts";
import { FAILURES, GET, get, idOf, leafFor, secret, shopAt, until } from "./pair.ts";
import { strangeServer } from "./stranger.ts";

let client: RunningLoop;
beforeEach(async () => {
  client = await startLoop();
  await client.apply([secret("client"), { kind: "listener", resource: OUTBOUND }]);
});
afterEach(() => client.close());

const failures = (reason: string) => client.read(FAILURES, { listener: "outbound", reason });

async function answerOf(leaf: Holder, ...above: readonly Holder[]): Promise<string> {
  const server = await strangeServer(contextOf(leaf, ...above));
  await client.apply(shopAt(server.port));
  const answer = await get(client.outboundPort, GET.replace("GET", "POST"));
  // One, and two tries more: a connection that fails is tried again.
  expect(server.connections).toBe(3);
  expect(server.received).toBe("");
  await server.close();
  return answer;
}

describe("an endpoint is refused", () => {
  it("whose certificate is right, and another workload's", async () => {
    const answer = await answerOf(leafFor("stock"));
    expect(answer).toMatch(/^HTTP\/1.1 503 /);
    expect(answer).toContain("x-weft-error: UF; ");
    expect(answer).toContain("UF peer_refused: ");
    expect(answer).toContain(`wrong_identity: expected ${idOf("shop")}, found ${idOf("stock")}`);
    expect(failures("wrong_identity")).toBe(3);
    expect(client.read("requests", { response_code: "503", response_flags: "UF,URX" })).toBe(1);
  });

  it("of another namespace with a service account of the same name", async () => {
    const server = await strangeServer(contextOf(leafFor("shop")));
    await client.apply(shopAt(server.port, { namespace: "other" }));
    expect(await get(client.outboundPort)).toContain("wrong_identity");
    expect(server.received).toBe("");
    await server.close();
  });

  it.each([
    ["of another root", () => leafFor("shop", {}, makeCa("other")), "untrusted_root"],
    ["expired", () => leafFor("shop", { notAfter: Date.now() - 1_000 }), "expired"],
    ["no certificate of a workload", () => makeLeaf(makeCa("x")), "untrusted_root"],
    [
      "of another trust domain",
      () => REFUSED.find((row) => row.reason === "wrong_trust_domain")!.chain()[0],
      "wrong_trust_domain",
    ],
  ] as const)("%s", async (_is, leaf, reason) => {
    expect(await answerOf(leaf())).toContain(
      `UF peer_refused: who answered is not the endpoint's workload, or could not prove it (${reason})`,
    );
    expect(failures(reason)).toBe(3);
  });

  it("that speaks TLS 1.2, or another application protocol", async () => {
    const old = await strangeServer(contextOf(leafFor("shop")), { maxVersion: "TLSv1.2" });
    await client.apply(shopAt(old.port));
    expect(await get(client.outboundPort)).toContain(
      "UF tls_failure: no mutual TLS with the endpoint (protocol_version)",
    );
    await old.close();
    const other = await strangeServer(contextOf(leafFor("shop")), { ALPNProtocols: ["imap"] });
    await client.apply(shopAt(other.port));
    expect(await get(client.outboundPort)).toContain("(no_application_protocol)");
    await other.close();
  });

  it("that speaks no TLS; its answer never passes for one", async () => {
    const plain = await rawOrigin((_seen, socket) =>
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    );
    await client.apply(shopAt(plain.port));
    expect(await get(client.outboundPort)).toContain(
      "UF tls_failure: no mutual TLS with the endpoint (plaintext)",
    );
    expect(plain.received).not.toContain("GET");
    await plain.close();
  });

  it("that closes in the handshake", async () => {
    const closing = await rawOrigin((_seen, socket) => socket.destroy());
    await client.apply(shopAt(closing.port));
    expect(await get(client.outboundPort)).toContain(
      "UF tls_failure: no mutual TLS with the endpoint (closed)",
    );
    await closing.close();
  });

  it("that is not there, as ever", async () => {
    await client.apply(shopAt(1));
    expect(await get(client.outboundPort)).toContain("UF connect_failure: ");
  });

  it("that never answers the handshake, at the connect timeout", async () => {
    const silent = await rawOrigin(() => {});
    const [cluster, ...rest] = shopAt(silent.port);
    if (cluster?.kind !== "cluster") throw new TypeError("a cluster");
    const quick = { ...cluster, resource: { ...cluster.resource, connectTimeoutMs: 100 } };
    await client.apply([quick, ...rest]);
    expect(await get(client.outboundPort)).toContain("UF connect_timeout: ");
    await until(() => silent.received.length > 0, "a ClientHello");
    expect(client.read(FAILURES, { listener: "outbound" })).toBe(0);
    await silent.close();
  });
});

describe("a sidecar without a certificate of its own", () => {
  it("sends nothing where mutual TLS is asked for", async () => {
    const bare = await startLoop();
    const server = await strangeServer(contextOf(leafFor("shop")));
    await bare.apply([{ kind: "listener", resource: OUTBOUND }, ...shopAt(server.port)]);
    expect(await get(bare.outboundPort)).toContain(
      "UF tls_failure: no mutual TLS with the endpoint (no_own_certificate)",
    );
    expect(server.connections).toBe(0);
    await bare.close();
    await server.close();
  });

  it("fails closed when it has expired", async () => {
    const server = await strangeServer(contextOf(leafFor("shop")));
    await client.apply([
      secret("client", leafFor("client", { notAfter: Date.now() - 1_000 })),
      ...shopAt(server.port),
    ]);
    expect(await get(client.outboundPort)).toContain("(own_certificate_expired)");
    expect(server.connections).toBe(0);
    await server.close();
  });
});
