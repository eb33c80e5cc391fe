/**
 * The rules as text, against files in golden/: one for each set of settings and back end. `WEFT_GOLDEN=write npx vitest run
 * src/intercept` writes them anew; what changes then is to be read.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BACKENDS, FAMILIES } from "./backend.ts";
import { backendOf } from "./program.ts";
import { tablesOf } from "./rules.ts";
import { DEFAULTS, parseIds, parsePorts, parseRanges, type Settings } from "./settings.ts";

const CASES: Readonly<Record<string, Partial<Settings>>> = {
  defaults: {},
  "excluded ports, ranges and users": {
    excludeInboundPorts: parsePorts("15020,9000-9010"),
    excludeOutboundPorts: parsePorts("3306,5000-5010"),
    excludeOutboundRanges: parseRanges("10.96.0.1,192.168.0.0/16,fd00::/8"),
    excludeOutboundUids: parseIds("999"),
    excludeOutboundGids: parseIds("2000,2001"),
  },
  "included ports and ranges": {
    includeInboundPorts: parsePorts("80,8080"),
    includeOutboundPorts: parsePorts("9999"),
    includeOutboundRanges: parseRanges("10.96.0.0/12,fd00:96::/112"),
  },
  "nothing intercepted": { includeInboundPorts: [], includeOutboundRanges: [] },
  dns: { dns: { port: 15_053, servers: ["10.96.0.10", "127.0.0.11", "fd00::a"] } },
  "other ports and owners": {
    outboundPort: 4_140,
    inboundPort: 4_143,
    proxyUids: [2_102, 2_103],
    proxyGids: [],
  },
};

describe.each(Object.entries(CASES))("%s", (name, settings) => {
  it.each(BACKENDS)("as %s text", (backend) => {
    const golden = new URL(`golden/${name.replaceAll(/\W+/g, "-")}.${backend}`, import.meta.url);
    const unusable = () => ({ isDone: false, stdout: "", problem: "" });
    const text = backendOf(backend, unusable).text(tablesOf({ ...DEFAULTS, ...settings }, FAMILIES));
    if (process.env["WEFT_GOLDEN"] === "write") writeFileSync(golden, text);
    expect(text).toBe(readFileSync(golden, "utf8"));
  });
});

it("leaves IPv6 out where there is none", () => {
  expect(tablesOf(DEFAULTS, ["ipv4"]).map(({ family }) => family)).toEqual(["ipv4"]);
});
