/**
 * What a decision costs with 1,000 policies of 10 rules on one workload: time of each evaluation, p50 and p99, for requests
 * that the last of them allows, that none does, and that one denies; how long the policies take to compile.
 *
 *   node bench/micro/authz.ts
 */
import type {
  AuthorizationPolicyRules,
  AuthorizationRule,
  PolicyResource,
} from "../../src/discovery/policy.ts";
import { Head } from "../../src/proxy/http/head.ts";
import { readRequestHead } from "../../src/proxy/http1/request-head.ts";
import { Judge } from "../../src/proxy/policy/judge.ts";
import { HeadView, type Sender } from "../../src/proxy/request/request-view.ts";

const POLICIES = 1_000;
const RULES = 10;
const EVALUATIONS = 200_000;

type Shape = (policy: number, rule: number) => AuthorizationRule;

/** How the ten thousand rules may differ. */
const SHAPES: Readonly<Record<string, Shape>> = {
  "principals and paths": (p, r) => ({
    from: [{ source: `cluster.local/ns/team-${p}/sa/client-${r}` }].map(({ source }) => ({
      principals: [source],
    })),
    to: [{ methods: ["GET"], paths: [`/api/v1/resource-${p}/${r}`, `/api/v2/resource-${p}/${r}/*`] }],
  }),
  "one principal, path prefixes": (p, r) => ({
    from: [{ principals: ["cluster.local/ns/web/sa/web"] }],
    to: [{ paths: [`/${"x".repeat((p + r) % 40)}/resource-${p}-${r}*`] }],
  }),
  "path suffixes and templates": (p, r) => ({
    to: [{ paths: r % 2 === 0 ? [`*/end-${p}-${r}`] : [`/api/{*}/item-${p}-${r}/{**}`] }],
  }),
  headers: (p, r) => ({ when: [{ key: "request.headers[x-team]", values: [`team-${p}-${r}`] }] }),
  "namespaces and addresses": (p, r) =>
    r % 2 === 0
      ? { from: [{ namespaces: [`team-${p}-${r}`] }] }
      : { from: [{ ipBlocks: [`10.${p >> 8}.${p & 255}.${r}/32`] }] },
};

function policies(shape: Shape, action: "ALLOW" | "DENY"): readonly AuthorizationPolicyRules[] {
  return Array.from({ length: POLICIES }, (_, p) => ({
    source: `AuthorizationPolicy default/p-${p}`,
    action,
    rules: Array.from({ length: RULES }, (_, r) => shape(p, r)),
  }));
}

interface Sent {
  readonly head: Head;
  readonly sender: Sender;
}

/** As it lies in the memory of a traffic loop that has read its head. */
function request(principal: string, path: string, team: string): Sent {
  const fields = ["host: shop.default", "user-agent: bench", "accept: */*", `x-team: ${team}`];
  const bytes = Buffer.from(`GET ${path} HTTP/1.1\r\n${fields.join("\r\n")}\r\n\r\n`, "latin1");
  const head = new Head(16);
  readRequestHead(bytes, 0, bytes.length, head, 65_536);
  const peer = { principal, namespace: principal.split("/")[2] ?? "" };
  return { head, sender: { peer, peerAddress: "10.3.231.9:4711", claims: null } };
}

/** Some that are allowed and some that nothing takes. */
function requests(): Sent[] {
  return Array.from({ length: 4_096 }, (_, i) => {
    const [p, r] = [(i * 7) % POLICIES, i % RULES];
    const principal =
      i % 3 === 0 ? "cluster.local/ns/web/sa/web" : `cluster.local/ns/team-${p}/sa/client-${r}`;
    const path =
      [
        `/api/v1/resource-${p}/${r}`,
        `/api/v2/resource-${p}/${r}/a/b/c`,
        `/${"x".repeat((p + r) % 40)}/resource-${p}-${r}/tail`,
        `/api/some/item-${p}-${r}/a/b`,
        `/a/b/c/d/end-${p}-${r}`,
        `/nothing/of/the/kind-${i}`,
      ][i % 6] ?? "/";
    return request(principal, path, `team-${p}-${r}`);
  });
}

function measure(judge: Judge, all: readonly Sent[]): { p50: number; p99: number; allowed: number } {
  const micros = new Float64Array(EVALUATIONS);
  const view = new HeadView();
  let allowed = 0;
  for (let i = 0; i < EVALUATIONS; i++) {
    const sent = all[i % all.length];
    if (sent === undefined) continue;
    const before = process.hrtime.bigint();
    view.show(sent.head, sent.sender, 8080);
    judge.audited(view);
    if (judge.decide(view).isAllowed) allowed++;
    micros[i] = Number(process.hrtime.bigint() - before) / 1_000;
  }
  micros.sort();
  const at = (share: number) => micros[Math.floor(share * (EVALUATIONS - 1))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), allowed: allowed / EVALUATIONS };
}

const EMPTY: PolicyResource = { name: "inbound", defaultDeny: false, exposeDenials: false, policies: [] };
const all = requests();
const none = measure(Judge.of(EMPTY), all);
process.stdout.write(
  `${POLICIES} policies of ${RULES} rules; microseconds a decision, the clock's own included\n`,
);
process.stdout.write(`${"no policy".padEnd(44)}p50 ${none.p50.toFixed(2)}  p99 ${none.p99.toFixed(2)}\n`);
for (const [name, shape] of Object.entries(SHAPES)) {
  for (const action of ["ALLOW", "DENY"] as const) {
    const resource = { ...EMPTY, policies: policies(shape, action) };
    const begun = performance.now();
    const judge = Judge.of(resource);
    const compiled = performance.now() - begun;
    measure(judge, all);
    const { p50, p99, allowed } = measure(judge, all);
    process.stdout.write(
      `${`${name}, ${action}`.padEnd(44)}p50 ${p50.toFixed(2)}  p99 ${p99.toFixed(2)}  ` +
        `(${(100 * allowed).toFixed(0)} % allowed, compiled in ${compiled.toFixed(0)} ms)\n`,
    );
  }
}
