import { networkInterfaces } from "node:os";
import { describe, expect, it } from "vitest";
import { ownAddress } from "./own-address.ts";

const isOwn = ownAddress(new Set([15_001]));

describe("the sidecar's own", () => {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const written = ["127.0.0.1", "127.9.8.7", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "0:0:0:0:0:0:0:1"];
  for (const address of [...written, ...all.map(({ address }) => address)]) {
    it(address, () => {
      expect(isOwn(address, 15_001)).toBe(true);
      expect(isOwn(address, 15_002)).toBe(false);
    });
  }
});

describe("others'", () => {
  for (const address of ["198.18.0.1", "2001:db8::1", "localhost", "", "::ffff:198.18.0.1"]) {
    it(JSON.stringify(address), () => expect(isOwn(address, 15_001)).toBe(false));
  }
});
