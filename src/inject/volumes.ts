/** The volumes that injection adds: what the sidecar proves itself with, whom it trusts, and what it keeps. */
import type { Named } from "./pod.ts";
import { TOKEN_AUDIENCE, TRUST_CONFIG_MAP, TRUST_KEY } from "./settings.ts";

const TOKEN_DIR = "/var/run/secrets/weft";
const TRUST_DIR = "/etc/weft/trust";
export const STATE_DIR = "/var/lib/weft";
export const TOKEN_FILE = `${TOKEN_DIR}/token`;
export const TRUST_FILE = `${TRUST_DIR}/${TRUST_KEY}`;

/** The kubelet renews the token after four fifths of this. */
const TOKEN_SECONDS = 3_600;

export function sidecarVolumes(): readonly Named[] {
  const token = { audience: TOKEN_AUDIENCE, expirationSeconds: TOKEN_SECONDS, path: "token" };
  return [
    volume("weft-token", { projected: { sources: [{ serviceAccountToken: token }] } }),
    volume("weft-trust", { configMap: { name: TRUST_CONFIG_MAP } }),
    // The last good configuration: a sidecar that is restarted serves also while the control plane is away.
    volume("weft-state", { emptyDir: { sizeLimit: "128Mi" } }),
  ];
}

export function sidecarMounts() {
  return [
    { name: "weft-token", mountPath: TOKEN_DIR, readOnly: true },
    { name: "weft-trust", mountPath: TRUST_DIR, readOnly: true },
    { name: "weft-state", mountPath: STATE_DIR },
  ];
}

function volume(name: string, source: object): Named {
  return { name, ...source };
}
