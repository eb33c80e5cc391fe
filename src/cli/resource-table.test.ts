import { describe, expect, it } from "vitest";
import { resourceTables } from "./resource-table.ts";

const plain = (_format: string, text: string) => text;

describe("resources as tables", () => {
  it("shows a route's backends with their weights", () => {
    const route = {
      kind: "HTTPRoute",
      metadata: { name: "catalog", namespace: "default" },
      spec: {
        parentRefs: [{ name: "catalog" }],
        rules: [
          {
            backendRefs: [
              { name: "v1", weight: 90 },
              { name: "v2", weight: 10 },
            ],
          },
        ],
      },
    };
    expect(resourceTables([route], plain)).toBe(
      "NAMESPACE  NAME     FOR      BACKENDS\ndefault    catalog  catalog  v1=90,v2=10\n",
    );
  });

  it("gives each kind its table, and shows a kind it does not know by name", () => {
    const documents = [
      {
        kind: "Service",
        metadata: { name: "web" },
        spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
      },
      { kind: "Unheard", metadata: { name: "of" } },
    ];
    expect(resourceTables(documents, plain)).toBe(
      "Service\nNAMESPACE  NAME  PORTS  SELECTOR\ndefault    web   80     app=web\n\n" +
        "Unheard\nNAMESPACE  NAME\ndefault    of\n",
    );
  });

  it("survives a spec of the wrong shape", () => {
    const odd = { kind: "Service", metadata: { name: "x" }, spec: { ports: "no", selector: 7 } };
    expect(resourceTables([odd], plain)).toContain("default    x     -      -");
  });
});
