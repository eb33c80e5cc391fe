import { expect, it } from "vitest";
import { anyEnds, parseRange } from "./subnet.ts";

it.each([
  ["198.18.0.0/15", { first: 3_323_068_416, length: 15 }],
  ["198.18.3.7/16", { first: 3_323_068_416, length: 16 }],
  ["10.0.0.0/7", undefined],
  ["10.0.0.0/31", undefined],
  ["10.0.0.256/24", undefined],
  ["10.0.0/24", undefined],
  ["::/64", undefined],
])("%s", (text, range) => {
  expect(parseRange(text)).toEqual(range);
});

it("takes the two in the middle of a /30", () => {
  expect(anyEnds({ first: 3_323_068_416, length: 30 })).toEqual({ host: "198.18.0.1", guest: "198.18.0.2" });
  for (let n = 0; n < 100; n++) {
    const { host, guest } = anyEnds({ first: 3_323_068_416, length: 24 });
    const [h, g] = [host, guest].map((address) => Number(/^198\.18\.0\.(\d+)$/.exec(address)?.[1]));
    expect([(h ?? 0) % 4, (g ?? 0) - (h ?? 0)]).toEqual([1, 1]);
  }
});
