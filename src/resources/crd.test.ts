/** Definitions as an API server takes them: structural schemas, RE2 patterns, and what Weft itself takes. */
import { describe, expect, it } from "vitest";
import { CUSTOM_KINDS, definitionOf } from "./crd.ts";
import { isMap } from "./schema.ts";

type Json = Readonly<Record<string, unknown>>;

function schemaOf(kind: (typeof CUSTOM_KINDS)[number]): Json {
  const spec = definitionOf(kind)["spec"] as { versions: readonly { schema: { openAPIV3Schema: Json } }[] };
  return spec.versions[0]?.schema.openAPIV3Schema ?? {};
}

/** All schemas within a schema. */
function* within(schema: Json): Iterable<Json> {
  yield schema;
  const below = [
    ...Object.values(isMap(schema["properties"]) ? schema["properties"] : {}),
    schema["items"],
    schema["additionalProperties"],
  ];
  for (const child of below) if (isMap(child)) yield* within(child);
}

const ALLOWED = [
  ..."description type format properties required items additionalProperties enum nullable pattern".split(
    " ",
  ),
  ..."minimum maximum minItems maxItems maxLength maxProperties".split(" "),
  ..."x-kubernetes-int-or-string x-kubernetes-validations x-kubernetes-list-type".split(" "),
  "x-kubernetes-list-map-keys",
];

describe.each(CUSTOM_KINDS)("the definition of %s", (kind) => {
  const schemas = [...within(schemaOf(kind))];

  it("is structural: each value has a type, and nothing stands there that an API server refuses", () => {
    for (const schema of schemas) {
      expect(Object.keys(schema).filter((key) => !ALLOWED.includes(key))).toEqual([]);
      expect("type" in schema || schema["x-kubernetes-int-or-string"] === true).toBe(true);
      expect("properties" in schema && "additionalProperties" in schema).toBe(false);
      if (schema["type"] === "array") expect(isMap(schema["items"])).toBe(true);
    }
  });

  it("has patterns that RE2 knows", () => {
    for (const { pattern } of schemas) {
      if (pattern === undefined) continue;
      expect(pattern).not.toMatch(/\(\?[=!<]|\\[1-9]|\\u|\\[pP]\{|\{\d{4,}/);
    }
  });

  it("has nothing to write that kubectl takes for something else: on is true to it", () => {
    const { spec } = schemaOf(kind)["properties"] as { spec: Json };
    const words = [...within(spec)].flatMap(({ properties, enum: values }) => [
      ...Object.keys(isMap(properties) ? properties : {}),
      ...(Array.isArray(values) ? values.map(String) : []),
    ]);
    expect(words.filter((word) => /^(?:y|n|yes|no|on|off|true|false|null|~)$/i.test(word))).toEqual([]);
  });

  it("has rules about fields that are there, by names that CEL takes", () => {
    for (const schema of schemas) {
      const rules = (schema["x-kubernetes-validations"] ?? []) as readonly { rule: string }[];
      for (const { rule } of rules) {
        for (const [, name = ""] of rule.matchAll(/self\.([a-zA-Z]+)/g)) {
          expect(Object.keys(schema["properties"] as Json)).toContain(name);
          expect(["namespace", "in", "function", "package", "import", "const"]).not.toContain(name);
        }
      }
    }
  });
});

describe("definitions", () => {
  it("say what must not stand together", () => {
    const rules = [...within(schemaOf("FaultInjection"))].flatMap(
      (schema) => (schema["x-kubernetes-validations"] ?? []) as readonly { rule: string }[],
    );
    expect(rules.map(({ rule }) => rule)).toContain("!(has(self.abort) && has(self.slowBody))");
  });

  it("are of the namespace, but for the one MeshConfig of the cluster", () => {
    const scopes = CUSTOM_KINDS.map((kind) => `${kind} ${(definitionOf(kind)["spec"] as Json)["scope"]}`);
    expect(scopes.filter((scope) => scope.endsWith("Cluster"))).toEqual(["MeshConfig Cluster"]);
  });
});
