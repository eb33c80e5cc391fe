import { expect, it } from "vitest";
import { ExpiryWatch } from "./expiry-watch.ts";

const DAY = 86_400_000;

it("tells of each threshold once, for each certificate", () => {
  const told: string[] = [];
  const say = (level: string) => (fields: object, text?: string) =>
    void told.push(`${level} ${(fields as { fingerprint: string }).fingerprint}: ${text}`);
  const log = { debug() {}, info() {}, warn: say("warn"), error: say("error") };
  const authorities = [
    { kind: "root", fingerprint: "a", notAfter: 40 * DAY },
    { kind: "root", fingerprint: "b", notAfter: 400 * DAY },
  ];
  const watch = new ExpiryWatch(() => authorities, log);
  const counts = [0, 9, 10, 11, 20, 33, 34, 39, 39.5, 40, 41].map((day) => {
    watch.look(day * DAY);
    return told.length;
  });
  expect(counts).toEqual([0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 4]);
  expect(told.at(-1)).toBe("error a: a certificate of the CA has expired");
  watch.close();
});
