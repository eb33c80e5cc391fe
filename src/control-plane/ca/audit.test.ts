import { expect, it } from "vitest";
import { formatAudit } from "./audit.ts";

const at = Date.UTC(2026, 10, 21, 1, 2, 3);
const identity = "spiffe://cluster.local/ns/default/sa/web";

it("a certificate is one line: identity, serial, how attested, expiry", () => {
  const line = formatAudit({
    kind: "issued",
    at,
    identity,
    serial: "4a",
    by: "join_token",
    evidence: "c0ffee",
    notAfter: at + 86_400_000,
    root: "f00d",
  });
  expect(line).not.toContain("\n");
  expect(JSON.parse(line)).toEqual({
    audit: "certificate_issued",
    at: "2026-11-21T01:02:03.000Z",
    identity,
    serial: "4a",
    by: "join_token",
    evidence: "c0ffee",
    expires: "2026-11-22T01:02:03.000Z",
    root: "f00d",
  });
});

it("a refusal is one line, with the identity as far as it is known", () => {
  const refused = { kind: "refused", at, reason: "token_forged" } as const;
  expect(formatAudit(refused)).toBe(
    '{"audit":"certificate_refused","at":"2026-11-21T01:02:03.000Z","reason":"token_forged"}',
  );
  const known = { ...refused, reason: "certificate_refused", detail: "expired", identity } as const;
  expect(JSON.parse(formatAudit(known))).toMatchObject({ detail: "expired", identity });
});
