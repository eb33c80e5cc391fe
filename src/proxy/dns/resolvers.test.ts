import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nameservers, Resolvers, type ResolversOptions } from "./resolvers.ts";

let directory: string;
let file: string;
let now = 0;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weft-resolvers-"));
  file = join(directory, "resolv.conf");
  now = 0;
});
afterEach(() => rmSync(directory, { recursive: true }));

function resolvers(more: Partial<ResolversOptions> = {}): { list(): string[]; resolvers: Resolvers } {
  const made = new Resolvers({ file, isOwn: () => false, now: () => now, ...more });
  return { resolvers: made, list: () => made.inOrder().map(({ address }) => address) };
}

it("of resolv.conf: addresses of both families, and nothing else", () => {
  const text =
    "# nameserver 1.1.1.1\nsearch a b\nnameserver 10.0.0.1\n\tnameserver\tfd00::1 \nnameserver fe80::1%eth0\nnameserver dns.example\nnameserver\n;nameserver 9.9.9.9";
  expect(nameservers(text).map(({ address }) => address)).toEqual(["10.0.0.1", "fd00::1", "fe80::1%eth0"]);
});

describe("the file", () => {
  it("is read again when it has changed, looked at every 5 s; one that is gone leaves those known", () => {
    writeFileSync(file, "nameserver 10.0.0.1\n");
    const { list } = resolvers();
    expect(list()).toEqual(["10.0.0.1"]);
    writeFileSync(
      `${file}.new`,
      "nameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4\nnameserver 10.0.0.5\n",
    );
    renameSync(`${file}.new`, file);
    now = 4_999;
    expect(list()).toEqual(["10.0.0.1"]);
    now = 5_000;
    expect(list()).toEqual(["10.0.0.2", "10.0.0.3", "10.0.0.4"]);
    rmSync(file);
    now = 20_000;
    expect(list()).toEqual(["10.0.0.2", "10.0.0.3", "10.0.0.4"]);
  });

  it("may not be there", () => {
    expect(resolvers().list()).toEqual([]);
  });
});

const FIXED = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map((address) => ({ address, port: 53 }));

it("one that has failed comes last for 10 s, or until it answers", () => {
  const { list, resolvers: made } = resolvers({ fixed: FIXED });
  const [first, second] = FIXED;
  if (first === undefined || second === undefined) throw new Error("unreachable");
  made.failed(first);
  expect(list()).toEqual(["10.0.0.2", "10.0.0.3", "10.0.0.1"]);
  made.failed(second);
  expect(list()).toEqual(["10.0.0.3", "10.0.0.1", "10.0.0.2"]);
  made.answered(first);
  expect(list()).toEqual(["10.0.0.1", "10.0.0.3", "10.0.0.2"]);
  now = 10_001;
  expect(list()).toEqual(["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
});

it("never the proxy itself", () => {
  const { list } = resolvers({ fixed: FIXED, isOwn: ({ address }) => address === "10.0.0.2" });
  expect(list()).toEqual(["10.0.0.1", "10.0.0.3"]);
});
