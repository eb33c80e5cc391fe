import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { causesPage } from "../../../scripts/generate-causes.ts";
import { CAUSES, causeOf, codecCause } from "./cause.ts";

it("docs/reference/causes.md lists exactly these causes", () => {
  const page = readFileSync(new URL("../../../docs/reference/causes.md", import.meta.url), "utf8");
  expect(page).toBe(causesPage());
});

it("codes are unique, and each is found by its code", () => {
  expect(new Set(CAUSES.map((cause) => cause.code)).size).toBe(CAUSES.length);
  for (const cause of CAUSES) expect(causeOf(cause.code)).toBe(cause);
});

it("every fault of the codec has a cause with its status", () => {
  for (const status of [400, 414, 417, 431, 501, 505])
    expect(causeOf(codecCause(status)).status).toBe(status);
});

it("flags are Envoy's letters, and each cause's flag fits whose doing it was", () => {
  const flags = "UH UF UO NR URX UC UT DC LH RL UAEX FI DI DPE UPE DT OM NC".split(" ");
  for (const { flag, side, status, code } of CAUSES) {
    expect(flags, code).toContain(flag);
    if (flag === "DPE" || flag === "DC") expect(side, code).toBe("downstream");
    if (flag === "UPE" || flag === "UC" || flag === "UF") expect(side, code).toBe("upstream");
    if (flag === "DPE") expect(status < 500 || status === 501 || status === 505, code).toBe(true);
    if (flag === "UT") expect(status, code).toBe(504);
    if (flag === "UH") expect(status, code).toBe(503);
  }
});

it("what is malformed or misdirected closes; what the mesh lacks does not", () => {
  for (const cause of CAUSES) {
    const closes = cause.side === "downstream" || cause.code === "internal";
    expect(cause.closes, cause.code).toBe(closes);
  }
});

it("texts fit into a header field and a JSON string as they are", () => {
  for (const { code, text } of CAUSES) {
    expect(code).toMatch(/^[a-z_]+$/);
    expect(text).toMatch(/^[ !#-[\]-~]+$/);
  }
});

it("a status that is no codec's fault is a bad request", () => {
  expect([400, 418, 0].map(codecCause)).toEqual(["bad_request", "bad_request", "bad_request"]);
});
