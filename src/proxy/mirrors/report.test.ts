import { setImmediate } from "node:timers/promises";
import { expect, it } from "vitest";
import type { MirrorComparison } from "../../discovery/mirror-comparison.ts";
import { MirrorInbox } from "./inbox.ts";
import { MAX_PAIRS, MAX_PATHS, MirrorReport } from "./report.ts";
import { reportText } from "./report-text.ts";
import type { MirrorSample } from "./sample.ts";

const NOW = () => new Date(0);

interface Given {
  readonly route?: string;
  readonly settings?: MirrorComparison;
  readonly statuses?: readonly [real: number, mirror: number];
  readonly header?: readonly [real: string | null, mirror: string | null];
}

function both(real: unknown, mirror: unknown, given: Given = {}): MirrorSample {
  const { route = "r", settings = { body: "json", headers: ["etag"] } } = given;
  const side = (i: 0 | 1, body: unknown) => ({
    status: given.statuses?.[i] ?? 200,
    headers: [given.header?.[i] ?? null],
    encoding: "",
    body: Buffer.from(JSON.stringify(body)),
    isOwn: false,
  });
  return { route, cluster: "c", settings, kind: "both", real: side(0, real), mirror: side(1, mirror) };
}

it("counts what was compared, and where it differed", () => {
  const report = new MirrorReport(NOW);
  report.take(both({ a: 1 }, { a: 1 }));
  for (let i = 0; i < 3; i++) report.take(both({}, {}, { statuses: [200, 500] }));
  report.take(both({}, {}, { statuses: [404, 200] }));
  report.take(both({ a: [1, 1] }, { a: [2, 3] }, { header: ["x", "y"] }));
  report.take(both({ a: [1] }, { a: [2] }));
  report.take({ route: "r", cluster: "c", settings: {}, kind: "failed" });
  report.take({ route: "r", cluster: "c", settings: {}, kind: "incomplete" });
  expect(report.pairs()).toEqual([
    {
      route: "r",
      cluster: "c",
      since: "1970-01-01T00:00:00.000Z",
      compared: 7,
      same: 1,
      tooLarge: 0,
      failed: 1,
      incomplete: 1,
      statuses: [
        { real: 200, mirror: 500, count: 3 },
        { real: 404, mirror: 200, count: 1 },
      ],
      headers: [{ name: "etag", kind: "changed", count: 1 }],
      paths: [{ path: "/a/*", kind: "changed", count: 2 }],
      pathsLeftOut: 0,
    },
  ]);
  expect(Object.fromEntries([...report.counts()].map(([, result, count]) => [result, count]))).toEqual({
    same: 1,
    status: 4,
    headers: 1,
    body: 1,
    too_large: 0,
    failed: 1,
    incomplete: 1,
  });
});

it("values only where the policy lets them be shown; the latest stand for the others", () => {
  const report = new MirrorReport(NOW);
  const settings = { body: "json", headers: ["etag"], showValues: true } as const;
  report.take(both({ password: "hunter2" }, { password: "hunter3" }));
  expect(JSON.stringify(report.pairs())).not.toContain("hunter");
  report.take(both({ password: "first" }, { password: "second" }, { settings, header: ["x", "y"] }));
  const [pair] = report.pairs();
  expect(pair?.paths).toEqual([
    { path: "/password", kind: "changed", count: 2, real: '"first"', mirror: '"second"' },
  ]);
  expect(pair?.headers).toEqual([{ name: "etag", kind: "changed", count: 1, real: "x", mirror: "y" }]);
});

it("texts, places and rules are bounded", () => {
  const report = new MirrorReport(NOW);
  const settings = { body: "json", showValues: true } as const;
  for (let i = 0; i < 3; i++) {
    const names = Array.from({ length: 600 }, (_, k) => [
      `${"n".repeat(1_000 * Number(k === 0))}${i}-${k}`,
      "v".repeat(900),
    ]);
    report.take(both(Object.fromEntries(names), {}, { settings }));
  }
  const [pair] = report.pairs();
  expect(pair?.paths.length).toBe(MAX_PATHS);
  expect(pair?.pathsLeftOut).toBe(798);
  for (const { path, real } of pair?.paths ?? []) {
    expect(path.length).toBeLessThanOrEqual(200);
    expect(real?.length).toBeLessThanOrEqual(200);
  }
  for (let i = 0; i < 2 * MAX_PAIRS; i++) report.take(both(1, 1, { route: `r${i}` }));
  expect(report.pairs().length).toBe(MAX_PAIRS);
  expect(report.pairs().at(-1)?.route).toBe(`r${2 * MAX_PAIRS - 1}`);
  const sum = [...report.counts()].reduce((all, [, , count]) => all + count, 0);
  expect(sum).toBe(3 + 2 * MAX_PAIRS);
});

it("statuses are bounded", () => {
  const report = new MirrorReport(NOW);
  for (let mirror = 300; mirror < 500; mirror++) report.take(both(1, 1, { statuses: [200, mirror] }));
  expect(report.pairs()[0]?.statuses.length).toBe(100);
});

it("for people, with nothing of an application's that steers a terminal", () => {
  expect(reportText([])).toContain("nothing was compared");
  const report = new MirrorReport(NOW);
  const settings = { body: "json", headers: ["etag"], showValues: true } as const;
  report.take(both({ "a\u001b[2Jb\n": "\u202e" }, { c: 1 }, { settings, header: ["x", null] }));
  report.take(both({}, {}, { statuses: [200, 503] }));
  report.take({ route: "r", cluster: "c", settings: {}, kind: "failed" });
  expect(reportText(report.pairs())).toBe(
    [
      "r → c, since 1970-01-01T00:00:00.000Z",
      "  2 compared, 0 same (0.0 %), 1 mirror failed",
      "  status  1 × 200->503",
      "  header  1 × etag is missing: x",
      '  body    1 × /a?[2Jb? is missing: "?"',
      "  body    1 × /c is not in the real one: 1",
    ].join("\n"),
  );
});

it("samples are compared one in a turn, in their order, each told when it is in the report", async () => {
  const report = new MirrorReport(NOW);
  const inbox = new MirrorInbox(report);
  const taken: number[] = [];
  for (let i = 0; i < 3; i++) inbox.put(both(1, 1), () => taken.push(i));
  expect(taken).toEqual([]);
  for (const expected of [[0], [0, 1], [0, 1, 2]]) {
    await setImmediate();
    expect(taken).toEqual(expected);
  }
  expect(report.pairs()[0]?.compared).toBe(3);
});
