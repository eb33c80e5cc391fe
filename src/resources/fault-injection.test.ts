import { expect, it } from "vitest";
import { formatIssue } from "./issue.ts";
import { loadFiles } from "./load.ts";

const SHOP = `apiVersion: v1
kind: Service
metadata: { name: shop }
spec: { selector: { app: shop }, ports: [{ port: 80 }] }
---
`;

/** What is said about the faults of one FaultInjection, which begin on line 12. */
function issuesOf(faults: string, more = ""): string[] {
  const text = `${SHOP}apiVersion: weft.dev/v1alpha1
kind: FaultInjection
metadata: { name: chaos }
spec:
  targetRef: { name: shop }
  faults:
${faults.replace(/^/gm, "    ")}
${more}`;
  return loadFiles([{ name: "f", text }]).issues.map(formatIssue);
}

it("everything that a fault may say is read", () => {
  const faults = `- name: slow
  match:
    - path: { type: RegularExpression, value: "/v[0-9]+" }
      method: GET
      headers: [{ name: x-a, value: b }]
      queryParams: [{ name: q, value: "1" }]
  from:
    - source: { principals: ["*/sa/web"], notNamespaces: [a] }
  percent: 50
  delay: { min: 0s, max: 1s }
  slowBody: { bytesPerSecond: 100 }
- fraction: { numerator: 1, denominator: 1000 }
  delay: { fixed: 10ms }
  abort: { status: 503 }
- abort: { grpcStatus: UNAVAILABLE }
- abort: { grpcStatus: 14 }
- abort: { reset: true }`;
  expect(issuesOf(faults)).toEqual([]);
});

it.each([
  [
    "- percent: 101\n  abort: { status: 503 }",
    "f:12:16: error: spec.faults[0].percent: must be a whole number from 0 to 100, found 101",
  ],
  [
    "- percent: 0.5\n  abort: { status: 503 }",
    "spec.faults[0].percent: must be a whole number from 0 to 100",
  ],
  [
    "- percent: 5\n  fraction: { numerator: 1 }\n  abort: { status: 503 }",
    "spec.faults[0].fraction: must not stand beside percent",
  ],
  [
    "- fraction: { numerator: 2, denominator: 1 }\n  abort: { status: 503 }",
    "spec.faults[0].fraction.numerator: must not be greater than the denominator",
  ],
  ["- delay: { fixed: -1s }", "spec.faults[0].delay.fixed: must be a duration"],
  ["- delay: { fixed: 0s }", "spec.faults[0].delay.fixed: must be from 1ms to 576h"],
  ["- delay: { min: 2s, max: 1s }", "spec.faults[0].delay.min: must not be longer than max"],
  ["- delay: { min: 2s }", "spec.faults[0].delay: needs one of two"],
  ["- delay: { fixed: 1s, max: 2s }", "spec.faults[0].delay: needs one of two"],
  ["- delay: {}", "spec.faults[0].delay: needs one of two"],
  ["- abort: { status: 600 }", "spec.faults[0].abort.status: must be a whole number from 200 to 599"],
  ["- abort: { status: 199 }", "spec.faults[0].abort.status: must be a whole number from 200 to 599"],
  ["- abort: { grpcStatus: UNAVAILABEL }", 'did you mean "UNAVAILABLE"'],
  ["- abort: { grpcStatus: OK }", "spec.faults[0].abort.grpcStatus: must be CANCELLED, UNKNOWN"],
  ["- abort: { grpcStatus: 17 }", "spec.faults[0].abort.grpcStatus: must be CANCELLED, UNKNOWN"],
  ["- abort: { reset: false }", "spec.faults[0].abort.reset: does nothing"],
  ["- abort: { status: 503, reset: true }", "spec.faults[0].abort: names 2 ends"],
  ["- abort: {}", "spec.faults[0].abort: names 0 ends"],
  [
    "- slowBody: { bytesPerSecond: 0 }",
    "spec.faults[0].slowBody.bytesPerSecond: must be a whole number from 1",
  ],
  [
    "- slowBody: { bytesPerSecond: 1 }\n  abort: { status: 503 }",
    "spec.faults[0].slowBody: must not stand beside abort",
  ],
  ["- name: nothing", "f:12:7: error: spec.faults[0]: does nothing"],
  [
    "- { name: a, abort: { status: 503 } }\n- { name: a, abort: { status: 502 } }",
    'f:13:15: error: spec.faults[1].name: "a" is there already',
  ],
  [
    "- match: [{ path: { type: RegularExpression, value: '(a+)+b' } }]\n  abort: { status: 503 }",
    "spec.faults[0].match[0].path.value",
  ],
  ["- match: [{ method: GETT }]\n  abort: { status: 503 }", 'did you mean "GET"'],
  [
    "- from: [{ source: {} }]\n  abort: { status: 503 }",
    "spec.faults[0].from[0].source: must have at least one field",
  ],
  [
    "- from: [{ source: { ipBlocks: [10.0.0.1] } }]\n  abort: { status: 503 }",
    "spec.faults[0].from[0].source.ipBlocks: unknown field",
  ],
  ["- abbort: { status: 503 }", 'did you mean "abort"'],
  ["[]", "spec.faults: must have at least 1 entry"],
])("%j is refused with line and field", (faults, expected) => {
  const found = issuesOf(faults);
  expect(found.join("\n")).toContain(expected);
  expect(found.join("\n")).toMatch(/^f:1[0-9]:[0-9]+: /);
});

const route = (name: string, parent: string) => `---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name} }
spec: { parentRefs: [{ name: ${parent} }], rules: [{ backendRefs: [{ name: shop, port: 80 }] }] }
`;

it("routes that can't be meant are warned of, and a Service that is not there", () => {
  const faults = "- { routes: [main, mian, other], abort: { status: 503 } }";
  const more = `${route("main", "shop")}${route("other", "web")}${SHOP.replace("{ name: shop }", "{ name: web }").replace(/^/, "---\n")}`;
  const found = issuesOf(faults, more);
  expect(found).toHaveLength(2);
  expect(found[0]).toMatch(
    /^f:12:24: .*spec\.faults\[0\]\.routes\[1\].*HTTPRoute default\/mian, which does not exist/,
  );
  expect(found[0]).toContain('did you mean "main"');
  expect(found[1]).toContain("HTTPRoute default/other, which is not for Service default/shop");
  const text = `apiVersion: weft.dev/v1alpha1
kind: FaultInjection
metadata: { name: chaos }
spec: { targetRef: { name: gone }, faults: [{ abort: { reset: true } }] }`;
  const [issue] = loadFiles([{ name: "f", text }]).issues;
  expect(issue?.message).toContain("Service default/gone, which does not exist");
});
