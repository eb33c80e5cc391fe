/**
 * How fast the CA enrols: 1,000 sidecars that start together, each with its own key and the use of a join token, which is
 * on the disk before it is answered. The network and TLS are not in it. Goal with them: 1,000 in under 10 s on two cores.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CertificateAuthority } from "../src/control-plane/ca/certificate-authority.ts";
import { EmbeddedAuthority } from "../src/control-plane/ca/embedded-authority.ts";
import { TokenBook } from "../src/control-plane/ca/token-book.ts";
import { makeCsr } from "../src/identity/csr.ts";
import { makeKey } from "../src/identity/key.ts";
import { acceptChain } from "../src/identity/svid.ts";

const SIDECARS = 1_000;
const ROUNDS = 5;
const trustDomain = "cluster.local";

const directory = mkdtempSync(join(tmpdir(), "weft-bench-enrolment-"));
try {
  const now = Date.now();
  const opened = EmbeddedAuthority.open(directory, trustDomain, now);
  const tokens = TokenBook.open(directory, { trustDomain, cluster: "bench" }, now);
  if (opened.kind === "unusable" || tokens.kind === "unusable")
    throw new Error("no CA in an empty directory");
  const { book } = tokens;
  const authority = new CertificateAuthority({
    trustDomain,
    source: opened.authority,
    tokens: book,
    audit: () => undefined,
    wallClock: Date.now,
    monotonicClock: () => performance.now(),
    rateLimit: { burst: SIDECARS * ROUNDS, perSecond: 1, maxKeys: 10 },
  });
  const wish = {
    namespace: "default",
    serviceAccount: "web",
    expiresAt: now + 3_600_000,
    uses: SIDECARS * ROUNDS,
  };
  const token = book.make(wish, now);
  for (let round = 1; round <= ROUNDS; round++) {
    const asked = measure(() => Array.from({ length: SIDECARS }, () => makeKey()));
    const requests = measure(() => asked.result.map((key) => makeCsr(key)));
    const start = performance.now();
    const before = process.cpuUsage();
    const answers = await Promise.all(
      requests.result.map((csr) => authority.enrol({ csr, evidence: { kind: "join_token", token } })),
    );
    const ms = performance.now() - start;
    const cpu = process.cpuUsage(before);
    const accepted = measure(() =>
      answers.filter((answer, i) => {
        const key = asked.result[i];
        if (answer.kind !== "issued" || key === undefined) return false;
        const rule = { bundle: authority.bundle, trustDomain, now: Date.now() };
        return acceptChain(key, answer.chain, rule).kind === "svid";
      }),
    );
    process.stdout.write(
      `round ${round}: ${accepted.result.length} enrolled in ${ms.toFixed(0)} ms, ` +
        `${((cpu.user + cpu.system) / 1000 / SIDECARS).toFixed(3)} ms CPU each; the sidecar's side: ` +
        `key ${(asked.ms / SIDECARS).toFixed(3)}, request ${(requests.ms / SIDECARS).toFixed(3)}, ` +
        `acceptance ${(accepted.ms / SIDECARS).toFixed(3)} ms\n`,
    );
  }
  await book.close();
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function measure<T>(run: () => T): { readonly result: T; readonly ms: number } {
  const start = performance.now();
  const result = run();
  return { result, ms: performance.now() - start };
}
