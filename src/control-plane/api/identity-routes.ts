/**
 * What the API tells of certificates and does for them. Making tokens and changing the root decide who is who in the mesh:
 * that is answered on loopback alone, wherever the API listens.
 */
import type { IncomingMessage } from "node:http";
import type { PlaneIdentity } from "../identity.ts";
import { HttpError, readBody } from "./http.ts";

const HOUR_MS = 3_600_000;
const DEFAULT_TOKEN_LIFE_MS = HOUR_MS;
/** Used at once. */
const ISSUE_TOKEN_MS = 60_000;
const TOKEN_BODY = "the body must be {namespace, serviceAccount, uses?, ttlMs?}";
const ISSUE_BODY = "the body must be {csr, namespace, serviceAccount}";

/** The CA, what it trusts, and the latest certificate of each identity. */
export function listCertificates(identity: PlaneIdentity | undefined): unknown {
  const known = required(identity);
  const { bundle, source, trustDomain, issued } = known;
  const { root, certificate } = source.authority.authority;
  const roots = bundle.roots.map(({ fingerprint, certificate: { notAfter } }) => ({
    fingerprint,
    notAfter: time(notAfter),
    isSigning: fingerprint === root.fingerprint,
  }));
  const items = issued.list().map(({ identity: id, serial, by, at, notAfter, root: under, count }) => ({
    ...{ identity: id, serial, by, issuedAt: time(at), notAfter: time(notAfter), root: under, count },
  }));
  const ca = { kind: source.kind, notAfter: time(certificate.notAfter), phase: phaseOf(known) };
  return { trustDomain, ca, roots, bundle: bundle.pem, items };
}

/** Makes a join token from `{namespace, serviceAccount, uses?, ttlMs?}`. */
export async function createToken(
  identity: PlaneIdentity | undefined,
  request: IncomingMessage,
): Promise<unknown> {
  const known = required(identity);
  checkLoopback(request);
  const wish = readWish(await readBody(request));
  const now = Date.now();
  const expiresAt = now + wish.ttlMs;
  const { namespace, serviceAccount, uses } = wish;
  try {
    const token = known.makeToken({ namespace, serviceAccount, uses, expiresAt }, now);
    const id = `spiffe://${known.trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
    return { token, identity: id, uses, expiresAt: time(expiresAt) };
  } catch (error) {
    if (error instanceof RangeError) throw new HttpError(422, "invalid", error.message);
    throw error;
  }
}

/** Signs a key for `{csr, namespace, serviceAccount}`: what a token and an enrolment would, in one. */
export async function issueCertificate(
  identity: PlaneIdentity | undefined,
  request: IncomingMessage,
): Promise<unknown> {
  const known = required(identity);
  checkLoopback(request);
  const body = await readBody(request);
  const { csr } = (objectIn(body) ?? {}) as { csr?: unknown };
  if (typeof csr !== "string") throw new HttpError(400, "invalid_body", ISSUE_BODY);
  const { namespace, serviceAccount } = readWish(body, ISSUE_BODY);
  const id = `spiffe://${known.trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
  const now = Date.now();
  let token: string;
  try {
    token = known.makeToken({ namespace, serviceAccount, uses: 1, expiresAt: now + ISSUE_TOKEN_MS }, now);
  } catch (error) {
    if (error instanceof RangeError) throw new HttpError(422, "invalid", error.message);
    throw error;
  }
  const result = await known.enrol({ csr, token }, undefined);
  if (result.kind === "refused") throw new HttpError(422, result.refusal.reason, result.refusal.text);
  const { chain, bundle, notAfter } = result.answer;
  return { identity: id, chain, bundle, notAfter: time(notAfter) };
}

/** Begins a change of the root. */
export async function beginRotation(
  identity: PlaneIdentity | undefined,
  request: IncomingMessage,
  sidecars: number,
): Promise<unknown> {
  checkLoopback(request);
  const driver = driverOf(identity);
  if (!required(identity).mayRotate()) {
    throw new HttpError(409, "not_leading", "another replica of the control plane leads: ask that one");
  }
  if (!(await driver.begin())) throw new HttpError(409, "under_way", "the root is being changed already");
  return readRotation(identity, sidecars);
}

/** Gives it up, as long as the new root does not sign. */
export async function abandonRotation(
  identity: PlaneIdentity | undefined,
  request: IncomingMessage,
  sidecars: number,
): Promise<unknown> {
  checkLoopback(request);
  if (await driverOf(identity).abandon()) return readRotation(identity, sidecars);
  throw new HttpError(409, "too_late", "there is no change of the root that could be given up");
}

/** How far it is, of `sidecars` that are connected. */
export function readRotation(identity: PlaneIdentity | undefined, sidecars: number): unknown {
  const known = required(identity);
  const { root } = known.source.authority.authority;
  const phase = phaseOf(known);
  const isWaiting = phase !== "steady" && known.lacking.length === 0 && !known.isConfirmed;
  const lacking = isWaiting ? ["sidecars of other replicas"] : known.lacking;
  return { phase, root: root.fingerprint, sidecars, lacking };
}

function phaseOf({ source }: PlaneIdentity): string {
  return source.kind === "embedded" ? source.authority.rotation.phase : "steady";
}

function required(identity: PlaneIdentity | undefined): PlaneIdentity {
  if (identity !== undefined) return identity;
  throw new HttpError(409, "no_identity", "this control plane runs with --insecure: it has no CA");
}

function driverOf(identity: PlaneIdentity | undefined) {
  const { driver } = required(identity);
  if (driver !== undefined) return driver;
  throw new HttpError(409, "operator_ca", "the CA is the operator's: its root changes with its files");
}

function checkLoopback({ socket }: IncomingMessage): void {
  const address = (socket.remoteAddress ?? "").replace(/^::ffff:/, "");
  if (address === "::1" || address.startsWith("127.")) return;
  throw new HttpError(403, "not_loopback", "this is answered on the control plane's own machine alone");
}

interface Wish {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly uses: number;
  readonly ttlMs: number;
}

function objectIn(body: Buffer): object | null {
  try {
    const value: unknown = JSON.parse(body.toString("utf8"));
    return typeof value === "object" ? value : null;
  } catch {
    throw new HttpError(400, "invalid_json", "the body is no JSON");
  }
}

function readWish(body: Buffer, expected = TOKEN_BODY): Wish {
  const wish = objectIn(body) as Partial<Wish> | null;
  const { namespace, serviceAccount, uses = 1, ttlMs = DEFAULT_TOKEN_LIFE_MS } = wish ?? {};
  const isWish =
    [namespace, serviceAccount].every((name) => typeof name === "string") &&
    [uses, ttlMs].every((number) => Number.isInteger(number));
  if (isWish) return { namespace, serviceAccount, uses, ttlMs } as Wish;
  throw new HttpError(400, "invalid_body", expected);
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
