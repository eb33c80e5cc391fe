import { expect, it } from "vitest";
import { DecisionTap, decisionLine, MAX_DECISIONS_A_SECOND } from "./decisions.ts";
import type { PolicyDecision } from "./policy/decision.ts";

const DENIED: PolicyDecision = {
  action: "denied",
  reason: "policy",
  source: "AuthorizationPolicy default/web rule 0",
  principal: "cluster.local/ns/default/sa/web",
  address: "10.0.0.2:4711",
  port: 8080,
  method: "GET",
  host: "shop",
  path: "/x",
};

it("is one line with the keys of Istio's access log", () => {
  expect(JSON.parse(decisionLine(DENIED, 0, new Date(0)))).toEqual({
    level: "info",
    time: "1970-01-01T00:00:00.000Z",
    msg: "access denied",
    response_code: 403,
    response_flags: "UAEX",
    response_code_details: "rbac_access_denied_matched_policy[AuthorizationPolicy default/web rule 0]",
    reason: "policy",
    method: "GET",
    authority: "shop",
    path: "/x",
    source_principal: "spiffe://cluster.local/ns/default/sa/web",
    downstream_remote_address: "10.0.0.2:4711",
    destination_port: 8080,
  });
});

it("stays one line and short, whatever is asked for", () => {
  const line = decisionLine({ ...DENIED, path: "/\n\x1b[31m".padEnd(100_000, "x") }, 0, new Date(0));
  expect([...line].every((character) => character >= " ")).toBe(true);
  expect(line.length).toBeLessThan(2_000);
});

it("tells what is audited by its policy, and of a path that nobody can read its own status", () => {
  expect(JSON.parse(decisionLine({ ...DENIED, action: "audited" }, 0, new Date(0)))).toMatchObject({
    msg: "access audited",
    policy: DENIED.source,
  });
  const line = decisionLine({ ...DENIED, reason: "ambiguous_path" }, 0, new Date(0));
  expect(JSON.parse(line)).toMatchObject({ response_code: 400, response_flags: "DPE" });
});

it("tells so many in a second, and how many it left out", () => {
  let now = 0;
  const told: number[] = [];
  const tap = new DecisionTap(
    (_decision, left) => told.push(left),
    () => now,
  );
  for (let i = 0; i < MAX_DECISIONS_A_SECOND + 7; i++) tap.take(DENIED);
  expect(told).toEqual(Array.from({ length: MAX_DECISIONS_A_SECOND }, () => 0));
  now = 1_000;
  tap.take(DENIED);
  tap.take(DENIED);
  expect(told.slice(-2)).toEqual([7, 0]);
  expect(JSON.parse(decisionLine(DENIED, 7, new Date(0)))).toMatchObject({ not_logged: 7 });
});
