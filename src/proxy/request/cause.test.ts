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
