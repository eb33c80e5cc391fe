import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { removeDocument, replaceDocument } from "./edit.ts";

const CONFIG = join(import.meta.dirname, "../../../config");
const ID = { kind: "HTTPRoute", namespace: "default", name: "catalog" };
const read = (...path: string[]) => readFileSync(join(CONFIG, ...path), "utf8");

const TEXT = `# above
kind: K # which
metadata: { name: n, labels: { a: 'one', b: "two" } }
spec:
    list: [ 1, 2 ] # numbers
    text: word
`;
const K = { kind: "K", namespace: "default", name: "n" };
const document = (list: unknown, text: unknown, a = "one") => ({
  ...{ kind: "K", metadata: { name: "n", labels: { a, b: "two" } }, spec: { list, text } },
});

describe("a document is replaced", () => {
  it("by its values alone where only they differ", () => {
    expect(replaceDocument("k.yaml", TEXT, K, document([1, 20], "other", "1"))).toBe(
      TEXT.replace("2 ] #", "20 ] #").replace("word", "other").replace("'one'", '"1"'),
    );
  });

  it.each([
    ["no"],
    ["true"],
    ["1e3"],
    ["~"],
    ["a: b"],
    ["# no comment"],
    [", ]"],
    ["\u001b[0m"],
    [""],
    ["2"],
  ])("by text %j that reads as itself", (text) => {
    const edited = replaceDocument("k.yaml", TEXT, K, document([1, 2], text)) ?? "";
    expect(parse(edited)).toEqual(document([1, 2], text));
    expect(edited).toContain("# numbers");
  });

  it("as a whole where its structure differs, comments around it kept", () => {
    const edited =
      replaceDocument("k.yaml", `${TEXT}---\n# below\nother: 1\n`, K, document([1], "word")) ?? "";
    expect(edited.startsWith("# above\n")).toBe(true);
    expect(edited.endsWith("---\n# below\nother: 1\n")).toBe(true);
    expect(parse(edited.split("---")[0] ?? "")).toEqual(document([1], "word"));
  });

  it("as a whole where an alias stands for a value", () => {
    const text = "kind: K\nmetadata: { name: n }\nspec: { a: &x 1, b: *x }\n";
    const wanted = { kind: "K", metadata: { name: "n" }, spec: { a: 2, b: 1 } };
    expect(parse(replaceDocument("k.yaml", text, K, wanted) ?? "")).toEqual(wanted);
  });

  it("in the demo by two numbers, and back to what it was to the byte", () => {
    const demo = read("demo", "catalog-route.yaml");
    const half = replaceDocument("r.yaml", demo, ID, parse(read("samples", "canary-50.yaml"))) ?? "";
    expect(half).toBe(demo.replace("weight: 90", "weight: 50").replace("weight: 10", "weight: 50"));
    const all = replaceDocument("r.yaml", half, ID, parse(read("samples", "canary-100.yaml"))) ?? "";
    expect(replaceDocument("r.yaml", all, ID, parse(read("samples", "canary-10.yaml")))).toBe(demo);
  });
});

it("a document is removed, and with the last one the file", () => {
  expect(removeDocument(`${TEXT}---\nother: 1\n`, K)).toBe("# above\n---\nother: 1\n");
  expect(removeDocument(TEXT, K)).toBeNull();
  expect(removeDocument(TEXT, { ...K, name: "other" })).toBeUndefined();
});
