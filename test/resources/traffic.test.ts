/** Bad TrafficPolicies and HTTPRoutes: each is refused, or reported, with its line and field, and what ran before runs on. */
import { expect, it } from "vitest";
import { Compiler } from "../../src/control-plane/compile/compiler.ts";
import { loadFiles } from "../../src/resources/load.ts";

const SERVICES = ["shop", "v1", "v2"]
  .map(
    (name) =>
      `apiVersion: v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { selector: { app: ${name} }, ports: [{ port: 80 }] }\n---\n`,
  )
  .join("");
const SERVICE_LINES = SERVICES.split("\n").length - 1;

function load(text: string) {
  const { resources, issues } = loadFiles([{ name: "mesh.yaml", text: SERVICES + text }]);
  return {
    resources,
    issues: issues.map(({ severity, line, field, message }) => ({
      severity,
      line: line - SERVICE_LINES,
      field,
      message,
    })),
  };
}

const policy = (spec: string, name = "p") =>
  `apiVersion: weft.dev/v1alpha1\nkind: TrafficPolicy\nmetadata: { name: ${name} }\nspec:\n  targetRef: { name: shop }\n  ${spec}\n`;
const route = (rule: string, name = "r") =>
  `apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: { name: ${name} }\nspec:\n  parentRefs: [{ kind: Service, group: "", name: shop }]\n  rules:\n    - ${rule}\n`;

it.each([
  ["retry: { attempts: -1 }", "retry.attempts", /whole number from 0 to 10/],
  ["retry: { attempts: 1.5 }", "retry.attempts", /whole number/],
  ["retry: { retryOn: [5x] }", "retry.retryOn[0]", /5xx/],
  [
    "retry: { retryOn: [retriable-status-codes] }",
    "retry.statusCodes",
    /required for retriable-status-codes/,
  ],
  ["retry: { statusCodes: [503] }", "retry.statusCodes", /`retryOn` does not have/],
  ["retry: { retryOn: [retriable-status-codes], statusCodes: [200] }", "retry.statusCodes[0]", /400 to 599/],
  ["retry: { backoff: 1s, maxBackoff: 10ms }", "retry.maxBackoff", /shorter than backoff/],
  ["retry: { perTryTimeout: 0s }", "retry.perTryTimeout", /./],
  ["retry: { hedge: {} }", "retry.hedge", /delay or percentile|needs one of two/],
  ["retry: { hedge: { delay: 1s, percentile: 95 } }", "retry.hedge", /needs one of two/],
  ["retry: { hedge: { percentile: 100 } }", "retry.hedge.percentile", /50 to 99/],
  ["retryBudget: { percent: 101 }", "retryBudget.percent", /0 to 100/],
  ["retryBudget: { percent: -20 }", "retryBudget.percent", /0 to 100/],
  ["outlierDetection: { maxEjectionPercent: 150 }", "outlierDetection.maxEjectionPercent", /0 to 100/],
  ["outlierDetection: { interval: 10 }", "outlierDetection.interval", /duration/],
  ["outlierDetection: { baseEjectionTime: 10m }", "outlierDetection.maxEjectionTime", /shorter than base/],
  [
    "outlierDetection: { consecutive5XX: 3 }",
    "outlierDetection.consecutive5XX",
    /did you mean "consecutive5xx"|unknown/,
  ],
  [
    "outlierDetection: { successRate: { stdevFactor: 1.9 } }",
    "outlierDetection.successRate.stdevFactor",
    /whole/,
  ],
  [
    "outlierDetection: { failurePercentage: { threshold: 0 } }",
    "outlierDetection.failurePercentage.threshold",
    /1 to 100/,
  ],
  ["connectionPool: { maxConnections: 0 }", "connectionPool.maxConnections", /from 1 to/],
  ["connectionPool: { prewarm: 101 }", "connectionPool.prewarm", /0 to 100/],
  ["connectionPool: { keepalive: never }", "connectionPool.keepalive", /duration/],
  ["adaptiveConcurrency: { buffer: 200 }", "adaptiveConcurrency.buffer", /0 to 100/],
  ["loadBalancer: { policy: fastest }", "loadBalancer.policy", /leastRequest/],
  ["loadBalancer: { panicThreshold: 101 }", "loadBalancer.panicThreshold", /0 to 100/],
  [
    "loadBalancer: { policy: maglev, hash: { header: x }, hashBalanceFactor: 100 }",
    "loadBalancer.hashBalanceFactor",
    /101/,
  ],
  [
    "loadBalancer: { hashBalanceFactor: 150 }",
    "loadBalancer.hashBalanceFactor",
    /is for ringHash and maglev/,
  ],
  [
    "loadBalancer: { policy: maglev, hash: { header: x }, slowStart: { window: 1s } }",
    "loadBalancer.slowStart",
    /not for maglev/,
  ],
  ["loadBalancer: { slowStart: {} }", "loadBalancer.slowStart.window", /required/],
  ["sticky: {}", "sticky", /names 0 things/],
  ["sticky: { header: a, cookie: b }", "sticky", /names 2 things/],
  ["priority: { class: urgent }", "priority.class", /critical/],
  ["priority: { headers: [{ class: critical }] }", "priority.headers[0].name", /required/],
])("TrafficPolicy %s", (spec, field, message) => {
  const { issues, resources } = load(policy(spec));
  const errors = issues.filter(({ severity }) => severity === "error");
  expect(errors.map((issue) => issue.field)).toContain(`spec.${field}`);
  expect(errors.map((issue) => issue.message).join("\n")).toMatch(message);
  for (const { line } of errors) expect(line).toBe(6);
  expect(resources.map(({ kind }) => kind)).not.toContain("TrafficPolicy");
});

it.each([
  ["backendRefs: [{ name: v1, port: 80, weight: -1 }]", "backendRefs[0].weight", /0 to 1000000/],
  ["backendRefs: [{ name: v1, port: 80, weight: 0.5 }]", "backendRefs[0].weight", /whole number/],
  ["retry: { codes: [99] }", "retry.codes[0]", /400 to 599/],
  ["retry: { attempts: 11 }", "retry.attempts", /0 to 10/],
  ["matches: [{ path: { type: RegularExpression, value: '/(a+)+$' } }]", "matches[0].path.value", /./],
  [
    `matches: [{ path: { type: RegularExpression, value: '/${"a".repeat(1_048_576)}' } }]`,
    "matches[0].path.value",
    /at most/,
  ],
  ["matches: [{ path: { type: Glob, value: /x } }]", "matches[0].path.type", /PathPrefix/],
  [
    "filters: [{ type: RequestMirror, requestMirror: { backendRef: { name: v1, port: 80 }, percent: 101 } }]",
    "filters[0].requestMirror.percent",
    /0 to 100/,
  ],
])("HTTPRoute %.60s", (rule, field, message) => {
  const { issues, resources } = load(route(rule));
  const errors = issues.filter(({ severity }) => severity === "error");
  expect(errors.map((issue) => issue.field)).toContain(`spec.rules[0].${field}`);
  expect(errors.map((issue) => issue.message).join("\n")).toMatch(message);
  for (const { line } of errors) expect(line).toBe(7);
  expect(resources.map(({ kind }) => kind)).not.toContain("HTTPRoute");
});

it("all weights zero is a rule that answers 503, not an error", () => {
  const { issues, resources } = load(route("backendRefs: [{ name: v1, port: 80, weight: 0 }]"));
  expect(issues.filter(({ severity }) => severity === "error")).toEqual([]);
  expect(resources.map(({ kind }) => kind)).toContain("HTTPRoute");
});

it("overlapping routes: the older rule decides, whatever the order of the documents", () => {
  const dated = (name: string, at: string, backend: string) =>
    route(`backendRefs: [{ name: ${backend}, port: 80 }]`, name).replace(
      `{ name: ${name} }`,
      `{ name: ${name}, creationTimestamp: "${at}" }`,
    );
  const [older, newer] = [dated("z", "2026-01-01T00:00:00Z", "v1"), dated("a", "2026-02-01T00:00:00Z", "v2")];
  for (const text of [`${older}---\n${newer}`, `${newer}---\n${older}`]) {
    const compiler = new Compiler();
    compiler.update(load(text).resources);
    const found = compiler.get("route", "shop.default:80", NODE)?.resource;
    const matches = found !== undefined && "matches" in found ? found.matches : [];
    expect(matches.map(({ source }) => source)).toEqual([
      "HTTPRoute default/z rule 0 match 0",
      "HTTPRoute default/a rule 0 match 0",
    ]);
  }
});

it("references to nothing are told, with line and field", () => {
  const { issues } = load(
    `${route("backendRefs: [{ name: v3, port: 80 }]")}---\n${policy("retry: {}").replace("{ name: shop }", "{ name: shoop }")}`,
  );
  expect(issues).toMatchObject([
    { severity: "warning", line: 7, field: "spec.rules[0].backendRefs[0].name" },
    { severity: "warning", line: 13, field: "spec.targetRef.name" },
  ]);
});

it("two policies for one Service: the first by name holds, the other is told to have no effect", () => {
  const { issues, resources } = load(
    `${policy("retry: { attempts: 5 }", "b")}---\n${policy("retry: { attempts: 1 }", "a")}`,
  );
  expect(issues).toMatchObject([{ severity: "warning", line: 5, field: "spec.targetRef.name" }]);
  expect(issues[0]?.message).toMatch(/TrafficPolicy default\/b has no effect: TrafficPolicy default\/a/);
  const compiler = new Compiler();
  compiler.update(resources);
  expect(compiler.get("route", "shop.default:80", NODE)?.resource).toMatchObject({
    rules: [{ retry: { attempts: 1 } }],
  });
});

it("a policy has one target", () => {
  const { issues } = load(policy("retry: {}").replace("{ name: shop }", "[{ name: shop }, { name: v1 }]"));
  expect(issues).toMatchObject([{ severity: "error", line: 5, field: "spec.targetRef" }]);
});

const NODE = {
  id: "default/web",
  namespace: "default",
  workload: "",
  serviceAccount: "default",
  labels: {},
  address: "127.0.0.1",
  ports: { inbound: 1, outbound: 2, admin: 3, telemetry: 4 },
  version: "0",
};
