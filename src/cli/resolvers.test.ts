import { expect, it } from "vitest";
import { parseResolvers } from "./resolvers.ts";

it.each([
  ["10.0.0.1", [{ address: "10.0.0.1", port: 53 }]],
  [
    "10.0.0.1:5353, fd00::1",
    [
      { address: "10.0.0.1", port: 5_353 },
      { address: "fd00::1", port: 53 },
    ],
  ],
  ["[fd00::1]:5353", [{ address: "fd00::1", port: 5_353 }]],
])("%s", (text, expected) => {
  expect(parseResolvers(text)).toEqual(expected);
});

it.each(["", "10.0.0.1,", "example.com", "10.0.0.1:65536", "10.0.0.1:", "[10.0.0.1", "fd00::1]:5"])(
  "%s is no list of resolvers",
  (text) => {
    expect(parseResolvers(text)).toBeUndefined();
  },
);
