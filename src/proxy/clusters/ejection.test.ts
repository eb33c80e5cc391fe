/** The lines that tell why an endpoint gets nothing. */
import { expect, it } from "vitest";
import { ejectionLine } from "./ejection.ts";

const ENDPOINT = {
  cluster: "shop.default:80",
  endpoint: "127.0.0.1:80",
  workload: "shop-0",
  namespace: "default",
};

it("left out: by which detector, for how long", () => {
  const line = ejectionLine({ ...ENDPOINT, out: { detector: "consecutive_5xx", ms: 30_000 } }, new Date(0));
  expect(JSON.parse(line)).toEqual({
    level: "warn",
    time: "1970-01-01T00:00:00.000Z",
    msg: "endpoint ejected",
    ...ENDPOINT,
    detector: "consecutive_5xx",
    seconds: 30,
  });
});

it("back", () => {
  expect(JSON.parse(ejectionLine({ ...ENDPOINT, out: null }, new Date(0)))).toMatchObject({
    level: "info",
    msg: "endpoint back",
  });
});
