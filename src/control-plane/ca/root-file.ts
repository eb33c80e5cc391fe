/** The embedded CA's one file: the phase of its rotation, with roots and keys as PEM. One file, so that a step is one rename. */

import { formatPem, parsePem } from "../../identity/pem.ts";
import { type Root, readRoot } from "../../identity/trust-bundle.ts";
import type { Rotation, SigningRoot } from "./rotation.ts";
import { signerFromPem } from "./signer.ts";

const FORMAT = "weft-ca";
const VERSION = 1;

export type ParsedRootFile =
  | { readonly kind: "rotation"; readonly rotation: Rotation }
  | { readonly kind: "unusable"; readonly reason: string };

/** The text of the file. */
export function formatRootFile(trustDomain: string, rotation: Rotation): string {
  const { phase } = rotation;
  const file = {
    format: FORMAT,
    version: VERSION,
    trustDomain,
    phase,
    ...("since" in rotation ? { since: rotation.since } : {}),
    active: formatSigningRoot(rotation.active),
    ...(phase === "distributing" ? { incoming: formatSigningRoot(rotation.incoming) } : {}),
    ...(phase === "reissuing" ? { outgoing: formatPem("CERTIFICATE", rotation.outgoing.der) } : {}),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** Reads it back; never throws. */
export function parseRootFile(text: string, trustDomain: string): ParsedRootFile {
  let file: Record<string, unknown>;
  try {
    const value: unknown = JSON.parse(text);
    if (!isObject(value)) return unusable("not an object");
    file = value;
  } catch {
    return unusable("not JSON");
  }
  if (file["format"] !== FORMAT || file["version"] !== VERSION) return unusable("of another format");
  if (file["trustDomain"] !== trustDomain) {
    return unusable(`of trust domain ${JSON.stringify(file["trustDomain"])}, not ${trustDomain}`);
  }
  const rotation = readRotation(file);
  return rotation === undefined ? unusable("damaged") : { kind: "rotation", rotation };
}

function readRotation(file: Record<string, unknown>): Rotation | undefined {
  const active = readSigningRoot(file["active"]);
  if (active === undefined) return undefined;
  const { phase, since } = file;
  if (phase === "steady") return { phase, active };
  if (typeof since !== "number") return undefined;
  if (phase === "retiring") return { phase, active, since };
  if (phase === "distributing") {
    const incoming = readSigningRoot(file["incoming"]);
    return incoming && { phase, active, incoming, since };
  }
  if (phase === "reissuing") {
    const outgoing = readPemRoot(file["outgoing"]);
    return outgoing && { phase, active, outgoing, since };
  }
  return undefined;
}

function formatSigningRoot({ root, signer }: SigningRoot): object {
  return {
    certificate: formatPem("CERTIFICATE", root.der),
    key: signer.key.export({ type: "pkcs8", format: "pem" }),
  };
}

function readSigningRoot(value: unknown): SigningRoot | undefined {
  if (!isObject(value)) return undefined;
  const root = readPemRoot(value["certificate"]);
  const signer = typeof value["key"] === "string" ? signerFromPem(value["key"]) : undefined;
  return root && signer && { root, signer };
}

function readPemRoot(value: unknown): Root | undefined {
  const der = typeof value === "string" ? parsePem(value, "CERTIFICATE", 1)?.[0] : undefined;
  const root = der && readRoot(der);
  return typeof root === "object" ? root : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function unusable(reason: string): ParsedRootFile {
  return { kind: "unusable", reason };
}
