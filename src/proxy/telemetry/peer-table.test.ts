import { expect, it } from "vitest";
import { MAX_PRINCIPALS, PeerTable } from "./peer-table.ts";

it("each principal has one object, and those beyond the bound share one", () => {
  const table = new PeerTable();
  const id = (i: number) => `spiffe://cluster.local/ns/n${i}/sa/a`;
  for (let i = 0; i < MAX_PRINCIPALS; i++) {
    const labels = table.labelsOf(id(i), `n${i}`);
    expect(labels).toMatchObject({
      principal: id(i),
      namespace: `n${i}`,
      workload: "unknown",
      isMutualTls: true,
    });
    expect(table.labelsOf(id(i), `n${i}`)).toBe(labels);
  }
  const more = table.labelsOf(id(MAX_PRINCIPALS), "more");
  expect(more).toMatchObject({ principal: "unknown", namespace: "unknown", isMutualTls: true });
  expect(table.labelsOf(id(MAX_PRINCIPALS + 1), "more")).toBe(more);
  expect(table.labelsOf(id(0), "n0").principal).toBe(id(0));
});
