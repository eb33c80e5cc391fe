/**
 * What Weft asks of the certificate that a peer has presented, after OpenSSL has verified its chain up to the trust
 * bundle: that it is an X.509-SVID (X509-SVID §3 to §5) of a workload of this trust domain. Each refusal is a word that can
 * be a metric's label; there is no other way out than these.
 */
import { type Certificate, type GeneralName, NAME_TAG, readCertificate } from "./certificate.ts";
import { KEY_USAGE, OID } from "./oids.ts";
import type { PublicKeyKind } from "./public-key.ts";
import { parseSpiffeId, type WorkloadId, workloadOf } from "./spiffe-id.ts";

/** How far clocks may be apart. */
export const CLOCK_SKEW_MS = 60_000;
const MIN_RSA_BITS = 2048;
/** A verification with a larger key is work that a stranger chooses for us. */
const MAX_RSA_BITS = 8192;

export const LEAF_REFUSALS = [
  "malformed",
  "expired",
  "not_yet_valid",
  "weak_signature",
  "weak_key",
  "is_ca",
  "wrong_key_usage",
  "wrong_extended_key_usage",
  "control_byte_in_name",
  "no_uri_name",
  "several_uri_names",
  "invalid_spiffe_id",
  "wrong_trust_domain",
  "not_a_workload",
] as const;
export type LeafRefusal = (typeof LEAF_REFUSALS)[number];

export interface LeafRule {
  readonly trustDomain: string;
  /** What the peer is to us. */
  readonly role: "client" | "server";
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface VerifiedLeaf {
  readonly kind: "peer";
  /** The SPIFFE id as it stands in the certificate. */
  readonly id: string;
  readonly workload: WorkloadId;
  readonly certificate: Certificate;
}

export type LeafVerdict = VerifiedLeaf | { readonly kind: "refused"; readonly reason: LeafRefusal };

/** Checks the DER of a leaf whose chain OpenSSL has verified. */
export function checkLeaf(bytes: Uint8Array, rule: LeafRule): LeafVerdict {
  const read = readCertificate(bytes);
  if (read.kind === "malformed") return refused("malformed");
  const { certificate } = read;
  const reason = formFault(certificate, rule);
  if (reason !== undefined) return refused(reason);
  return checkName(certificate, rule.trustDomain);
}

function formFault(certificate: Certificate, rule: LeafRule): LeafRefusal | undefined {
  if (rule.now > certificate.notAfter + CLOCK_SKEW_MS) return "expired";
  if (rule.now < certificate.notBefore - CLOCK_SKEW_MS) return "not_yet_valid";
  if (!STRONG_SIGNATURES.has(certificate.signatureAlgorithm)) return "weak_signature";
  if (!isStrong(certificate.keyKind)) return "weak_key";
  if (certificate.isCa) return "is_ca";
  const usage = certificate.keyUsage ?? 0;
  if ((usage & KEY_USAGE.digitalSignature) === 0) return "wrong_key_usage";
  if ((usage & (KEY_USAGE.keyCertSign | KEY_USAGE.crlSign)) !== 0) return "wrong_key_usage";
  const wanted = rule.role === "client" ? OID.clientAuth : OID.serverAuth;
  // An absent extension means any use in RFC 5280; what Weft issues always names its uses.
  return certificate.extendedKeyUsage?.includes(wanted) ? undefined : "wrong_extended_key_usage";
}

function checkName(certificate: Certificate, trustDomain: string): LeafVerdict {
  if (certificate.names.some(hasControlByte)) return refused("control_byte_in_name");
  const [uri, ...more] = certificate.names.filter((name) => name.tag === NAME_TAG.uri);
  if (uri === undefined) return refused("no_uri_name");
  if (more.length > 0) return refused("several_uri_names");
  const id = Buffer.from(uri.value).toString("latin1");
  const parsed = parseSpiffeId(id);
  if (parsed.kind === "invalid") return refused("invalid_spiffe_id");
  if (parsed.id.trustDomain !== trustDomain) return refused("wrong_trust_domain");
  const workload = workloadOf(parsed.id);
  if (workload === undefined) return refused("not_a_workload");
  return { kind: "peer", id, workload, certificate };
}

/** NUL and its like end a name for some readers and not for others (CVE-2025-66220). */
function hasControlByte({ tag, value }: GeneralName): boolean {
  const isText = tag === NAME_TAG.uri || tag === NAME_TAG.dns || tag === NAME_TAG.email;
  return isText && value.some((byte) => byte < 0x20 || byte >= 0x7f);
}

/** Whether a key may be a peer's, or a CA's. */
export function isStrong(key: PublicKeyKind): boolean {
  if (key.kind === "rsa") return key.bits >= MIN_RSA_BITS && key.bits <= MAX_RSA_BITS;
  return key.kind !== "other";
}

const STRONG_SIGNATURES: ReadonlySet<string> = new Set([
  OID.ecdsaWithSha256,
  OID.ecdsaWithSha384,
  OID.ecdsaWithSha512,
  OID.sha256WithRsa,
  OID.sha384WithRsa,
  OID.sha512WithRsa,
  OID.ed25519,
]);

function refused(reason: LeafRefusal): LeafVerdict {
  return { kind: "refused", reason };
}
