/** A sidecar's way to a certificate and to its stream, and everybody who does not get one. */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { connect as connectTls, createServer, type TLSSocket } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { enrol } from "../../src/discovery/enrol-client.ts";
import { grpcTransport } from "../../src/discovery/grpc-client.ts";
import type { SidecarStatus } from "../../src/discovery/sidecar-status.ts";
import { makeCsr } from "../../src/identity/csr.ts";
import { makeKey, privateKeyPem } from "../../src/identity/key.ts";
import { parseBundle, type TrustBundle } from "../../src/identity/trust-bundle.ts";
import type { CertificatesAnswer } from "../../src/local/api-types.ts";
import { planeTls } from "../../src/proxy/enrolment/plane-tls.ts";
import { bundleOf, startPlane, type TestPlane } from "./plane.ts";
import { nodeOf, type SidecarOptions, startSidecar, type TestSidecar, TRUST_DOMAIN } from "./sidecar.ts";

let plane: TestPlane;
let stranger: TestPlane;
const running: TestSidecar[] = [];

beforeAll(async () => {
  plane = await startPlane();
  stranger = await startPlane();
});
afterEach(() => {
  for (const sidecar of running.splice(0)) sidecar.close();
});
afterAll(async () => {
  await plane.close();
  await stranger.close();
});

function sidecarOf(options: Partial<SidecarOptions> & { readonly serviceAccount: string }): TestSidecar {
  const sidecar = startSidecar({ target: plane.target, bundleFile: plane.bundleFile, ...options });
  running.push(sidecar);
  return sidecar;
}

function roots(of: TestPlane): TrustBundle {
  const parsed = parseBundle(bundleOf(of));
  if (parsed.kind === "invalid") throw new Error(parsed.fault);
  return parsed.bundle;
}

/** One enrolment; resolves with the reason of the refusal, or `issued`. */
async function outcome(
  token: string | undefined,
  csr = makeCsr(makeKey()).toString("base64"),
): Promise<string> {
  const tls = planeTls(roots(plane), TRUST_DOMAIN, undefined);
  const result = await enrol(plane.target, token === undefined ? { csr } : { csr, token }, tls, 5_000);
  return result.kind === "issued" ? "issued" : result.refusal.reason;
}

describe("enrolment", () => {
  it("a token makes a certificate, and the certificate a stream", async () => {
    const sidecar = sidecarOf({ serviceAccount: "web", token: await plane.token("web") });
    await expect.poll(() => sidecar.responses.length).toBeGreaterThan(0);
    expect(sidecar.keeper.svid?.id).toBe("spiffe://cluster.local/ns/default/sa/web");
    expect(sidecar.secrets).toHaveLength(1);
    expect(sidecar.warnings).toEqual([]);
    const { items } = await plane.api.call<{ items: SidecarStatus[] }>("GET", "/v1/sidecars");
    expect(items.find(({ id }) => id === "default/web")).toMatchObject({ state: "synced" });
    const certificates = await plane.api.call<CertificatesAnswer>("GET", "/v1/certificates");
    const mine = certificates.items.find(({ identity }) => identity === sidecar.keeper.svid?.id);
    expect(mine).toMatchObject({ serial: sidecar.keeper.svid?.serial, by: "join_token" });
  });

  it("each wrong token is refused with its reason, and a right one is taken after all of them", async () => {
    const once = await plane.token("web", { uses: 1 });
    expect(await outcome(once)).toBe("issued");
    expect(await outcome(once)).toBe("token_used_up");
    expect(await outcome(await plane.token("web", { ttlMs: 1 }))).toBe("token_expired");
    expect(await outcome(await stranger.token("web"))).toBe("token_forged");
    expect(await outcome("weft1.e30.x")).toBe("token_malformed");
    expect(await outcome("")).toBe("token_malformed");
    expect(await outcome(undefined)).toBe("no_evidence");
    expect(await outcome(await plane.token("web"), "not Base64!")).toBe("csr_malformed");
    expect(await outcome(await plane.token("web"), "A".repeat(8_000))).toBe("csr_too_large");
    expect(await outcome("x".repeat(64 * 1_024))).toBe("request_malformed");
    expect(await outcome(await plane.token("web"))).toBe("issued");
  });

  it("a sidecar says why it has no certificate, and takes a better token when there is one", async () => {
    const sidecar = sidecarOf({ serviceAccount: "web", token: await stranger.token("web") });
    await expect.poll(() => sidecar.warnings[0]).toMatch(/token_forged: .*weft token create/);
    expect(sidecar.streams.opened).toBe(0);
    sidecar.token = await plane.token("web");
    await expect.poll(() => sidecar.streams.opened, { timeout: 10_000 }).toBe(1);
    expect(sidecar.keeper.counts.failure).toBeGreaterThan(0);
    expect(sidecar.keeper.lastFailure).toBe("");
  });

  it("a token for somebody else makes no certificate of a sidecar's", async () => {
    const sidecar = sidecarOf({ serviceAccount: "web", token: await plane.token("stock") });
    await expect.poll(() => sidecar.warnings[0]).toMatch(/token is for another identity/);
    expect(sidecar.secrets).toEqual([]);
  });

  it("nobody gets a token for the control plane's own account", async () => {
    const wish = { namespace: "weft-system", serviceAccount: "control-plane" };
    await expect(plane.api.call("POST", "/v1/tokens", wish)).rejects.toThrow(
      /no sidecar may be the control plane/,
    );
  });
});

describe("what a sidecar takes for the control plane", () => {
  it("not one with another root; it shows it no token", async () => {
    const token = await plane.token("web", { uses: 1 });
    const sidecar = sidecarOf({ serviceAccount: "web", token, bundleFile: stranger.bundleFile });
    await expect.poll(() => sidecar.warnings[0]).toMatch(/no new certificate: .*certificate/);
    sidecar.close();
    expect(await outcome(token)).toBe("issued");
  });

  it("not a workload of the same mesh", async () => {
    const key = makeKey();
    const csr = makeCsr(key).toString("base64");
    const tls = planeTls(roots(plane), TRUST_DOMAIN, undefined);
    const issued = await enrol(plane.target, { csr, token: await plane.token("web") }, tls, 5_000);
    if (issued.kind !== "issued") throw new Error(issued.refusal.text);
    const server = createServer({
      ...{ key: privateKeyPem(key), cert: issued.answer.chain, minVersion: "TLSv1.3", ALPNProtocols: ["h2"] },
    });
    const sockets: TLSSocket[] = [];
    const heard: Buffer[] = [];
    server.on("secureConnection", (socket) => {
      sockets.push(socket);
      socket.on("data", (chunk: Buffer) => heard.push(chunk));
      socket.on("error", () => {});
    });
    server.on("tlsClientError", () => {});
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const target = `127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
    const sidecar = sidecarOf({ serviceAccount: "web", token: "secret-token", target });
    await expect.poll(() => sidecar.warnings[0]).toMatch(/sa\/web is not the control plane/);
    sidecar.close();
    expect(Buffer.concat(heard).includes("secret-token")).toBe(false);
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  });

  it("roots that are put into the file later", async () => {
    const file = join(plane.directory, "late.pem");
    writeFileSync(file, bundleOf(stranger));
    const sidecar = sidecarOf({ serviceAccount: "web", token: await plane.token("web"), bundleFile: file });
    await expect.poll(() => sidecar.warnings.length).toBeGreaterThan(0);
    writeFileSync(file, bundleOf(plane));
    await expect.poll(() => sidecar.streams.opened, { timeout: 10_000 }).toBe(1);
  });
});

describe("the stream", () => {
  /** Opens a stream as `account` with these TLS settings; resolves with why it ended. */
  function refusal(account: string, tls: ReturnType<typeof planeTls>): Promise<string> {
    return new Promise((resolve) => {
      const transport = grpcTransport(
        plane.target,
        () => tls,
      )({
        onOpen: () =>
          transport.send({
            kind: "discovery",
            request: { node: nodeOf(account), type: "listener", subscribe: ["inbound"] },
          }),
        onMessage: () => resolve("served"),
        onClosed: resolve,
      });
    });
  }

  it("is refused to a stranger without a certificate", async () => {
    const reason = await refusal("web", planeTls(roots(plane), TRUST_DOMAIN, undefined));
    expect(reason).toMatch(/^grpc-status 7 no client certificate that this control plane trusts/);
  });

  it("is refused to a certificate of another mesh", async () => {
    const other = sidecarOf({
      ...{ serviceAccount: "web", target: stranger.target, bundleFile: stranger.bundleFile },
      token: await stranger.token("web"),
    });
    await other.keeper.enrolled;
    const reason = await refusal("web", planeTls(roots(plane), TRUST_DOMAIN, other.keeper.svid));
    expect(reason).toMatch(/^grpc-status 7 no client certificate that this control plane trusts/);
  });

  it("is refused to a certificate of another account, with both named", async () => {
    const sidecar = sidecarOf({ serviceAccount: "web", says: "stock", token: await plane.token("web") });
    await expect
      .poll(() => sidecar.warnings[0])
      .toMatch(
        /stream to the control plane ended: grpc-status 7 .*sa\/web, which is not the identity of sidecar default\/stock/,
      );
    expect(sidecar.responses).toEqual([]);
  });

  it("is not there in plaintext, nor under TLS 1.2", async () => {
    const [host = "", port] = plane.target.split(":");
    const plain = connect({ host, port: Number(port) });
    plain.on("error", () => {});
    plain.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    await once(plain, "close");
    const old = connectTls({ host, port: Number(port), maxVersion: "TLSv1.2", rejectUnauthorized: false });
    const [error] = (await once(old, "error").catch((found: unknown) => [found])) as [Error];
    expect(error.message).toMatch(/protocol version|alert/i);
  });
});
