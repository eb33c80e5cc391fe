/**
 * A process to be killed: rotates roots and redeems tokens without end, and says on a line of its standard output what is
 * done. Arguments: the CA's directory and a token's id.
 */
import { writeSync } from "node:fs";
import { join } from "node:path";
import { EmbeddedAuthority } from "../../src/control-plane/ca/embedded-authority.ts";
import { TokenLedger } from "../../src/control-plane/ca/token-ledger.ts";

const [, , directory = "", token = ""] = process.argv;
const authority = EmbeddedAuthority.open(directory, "cluster.local", Date.now());
const opened = TokenLedger.open(join(directory, "token-uses"), Date.now());
if (authority.kind === "unusable" || opened.kind === "unusable") throw new Error("a CA's directory");

const expiresAt = Date.now() + 3_600_000;
for (;;) {
  const ca = authority.authority;
  if (!(await ca.beginRotation(Date.now()))) await ca.advanceRotation(() => true, Date.now());
  writeSync(1, `phase ${ca.rotation.phase} ${ca.authority.root.fingerprint}\n`);
  const redeemed = await opened.ledger.redeem(token, expiresAt, 1_000_000, Date.now());
  if (redeemed === "redeemed") writeSync(1, "used\n");
}
