/**
 * Makes the CA of a local mesh before its control plane starts, and a token for each sidecar: nothing has to wait for the
 * control plane to hand one out, and none of it outlives the mesh.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeBundleFile } from "../control-plane/ca/bundle-file.ts";
import { EmbeddedAuthority } from "../control-plane/ca/embedded-authority.ts";
import { CLUSTER } from "../control-plane/ca/open.ts";
import { MAX_TOKEN_LIFE_MS } from "../control-plane/ca/token.ts";
import { TokenBook } from "../control-plane/ca/token-book.ts";
import type { Enrolment } from "../local/enrolment.ts";
import type { Instance } from "../local/plan.ts";
import { CliError } from "./exit.ts";

/** A sidecar's key lives in memory, so that each start of it takes one. */
const USES = 1_000;

export async function prepareEnrolment(
  directory: string,
  trustDomain: string,
  instances: readonly Instance[],
): Promise<Enrolment> {
  const now = Date.now();
  const ca = join(directory, "ca");
  const opened = EmbeddedAuthority.open(ca, trustDomain, now);
  if (opened.kind === "unusable") throw new CliError(opened.reason);
  const bundleFile = join(directory, "trust-bundle.pem");
  writeBundleFile(bundleFile, opened.authority.bundle.pem);
  const tokens = TokenBook.open(ca, { trustDomain, cluster: CLUSTER }, now);
  if (tokens.kind === "unusable") throw new CliError(tokens.reason);
  const tokenFiles = new Map<string, string>();
  for (const { id, workload } of instances) {
    const { namespace, serviceAccount } = workload;
    const wish = { namespace, serviceAccount, uses: USES, expiresAt: now + MAX_TOKEN_LIFE_MS };
    const path = join(directory, `${id.replace("/", "_")}.token`);
    writeFileSync(path, `${tokens.book.make(wish, now)}\n`, { mode: 0o600 });
    tokenFiles.set(id, path);
  }
  await tokens.book.close();
  return { stateDir: directory, trustDomain, bundleFile, tokenFiles };
}
