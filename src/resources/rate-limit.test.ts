import { describe, expect, it } from "vitest";
import { loadFiles } from "./load.ts";

const SERVICE =
  "apiVersion: v1\nkind: Service\nmetadata: { name: shop }\nspec: { ports: [{ port: 80 }] }\n---\n";

/** The limit's fields in the last line, which is line 10 of the file. */
function told(limit: string, target = "shop"): readonly string[] {
  const text = `${SERVICE}apiVersion: weft.dev/v1alpha1
kind: RateLimit
metadata: { name: l }
spec: { targetRef: { name: ${target} }, limits: [{
  ${limit} }] }
`;
  const { issues } = loadFiles([{ name: "l.yaml", text }]);
  return issues.map(({ severity, line, field, message }) => `${severity} ${line} ${field}: ${message}`);
}

describe("a RateLimit", () => {
  it.each([
    "requests: 100, per: 1s",
    "name: a, requests: 1, per: 1ms, burst: 1, scope: mesh",
    "requests: 5, per: 1h, match: [{ path: { type: Exact, value: /a }, method: POST, headers: [{ name: x, value: y }] }]",
    'requests: 5, per: 1h, key: [{ identity: true }, { header: X-A }, { pathTemplate: "/u/{id}" }, { sourceAddress: true }]',
  ])("takes %s", (limit) => {
    expect(told(limit)).toEqual([]);
  });

  const AT = "error 10 spec.limits[0]";
  it.each<[string, string]>([
    ["requests: 0, per: 1s", `${AT}.requests: must be a whole number from 1 to 1000000000, found 0`],
    ["requests: -1, per: 1s", `${AT}.requests: must be a whole number from 1 to 1000000000, found -1`],
    ["requests: 1.5, per: 1s", `${AT}.requests: must be a whole number from 1 to 1000000000, found 1.5`],
    ["requests: many, per: 1s", `${AT}.requests: must be a whole number from 1 to 1000000000, found "many"`],
    ["requests: 1, per: 0s", `${AT}.per: must be from 1ms to 576h, found "0s"`],
    ["requests: 1, per: 5", `${AT}.per: must be a duration such as 500ms, 10s or 1h30m, found 5`],
    ["requests: 1, per: 1s, burst: 0", `${AT}.burst: must be a whole number from 1 to 1000000000, found 0`],
    ["requests: 1", "error 9 spec.limits[0].per: is required"],
    ["requests: 1, per: 1s, scope: world", `${AT}.scope: must be sidecar or mesh, found "world"`],
    ["requests: 1, per: 1s, scope: mseh", `${AT}.scope: must be sidecar or mesh, found "mseh"`],
    ["requests: 1, per: 1s, key: []", `${AT}.key: must have at least 1 entry, found 0`],
    ["requests: 1, per: 1s, key: [{}]", `${AT}.key[0]: names 0 things`],
    ["requests: 1, per: 1s, key: [{ identity: false }]", `${AT}.key[0]: names 0 things`],
    ["requests: 1, per: 1s, key: [{ identity: true, header: a }]", `${AT}.key[0]: names 2 things`],
    [
      "requests: 1, per: 1s, key: [{ header: a b }]",
      `${AT}.key[0].header: must be a header's name, found "a b"`,
    ],
    [
      "requests: 1, per: 1s, key: [{ pathTemplate: /users }]",
      `${AT}.key[0].pathTemplate: names no segment, such as {id}`,
    ],
    [
      'requests: 1, per: 1s, key: [{ pathTemplate: "/u/{id}/a-{b}" }]',
      `${AT}.key[0].pathTemplate: has braces that are not around a whole segment`,
    ],
    ["requests: 1, per: 1s, kee: []", `${AT}.kee: unknown field`],
    [
      "requests: 1, per: 1s, match: [{ path: { type: RegularExpression, value: (a+)+$ } }]",
      `${AT}.match[0].path.value: `,
    ],
    [
      "name: a, requests: 1, per: 1s }, { name: a, requests: 2, per: 1s",
      'error 10 spec.limits[1].name: "a" is there already, in entry 0',
    ],
    [
      'requests: 1, per: 1s }, { name: "0", requests: 2, per: 1s',
      'error 10 spec.limits[1].name: "0" is there already, in entry 0',
    ],
  ])("refuses %s", (limit, message) => {
    const [first, ...more] = told(limit);
    expect(first?.slice(0, message.length)).toBe(message);
    expect(more).toEqual([]);
  });

  it("for a Service that does not exist is a warning", () => {
    expect(told("requests: 1, per: 1s", "shpo")).toEqual([
      expect.stringMatching(
        /^warning 9 spec\.targetRef\.name: RateLimit default\/l refers to Service default\/shpo/,
      ),
    ]);
  });
});
