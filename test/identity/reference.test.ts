import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { AUTHORITY_FAULTS } from "../../src/control-plane/ca/operator-authority.ts";
import { ENROLMENT_REFUSALS, enrolmentRefusal } from "../../src/control-plane/ca/refusal.ts";
import { PEER_REFUSALS } from "../../src/identity/peer.ts";

const page = readFileSync(new URL("../../docs/reference/identity.md", import.meta.url), "utf8");

/** Every word in code style in the first column of the table under a heading. */
function documented(heading: string): string[] {
  const section = page.slice(page.indexOf(`## ${heading}`)).split("\n## ")[0] ?? "";
  const rows = section.split("\n").filter((line) => /^\| `[a-z_]+`/.test(line));
  return rows.flatMap((row) =>
    [...(row.split("|")[1] ?? "").matchAll(/`([a-z_]+)`/g)].map(([, word]) => word ?? ""),
  );
}

it("docs/reference/identity.md has every reason to refuse a peer, and no other", () => {
  expect(documented("What is asked of a peer").sort()).toEqual([...PEER_REFUSALS].sort());
});

it("and every reason to refuse an enrolment, with whether it may be tried again", () => {
  const codes = ENROLMENT_REFUSALS.map(({ code }) => code);
  expect(documented("Enrolment").sort()).toEqual([...codes].sort());
  for (const code of codes) {
    const row = page.split("\n").find((line) => line.startsWith("| ") && line.includes(`\`${code}\``)) ?? "";
    expect(row.endsWith("| yes |"), code).toBe(enrolmentRefusal(code).isRetriable);
  }
});

it("and every fault of an operator's CA", () => {
  for (const fault of AUTHORITY_FAULTS) expect(page, fault).toContain(`\`${fault}\``);
});
