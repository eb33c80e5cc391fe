/**
 * How a sidecar's connection to the control plane is secured. OpenSSL verifies the chain up to the trusted roots; then the
 * name must be the control plane's: every workload of the mesh has a certificate of the same CA, and none of them may pass
 * for it.
 */
import type { SecureClientSessionOptions } from "node:http2";
import { privateKeyPem } from "../../identity/key.ts";
import { checkLeaf } from "../../identity/leaf-check.ts";
import type { Svid } from "../../identity/svid.ts";
import type { TrustBundle } from "../../identity/trust-bundle.ts";

const PLANE = { namespace: "weft-system", serviceAccount: "control-plane" } as const;

/** Settings of a connection; with `svid` it shows the sidecar's certificate. */
export function planeTls(
  bundle: TrustBundle,
  trustDomain: string,
  svid: Svid | undefined,
): SecureClientSessionOptions {
  return {
    ca: bundle.pem,
    minVersion: "TLSv1.3",
    ...(svid === undefined ? {} : { key: privateKeyPem(svid.key), cert: svid.chain }),
    checkServerIdentity: (_host, { raw }) => {
      const fault = planeFault(raw, trustDomain);
      return fault === undefined ? undefined : new Error(fault);
    },
  };
}

/** What is wrong with the certificate of what says that it is the control plane. */
function planeFault(leaf: Uint8Array, trustDomain: string): string | undefined {
  const verdict = checkLeaf(leaf, { trustDomain, role: "server", now: Date.now() });
  if (verdict.kind === "refused") return `the control plane's certificate is refused: ${verdict.reason}`;
  const { namespace, serviceAccount } = verdict.workload;
  if (namespace === PLANE.namespace && serviceAccount === PLANE.serviceAccount) return undefined;
  return `${verdict.id} is not the control plane`;
}
