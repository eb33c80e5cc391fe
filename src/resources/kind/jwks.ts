/**
 * JSON Web Key Sets (RFC 7517): public keys for RS256, ES256 and EdDSA. What is secret, too weak or for something else makes the
 * set unusable as a whole, so that nobody relies on half of one.
 */

/** Longest set, as text. */
const MAX_BYTES = 131_072;
const MAX_KEYS = 100;
const MIN_RSA_BITS = 2_048;
const PRIVATE_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] as const;
const BASE64URL = /^[A-Za-z0-9_-]+$/;

type Key = Readonly<Record<string, unknown>>;

/** What is wrong with a set; undefined: nothing. */
export function jwksFault(text: string): string | undefined {
  if (text.length > MAX_BYTES) return `longer than ${MAX_BYTES} characters`;
  const keys = keysOf(text);
  if (keys === undefined) return 'not JSON with a list "keys"';
  if (keys.length === 0 || keys.length > MAX_KEYS) return `${keys.length} keys, not 1 to ${MAX_KEYS}`;
  for (const [i, key] of keys.entries()) {
    const fault = keyFault(key);
    if (fault !== undefined) return `key ${i} ${fault}`;
  }
  return undefined;
}

function keysOf(text: string): readonly unknown[] | undefined {
  try {
    const { keys } = JSON.parse(text) as { readonly keys?: unknown };
    return Array.isArray(keys) ? keys : undefined;
  } catch {
    return undefined;
  }
}

function keyFault(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return "is no object";
  const key = value as Key;
  const secret = PRIVATE_MEMBERS.find((member) => key[member] !== undefined);
  if (secret !== undefined) return `has the secret member ${secret}`;
  switch (key["kty"]) {
    case "RSA":
      if (!isBase64(key["n"]) || !isBase64(key["e"])) return "has no modulus and exponent";
      return bitsOf(key["n"]) < MIN_RSA_BITS ? `has under ${MIN_RSA_BITS} bits` : undefined;
    case "EC":
      if (key["crv"] !== "P-256") return "is on another curve than P-256";
      return isBase64(key["x"]) && isBase64(key["y"]) ? undefined : "has no point";
    case "OKP":
      if (key["crv"] !== "Ed25519") return "is on another curve than Ed25519";
      return isBase64(key["x"]) ? undefined : "has no point";
    default:
      return "is not RSA, EC or OKP";
  }
}

function isBase64(value: unknown): value is string {
  return typeof value === "string" && BASE64URL.test(value);
}

function bitsOf(modulus: string): number {
  const bytes = Buffer.from(modulus, "base64url");
  const first = bytes.findIndex((byte) => byte !== 0);
  return first < 0 ? 0 : (bytes.length - first) * 8;
}
