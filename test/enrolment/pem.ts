/** The leaf of a chain, as TLS gives it. */
import { parsePem } from "../../src/identity/pem.ts";

export function derOf(chain: string): Buffer {
  const der = parsePem(chain, "CERTIFICATE", 8)?.[0];
  if (der === undefined) throw new Error("no certificate");
  return der;
}
